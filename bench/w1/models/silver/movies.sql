/*---
partition_by: [release_year]
---*/
WITH newest AS (
  SELECT id, max(fetched_at) AS fetched_at FROM bronze.movies GROUP BY id),
latest AS (
  SELECT raw_json FROM bronze.movies SEMI JOIN newest USING (id, fetched_at)),
p AS (
  SELECT unnest(from_json(raw_json, '{"id":"BIGINT","imdb_id":"VARCHAR","title":"VARCHAR","original_language":"VARCHAR","status":"VARCHAR","release_date":"VARCHAR",
    "runtime":"INTEGER","budget":"BIGINT","revenue":"BIGINT","popularity":"DOUBLE","vote_average":"DOUBLE","vote_count":"BIGINT","overview":"VARCHAR","tagline":"VARCHAR",
    "genres":[{"name":"VARCHAR"}],"keywords":{"keywords":[{"name":"VARCHAR"}]},"production_companies":[{"name":"VARCHAR"}],"production_countries":[{"name":"VARCHAR"}],
    "belongs_to_collection":{"id":"BIGINT","name":"VARCHAR"},
    "credits":{"cast":[{"id":"BIGINT","name":"VARCHAR","character":"VARCHAR","order":"INTEGER"}],"crew":[{"id":"BIGINT","name":"VARCHAR","job":"VARCHAR","department":"VARCHAR"}]}}'))
  FROM latest),
c AS (
  SELECT id, imdb_id, title, original_language, status, TRY_CAST(release_date AS DATE) AS release_date, nullif(runtime, 0) AS runtime, nullif(budget, 0) AS budget,
    nullif(revenue, 0) AS revenue, popularity, nullif(vote_average, 0) AS vote_average, vote_count, overview, tagline,
    [x.name FOR x IN genres] AS genres, array_to_string([x.name FOR x IN genres], '|') AS genres_text,
    array_to_string([x.name FOR x IN keywords.keywords], '|') AS keywords_text, array_to_string([x.name FOR x IN production_companies], '|') AS companies_text,
    array_to_string([x.name FOR x IN production_countries], '|') AS countries_text, belongs_to_collection.id AS collection_id, belongs_to_collection.name AS collection_name,
    credits.cast AS "cast", credits.crew AS crew, len(credits.cast) AS cast_size, len(credits.crew) AS crew_size,
    list_filter(credits.crew, lambda x: x.job = 'Director')[1].name AS director
  FROM p WHERE status = 'Released')
SELECT *, year(release_date) AS release_year, month(release_date) AS release_month, revenue - budget AS profit, (revenue - budget) / budget AS roi,
  CASE WHEN budget IS NOT NULL AND revenue IS NOT NULL AND runtime IS NOT NULL AND director IS NOT NULL AND len(genres) > 0 THEN 'complete'
       WHEN budget IS NOT NULL OR revenue IS NOT NULL THEN 'partial' ELSE 'poor' END AS quality
FROM c WHERE release_date IS NOT NULL
