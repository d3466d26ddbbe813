/*---
description: >
  The released films of each genre, year and month.
partition_by: [year]
keep: 1825 days
checks:
  - not_null: [genre, year, month]
  - unique: [genre, year, month]
tags: [gold, batch_view]
---*/
-- A film counts in each of its genres; films without a release date are left out. Averages are over the films whose
-- figure is known, total_revenue is NULL when none is. top_movies: the ten of the highest revenue, those of unknown
-- revenue last, then by popularity.
-- Sums are of decimals, so that they do not depend on the order of rows.
WITH films AS (
    SELECT
        unnest(genres) AS genre, release_year, release_month, movie_id, title, revenue, budget,
        vote_average, popularity, sentiment_score
    FROM silver.movies
    WHERE status = 'Released' AND release_date IS NOT NULL
)
SELECT
    genre,
    release_year AS "year",
    release_month AS "month",
    count(*) AS total_movies,
    avg(vote_average::DECIMAL(18, 6)) AS avg_rating,
    avg(popularity::DECIMAL(18, 6)) AS avg_popularity,
    sum(revenue)::BIGINT AS total_revenue,
    avg(budget) AS avg_budget,
    avg(sentiment_score::DECIMAL(18, 6)) AS avg_sentiment,
    list(title ORDER BY revenue DESC NULLS LAST, popularity DESC NULLS LAST, movie_id)[:10] AS top_movies,
    $now AS computed_timestamp
FROM films
WHERE genre IS NOT NULL
GROUP BY genre, release_year, release_month
