/*---
description: >
  One row a director with released films; a film by several counts for each of them.
keep: 1825 days
checks:
  - not_null: [person_id]
  - unique: person_id
tags: [gold]
---*/
-- Means and totals are over the films whose figure is known; NULL when none is. Where films spell a name
-- differently, it is the first by alphabet; best_movie is that of the highest revenue.
WITH credits AS (
    SELECT DISTINCT ON (movie_id, person_id) *
    FROM (
        SELECT
            unnest(director_ids) AS person_id, unnest(directors) AS director,
            movie_id, title, release_year, revenue, budget, profit, roi, vote_average, popularity
        FROM silver.movies
        WHERE status = 'Released'
    )
    ORDER BY movie_id, person_id, director
)
SELECT
    person_id,
    min(director) AS director,
    count(*) AS films,
    sum(revenue)::BIGINT AS total_revenue,
    avg(revenue) AS avg_revenue,
    sum(budget)::BIGINT AS total_budget,
    avg(budget) AS avg_budget,
    sum(profit)::BIGINT AS total_profit,
    median(roi) AS median_roi,
    avg(vote_average::DECIMAL(18, 6)) AS avg_rating,
    avg(popularity::DECIMAL(18, 6)) AS avg_popularity,
    min(release_year) AS first_year,
    max(release_year) AS last_year,
    first(title ORDER BY revenue DESC NULLS LAST, popularity DESC NULLS LAST, movie_id) AS best_movie
FROM credits
GROUP BY person_id
