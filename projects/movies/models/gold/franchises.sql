/*---
description: >
  One row a franchise (a TMDB collection) with released films.
keep: 1825 days
checks:
  - not_null: [collection_id]
  - unique: collection_id
tags: [gold]
---*/
-- Means and totals are over the films whose figure is known; NULL when none is. Of several spellings of a name it is
-- that of the latest film; best_movie is that of the highest revenue.
SELECT
    collection_id,
    arg_max(collection_name, (release_date, movie_id)) AS collection_name,
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
FROM silver.movies
WHERE status = 'Released' AND is_franchise
GROUP BY collection_id
