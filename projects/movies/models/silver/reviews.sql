/*---
description: >
  One row a review, from its latest extraction, with the sentiment of its text.
mode: merge
key: review_id
sequence_by: extraction_timestamp
incremental:
  - bronze.reviews
keep: 730 days
passing: 95%
checks:
  - not_null: [review_id, movie_id, content]
  - unique: review_id
  - accepted_values: {sentiment_label: [positive, neutral, negative]}
  - row: "rating BETWEEN 0 AND 10"
    name: rating is from 0 to 10
tags: [silver]
---*/
-- sentiment_score is VADER's compound score of the text, -1 to 1; its label is positive from 0.05 up, negative from
-- -0.05 down, else neutral.
WITH newest AS (
    SELECT review_id, max(extraction_timestamp) AS extraction_timestamp
    FROM bronze.reviews
    GROUP BY review_id
),
parsed AS (
    SELECT review_id, movie_id, extraction_timestamp, raw_json, TRY(from_json(raw_json, '{
        "author": "VARCHAR",
        "author_details": {"name": "VARCHAR", "username": "VARCHAR", "rating": "VARCHAR"},
        "content": "VARCHAR", "created_at": "VARCHAR", "updated_at": "VARCHAR", "url": "VARCHAR"
        }')) AS d
    FROM bronze.reviews SEMI JOIN newest USING (review_id, extraction_timestamp)
),
scored AS (
    SELECT
        review_id, movie_id, extraction_timestamp, d,
        nullif(trim(d.content), '') AS content,
        round(sentiment(content), 4) AS sentiment_score,
        TRY_CAST(d.author_details.rating AS DOUBLE) AS rating,
        TRY_CAST(nullif(d.created_at, '') AS TIMESTAMPTZ) AS created_at,
        TRY_CAST(nullif(d.updated_at, '') AS TIMESTAMPTZ) AS updated_at,
        CASE WHEN json_valid(d.content) THEN json_type(raw_json, '$.content') END AS content_kind
    FROM parsed
)
SELECT
    review_id,
    movie_id,
    nullif(trim(d.author), '') AS author,
    nullif(trim(d.author_details.username), '') AS username,
    rating,
    created_at,
    updated_at,
    length(content)::INTEGER AS content_length,
    sentiment_score,
    CASE WHEN sentiment_score >= 0.05 THEN 'positive'
         WHEN sentiment_score <= -0.05 THEN 'negative'
         WHEN sentiment_score IS NOT NULL THEN 'neutral'
    END AS sentiment_label,
    nullif(d.url, '') AS url,
    content,
    extraction_timestamp,
    $now AS processed_timestamp,
    list_filter([
        CASE WHEN d IS NULL THEN 'raw_json: not a JSON object' END,
        CASE WHEN content_kind <> 'VARCHAR' THEN 'content: not a text' END,
        CASE WHEN d.author_details.rating IS NOT NULL AND rating IS NULL
             THEN 'rating: "' || left(d.author_details.rating, 80) || '" is not a number' END,
        CASE WHEN nullif(d.created_at, '') IS NOT NULL AND created_at IS NULL
             THEN 'created_at: "' || left(d.created_at, 80) || '" is not a time' END,
        CASE WHEN nullif(d.updated_at, '') IS NOT NULL AND updated_at IS NULL
             THEN 'updated_at: "' || left(d.updated_at, 80) || '" is not a time' END
    ], lambda reason: reason IS NOT NULL) AS _reject
FROM scored
