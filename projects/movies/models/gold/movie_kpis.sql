/*---
description: >
  One row a released film, with the figures that the KPI report ranks and averages.
keep: 1825 days
checks:
  - not_null: [movie_id, title]
  - unique: movie_id
tags: [gold]
---*/
SELECT
    movie_id,
    title,
    release_date,
    release_year,
    primary_genre,
    genres_text,
    director,
    collection_id,
    collection_name,
    is_franchise,
    runtime,
    budget,
    revenue,
    profit,
    roi,
    budget_musd,
    revenue_musd,
    profit_musd,
    vote_average,
    vote_count,
    popularity,
    review_count,
    sentiment_score,
    genres,
    directors,
    [c.name FOR c IN "cast"] AS cast_names
FROM silver.movies
WHERE status = 'Released'
