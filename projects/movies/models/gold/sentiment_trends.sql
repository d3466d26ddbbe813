/*---
description: >
  What reviews say about the released films of each genre, month by month.
keep: 1825 days
checks:
  - not_null: [genre, year, month]
  - unique: [genre, year, month]
tags: [gold, batch_view]
---*/
-- The month is that in which a review was written (UTC). change is the difference of mean_sentiment to the genre's
-- last month with reviews before.
WITH opinions AS (
    SELECT
        unnest(f.genres) AS genre,
        year(r.created_at AT TIME ZONE 'UTC')::INTEGER AS "year",
        month(r.created_at AT TIME ZONE 'UTC')::INTEGER AS "month",
        r.sentiment_score, r.sentiment_label
    FROM silver.reviews AS r
    JOIN silver.movies AS f USING (movie_id)
    WHERE f.status = 'Released' AND r.created_at IS NOT NULL AND r.sentiment_score IS NOT NULL
),
months AS (
    SELECT
        genre,
        "year",
        "month",
        count(*) AS reviews,
        round(avg(sentiment_score::DECIMAL(9, 4)), 6) AS mean_sentiment,
        count(*) FILTER (WHERE sentiment_label = 'positive') / count(*) AS share_positive,
        count(*) FILTER (WHERE sentiment_label = 'negative') / count(*) AS share_negative
    FROM opinions
    WHERE genre IS NOT NULL
    GROUP BY genre, "year", "month"
)
SELECT
    *,
    round(mean_sentiment - lag(mean_sentiment) OVER (PARTITION BY genre ORDER BY "year", "month"), 6) AS change
FROM months
