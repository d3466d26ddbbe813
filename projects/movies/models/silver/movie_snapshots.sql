/*---
description: >
  How popular each film was on each day that it was extracted: the history that trends are made from.
mode: merge
key: [snapshot_date, movie_id]
sequence_by: extraction_timestamp
incremental:
  - bronze.movies
keep: 730 days
passing: 95%
checks:
  - not_null: [movie_id, snapshot_date, popularity]
  - unique: [snapshot_date, movie_id]
  - row: "popularity BETWEEN 0 AND 1000000000"
    name: popularity is not negative
  - row: "vote_count >= 0"
    name: vote_count is not negative
tags: [silver]
---*/
-- The last extraction of a day stands for the day.
WITH newest AS (
    SELECT movie_id, ingestion_date, max(extraction_timestamp) AS extraction_timestamp
    FROM bronze.movies
    GROUP BY movie_id, ingestion_date
),
parsed AS (
    SELECT
        movie_id, ingestion_date AS snapshot_date, extraction_timestamp,
        TRY(json_extract_string(raw_json, ['$.popularity', '$.vote_average', '$.vote_count'])) AS v
    FROM bronze.movies SEMI JOIN newest USING (movie_id, ingestion_date, extraction_timestamp)
),
typed AS (
    SELECT *,
        TRY_CAST(v[1] AS DOUBLE) AS popularity,
        TRY_CAST(v[2] AS DOUBLE) AS vote_average,
        TRY_CAST(v[3] AS BIGINT) AS vote_count
    FROM parsed
)
SELECT
    snapshot_date,
    movie_id,
    popularity,
    nullif(vote_average, 0) AS vote_average,
    vote_count,
    extraction_timestamp,
    list_filter([
        CASE WHEN v IS NULL THEN 'raw_json: not JSON' END,
        CASE WHEN v[1] IS NOT NULL AND popularity IS NULL
             THEN 'popularity: "' || left(v[1], 80) || '" is not a number' END,
        CASE WHEN v[2] IS NOT NULL AND vote_average IS NULL
             THEN 'vote_average: "' || left(v[2], 80) || '" is not a number' END,
        CASE WHEN v[3] IS NOT NULL AND NOT coalesce(vote_count = TRY_CAST(v[3] AS DOUBLE), false)
             THEN 'vote_count: "' || left(v[3], 80) || '" is not a whole number' END
    ], lambda reason: reason IS NOT NULL) AS _reject
FROM typed
