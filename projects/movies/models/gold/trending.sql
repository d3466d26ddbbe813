/*---
description: >
  Which released films are on the rise, over the last 7, 30 and 90 days.
partition_by: [window_days]
keep: 1825 days
checks:
  - not_null: [movie_id, title]
  - unique: [window_days, movie_id]
  - accepted_values: {window_days: [7, 30, 90]}
  - row: "trending_score BETWEEN 0 AND 100"
tags: [gold, batch_view]
---*/
-- A window is the last N days up to the day of the latest snapshot. In it, for each film:
--   popularity_avg  the mean of its daily popularity
--   velocity        how much its popularity rose a day, from its first to its last snapshot; 0 with only one
--   trending_score  0 to 100: 60 points by where its popularity_avg ranks among all films (0 = lowest, 1 = highest),
--                   40 by where its velocity does; equal figures rank equal, as low as the lowest of them
--   rank            1, 2, 3... by score, then popularity_avg, then movie_id
WITH latest AS (
    SELECT max(snapshot_date) AS day FROM silver.movie_snapshots
),
windows AS (
    SELECT unnest([7, 30, 90])::INTEGER AS window_days
),
measured AS (
    SELECT
        window_days, movie_id, latest.day AS window_end,
        round(avg(popularity::DECIMAL(18, 6)), 6) AS popularity_avg,
        round(coalesce((max_by(popularity, snapshot_date) - min_by(popularity, snapshot_date))
                       / nullif(max(snapshot_date) - min(snapshot_date), 0), 0), 6) AS velocity
    FROM silver.movie_snapshots
    CROSS JOIN latest
    JOIN windows ON snapshot_date > latest.day - window_days
    GROUP BY window_days, movie_id, latest.day
),
scored AS (
    SELECT m.*, f.title, round(
        60 * percent_rank() OVER (PARTITION BY window_days ORDER BY popularity_avg)
        + 40 * percent_rank() OVER (PARTITION BY window_days ORDER BY velocity), 4) AS trending_score
    FROM measured AS m
    JOIN silver.movies AS f USING (movie_id)
    WHERE f.status = 'Released'
)
SELECT
    movie_id,
    title,
    window_days,
    trending_score,
    row_number() OVER (
        PARTITION BY window_days ORDER BY trending_score DESC, popularity_avg DESC, movie_id)::INTEGER AS rank,
    velocity,
    popularity_avg,
    window_end,
    ($now AT TIME ZONE 'UTC')::DATE AS computed_date
FROM scored
