/*---
description: >
  The released films of each month, and how it compares with the same month of the year before.
partition_by: [year]
keep: 1825 days
checks:
  - not_null: [year, month]
  - unique: [year, month]
tags: [gold, batch_view]
---*/
-- Films without a release date are left out. top_genre is the genre of most films, of equal ones the first by
-- alphabet. release_distribution counts the films by day of the month. *_yoy is the difference to the same month of
-- the year before, *_yoy_pct the same in percent of that month; NULL when that month has no such figure.
WITH films AS (
    SELECT
        movie_id, genres, release_year AS "year", release_month AS "month", release_day AS "day",
        revenue, vote_average, popularity
    FROM silver.movies
    WHERE status = 'Released' AND release_date IS NOT NULL
),
genre_counts AS (
    SELECT "year", "month", genre, count(*) AS n
    FROM (SELECT "year", "month", unnest(genres) AS genre FROM films)
    WHERE genre IS NOT NULL
    GROUP BY ALL
),
top_genres AS (
    SELECT "year", "month", genre AS top_genre
    FROM genre_counts
    QUALIFY row_number() OVER (PARTITION BY "year", "month" ORDER BY n DESC, genre) = 1
),
months AS (
    SELECT
        "year",
        "month",
        count(*) AS total_movies,
        avg(vote_average::DECIMAL(18, 6)) AS avg_rating,
        avg(popularity::DECIMAL(18, 6)) AS avg_popularity,
        sum(revenue)::BIGINT AS total_revenue,
        {
            days_1_10: count(*) FILTER (WHERE "day" <= 10),
            days_11_20: count(*) FILTER (WHERE "day" BETWEEN 11 AND 20),
            days_21_31: count(*) FILTER (WHERE "day" >= 21)
        } AS release_distribution
    FROM films
    GROUP BY "year", "month"
)
SELECT
    m."year",
    m."month",
    m.total_movies,
    m.avg_rating,
    m.avg_popularity,
    m.total_revenue,
    g.top_genre,
    m.release_distribution,
    m.total_movies - b.total_movies AS total_movies_yoy,
    100 * (m.total_movies - b.total_movies) / b.total_movies AS total_movies_yoy_pct,
    m.avg_rating - b.avg_rating AS avg_rating_yoy,
    100 * (m.avg_rating - b.avg_rating) / b.avg_rating AS avg_rating_yoy_pct,
    m.avg_popularity - b.avg_popularity AS avg_popularity_yoy,
    100 * (m.avg_popularity - b.avg_popularity) / nullif(b.avg_popularity, 0) AS avg_popularity_yoy_pct,
    m.total_revenue - b.total_revenue AS total_revenue_yoy,
    100.0::DOUBLE * (m.total_revenue - b.total_revenue) / b.total_revenue AS total_revenue_yoy_pct
FROM months AS m
LEFT JOIN months AS b ON b."year" = m."year" - 1 AND b."month" = m."month"
LEFT JOIN top_genres AS g ON g."year" = m."year" AND g."month" = m."month"
