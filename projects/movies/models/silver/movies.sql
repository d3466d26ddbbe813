/*---
description: >
  One row a film, from its latest extraction: typed, cleaned, joined with what its reviews say, and graded.
mode: merge
key: movie_id
sequence_by: extraction_timestamp
partition_by: [release_year]      # by year, month and genre works too, and makes thousands of tiny files
incremental:
  - bronze.movies
  - silver.reviews: movie_id
keep: 730 days
passing: 95%
checks:
  - not_null: [movie_id, title]
  - unique: movie_id
  - accepted_values: {quality_flag: [OK, WARNING, ERROR]}
  - accepted_values: {sentiment_label: [positive, neutral, negative]}
  - row: "budget >= 0"
    name: budget is not negative
  - row: "revenue >= 0"
    name: revenue is not negative
  - row: "runtime >= 0"
    name: runtime is not negative
  - row: "budget <= 1000000000000 AND revenue <= 1000000000000"
    name: money is at most a million millions
  - row: "vote_average BETWEEN 0 AND 10"
    name: vote_average is from 0 to 10
  - row: "vote_count >= 0"
    name: vote_count is not negative
  - row: "popularity BETWEEN 0 AND 1000000000"
    name: popularity is not negative
tags: [silver]
---*/
-- What TMDB gives as 0 or '' is unknown, and NULL here: budget, revenue, runtime, vote_average, texts, dates.
-- profit = revenue - budget and roi = revenue / budget, where both are known.
-- sentiment_score is the mean of the film's reviews, NULL (and so is its label) when there are none.
-- quality_score is the share of these ten that are known: release_date, runtime, budget, revenue, vote_average,
-- overview, genres, director, cast, production companies. is_complete: all ten are.
-- quality_flag: ERROR under 0.5, or a released film without a date; WARNING when not complete, or when a sum of
-- money under 1000 or a runtime over 600 minutes looks like another unit; else OK.
WITH newest AS ( -- on narrow columns, so that no JSON is sorted
    SELECT movie_id, max(extraction_timestamp) AS extraction_timestamp
    FROM bronze.movies
    GROUP BY movie_id
),
parsed AS ( -- each record once; what may be of another type is read as text, to tell it from nothing
    SELECT movie_id, extraction_timestamp, raw_json, TRY(from_json(raw_json, '{
        "imdb_id": "VARCHAR", "title": "VARCHAR", "original_title": "VARCHAR", "original_language": "VARCHAR",
        "overview": "VARCHAR", "tagline": "VARCHAR", "homepage": "VARCHAR", "poster_path": "VARCHAR",
        "status": "VARCHAR", "adult": "VARCHAR", "release_date": "VARCHAR", "runtime": "VARCHAR",
        "budget": "VARCHAR", "revenue": "VARCHAR",
        "vote_average": "VARCHAR", "vote_count": "VARCHAR", "popularity": "VARCHAR",
        "belongs_to_collection": "JSON",
        "genres": [{"id": "BIGINT", "name": "VARCHAR"}],
        "keywords": {"keywords": [{"name": "VARCHAR"}]},
        "production_companies": [{"name": "VARCHAR"}],
        "production_countries": [{"name": "VARCHAR"}],
        "spoken_languages": [{"name": "VARCHAR"}],
        "credits": {"cast": [{"id": "BIGINT", "name": "VARCHAR", "character": "VARCHAR", "order": "INTEGER"}],
                    "crew": [{"id": "BIGINT", "name": "VARCHAR", "job": "VARCHAR", "department": "VARCHAR"}]}
        }')) AS d
    FROM bronze.movies SEMI JOIN newest USING (movie_id, extraction_timestamp)
),
typed AS (
    SELECT
        movie_id, extraction_timestamp, d,
        TRY_CAST(d.runtime AS INTEGER) AS runtime,
        TRY_CAST(d.budget AS BIGINT) AS budget,
        TRY_CAST(d.revenue AS BIGINT) AS revenue,
        TRY_CAST(d.vote_count AS BIGINT) AS vote_count,
        TRY_CAST(d.vote_average AS DOUBLE) AS vote_average,
        TRY_CAST(d.popularity AS DOUBLE) AS popularity,
        TRY_CAST(nullif(d.release_date, '') AS DATE) AS release_date,
        TRY_CAST(d.adult AS BOOLEAN) AS adult,
        TRY(from_json(d.belongs_to_collection, '{"id": "BIGINT", "name": "VARCHAR"}')) AS collection,
        list_filter(d.credits.crew, lambda c: c.job = 'Director') AS directing,
        -- a part that came out NULL is missing or of another type, and a text that looks like JSON was perhaps not a
        -- text: only then the record is looked at again
        CASE WHEN d.genres IS NULL OR d.keywords.keywords IS NULL OR d.production_companies IS NULL
                  OR d.production_countries IS NULL OR d.spoken_languages IS NULL
                  OR d.credits.cast IS NULL OR d.credits.crew IS NULL
                  OR json_valid(d.title) OR json_valid(d.original_title) OR json_valid(d.status)
                  OR json_valid(d.overview) OR json_valid(d.tagline)
             THEN json_type(CASE WHEN json_valid(raw_json) THEN raw_json ELSE '{}' END,
                            ['$.genres', '$.keywords', '$.keywords.keywords', '$.production_companies',
                             '$.production_countries', '$.spoken_languages',
                             '$.credits', '$.credits.cast', '$.credits.crew',
                             '$.title', '$.original_title', '$.status', '$.overview', '$.tagline'])
        END AS kinds
    FROM parsed
),
judged AS ( -- a value of the wrong type is neither a crash nor a silent NULL
    SELECT *, list_filter([
        CASE WHEN d IS NULL THEN 'raw_json: not a JSON object' END,
        CASE WHEN d.runtime IS NOT NULL AND NOT coalesce(runtime = TRY_CAST(d.runtime AS DOUBLE), false)
             THEN 'runtime: "' || left(d.runtime, 80) || '" is not a whole number' END,
        CASE WHEN d.budget IS NOT NULL AND NOT coalesce(budget = TRY_CAST(d.budget AS DOUBLE), false)
             THEN 'budget: "' || left(d.budget, 80) || '" is not a whole number' END,
        CASE WHEN d.revenue IS NOT NULL AND NOT coalesce(revenue = TRY_CAST(d.revenue AS DOUBLE), false)
             THEN 'revenue: "' || left(d.revenue, 80) || '" is not a whole number' END,
        CASE WHEN d.vote_count IS NOT NULL AND NOT coalesce(vote_count = TRY_CAST(d.vote_count AS DOUBLE), false)
             THEN 'vote_count: "' || left(d.vote_count, 80) || '" is not a whole number' END,
        CASE WHEN d.vote_average IS NOT NULL AND vote_average IS NULL
             THEN 'vote_average: "' || left(d.vote_average, 80) || '" is not a number' END,
        CASE WHEN d.popularity IS NOT NULL AND popularity IS NULL
             THEN 'popularity: "' || left(d.popularity, 80) || '" is not a number' END,
        CASE WHEN d.release_date <> '' AND NOT coalesce(isfinite(release_date), false)
             THEN 'release_date: "' || left(d.release_date, 80) || '" is not a date' END,
        CASE WHEN d.adult IS NOT NULL AND adult IS NULL
             THEN 'adult: "' || left(d.adult, 80) || '" is not true or false' END,
        CASE WHEN d.belongs_to_collection IS NOT NULL AND collection.id IS NULL
             THEN 'belongs_to_collection: not an object with a whole number as id' END,
        CASE WHEN kinds[1] NOT IN ('ARRAY', 'NULL') THEN 'genres: not a list' END,
        CASE WHEN kinds[2] NOT IN ('OBJECT', 'NULL') THEN 'keywords: not an object' END,
        CASE WHEN kinds[3] NOT IN ('ARRAY', 'NULL') THEN 'keywords.keywords: not a list' END,
        CASE WHEN kinds[4] NOT IN ('ARRAY', 'NULL') THEN 'production_companies: not a list' END,
        CASE WHEN kinds[5] NOT IN ('ARRAY', 'NULL') THEN 'production_countries: not a list' END,
        CASE WHEN kinds[6] NOT IN ('ARRAY', 'NULL') THEN 'spoken_languages: not a list' END,
        CASE WHEN kinds[7] NOT IN ('OBJECT', 'NULL') THEN 'credits: not an object' END,
        CASE WHEN kinds[8] NOT IN ('ARRAY', 'NULL') THEN 'credits.cast: not a list' END,
        CASE WHEN kinds[9] NOT IN ('ARRAY', 'NULL') THEN 'credits.crew: not a list' END,
        CASE WHEN kinds[10] NOT IN ('VARCHAR', 'NULL') THEN 'title: not a text' END,
        CASE WHEN kinds[11] NOT IN ('VARCHAR', 'NULL') THEN 'original_title: not a text' END,
        CASE WHEN kinds[12] NOT IN ('VARCHAR', 'NULL') THEN 'status: not a text' END,
        CASE WHEN kinds[13] NOT IN ('VARCHAR', 'NULL') THEN 'overview: not a text' END,
        CASE WHEN kinds[14] NOT IN ('VARCHAR', 'NULL') THEN 'tagline: not a text' END,
        CASE WHEN list_count([k.name FOR k IN d.keywords.keywords]) < len(d.keywords.keywords)
             THEN 'keywords: one without a name' END,
        CASE WHEN list_count([c.name FOR c IN d.production_companies]) < len(d.production_companies)
             THEN 'production_companies: one without a name' END,
        CASE WHEN list_count([c.name FOR c IN d.production_countries]) < len(d.production_countries)
             THEN 'production_countries: one without a name' END,
        CASE WHEN list_count([l.name FOR l IN d.spoken_languages]) < len(d.spoken_languages)
             THEN 'spoken_languages: one without a name' END,
        CASE WHEN list_count([g.id FOR g IN d.genres]) < len(d.genres)
             THEN 'genres: an id that is not a whole number' END,
        CASE WHEN list_count([c.id FOR c IN d.credits.cast]) < len(d.credits.cast)
                  OR list_count([c."order" FOR c IN d.credits.cast]) < len(d.credits.cast)
             THEN 'credits.cast: an id or order that is not a whole number' END,
        CASE WHEN list_count([c.id FOR c IN d.credits.crew]) < len(d.credits.crew)
             THEN 'credits.crew: an id that is not a whole number' END
        ], lambda reason: reason IS NOT NULL) AS _reject
    FROM typed
),
genre_names AS (
    SELECT map_from_entries(list((genre_id, name))) AS names
    FROM (
        SELECT genre_id, max_by(raw_json->>'$.name', extraction_timestamp) AS name
        FROM bronze.genres
        GROUP BY genre_id
    )
    WHERE name IS NOT NULL
),
opinions AS (
    SELECT movie_id, count(*) AS review_count, avg(sentiment_score::DECIMAL(9, 4)) AS sentiment_score
    FROM silver.reviews
    GROUP BY movie_id
),
cleaned AS (
    SELECT
        movie_id,
        nullif(trim(d.imdb_id), '') AS imdb_id,
        nullif(trim(d.title), '') AS title,
        nullif(trim(d.original_title), '') AS original_title,
        nullif(d.original_language, '') AS original_language,
        nullif(d.status, '') AS status,
        adult,
        release_date,
        nullif(runtime, 0) AS runtime,
        nullif(budget, 0) AS budget,
        nullif(revenue, 0) AS revenue,
        nullif(vote_average, 0) AS vote_average,
        vote_count,
        popularity,
        collection.id AS collection_id,
        nullif(trim(collection.name), '') AS collection_name,
        coalesce(o.review_count, 0) AS review_count,
        round(o.sentiment_score, 6) AS sentiment_score,
        [coalesce(names[g.id], g.name) FOR g IN d.genres] AS genres,
        [k.name FOR k IN d.keywords.keywords] AS keywords,
        [c.name FOR c IN d.production_companies] AS production_companies,
        [c.name FOR c IN d.production_countries] AS production_countries,
        [l.name FOR l IN d.spoken_languages] AS spoken_languages,
        [c.name FOR c IN directing] AS directors,
        [c.id FOR c IN directing] AS director_ids,
        d.credits.cast AS "cast",
        d.credits.crew AS crew,
        nullif(trim(d.overview), '') AS overview,
        nullif(trim(d.tagline), '') AS tagline,
        nullif(d.homepage, '') AS homepage,
        nullif(d.poster_path, '') AS poster_path,
        extraction_timestamp,
        _reject
    FROM judged
    CROSS JOIN genre_names
    LEFT JOIN opinions AS o USING (movie_id)
),
graded AS (
    SELECT *,
        (release_date IS NOT NULL)::INTEGER + (runtime IS NOT NULL)::INTEGER + (budget IS NOT NULL)::INTEGER
        + (revenue IS NOT NULL)::INTEGER + (vote_average IS NOT NULL)::INTEGER + (overview IS NOT NULL)::INTEGER
        + coalesce(len(genres) > 0, false)::INTEGER + coalesce(len(directors) > 0, false)::INTEGER
        + coalesce(len("cast") > 0, false)::INTEGER + coalesce(len(production_companies) > 0, false)::INTEGER
        AS known
    FROM cleaned
)
SELECT
    movie_id,
    imdb_id,
    title,
    original_title,
    original_language,
    status,
    adult,
    release_date,
    year(release_date)::INTEGER AS release_year,
    month(release_date)::INTEGER AS release_month,
    day(release_date)::INTEGER AS release_day,
    runtime,
    budget,
    revenue,
    revenue - budget AS profit,
    revenue / budget AS roi,
    budget / 1000000 AS budget_musd,
    revenue / 1000000 AS revenue_musd,
    (revenue - budget) / 1000000 AS profit_musd,
    vote_average,
    vote_count,
    popularity,
    genres[1] AS primary_genre,
    array_to_string(genres, '|') AS genres_text,
    collection_id,
    collection_name,
    collection_id IS NOT NULL AS is_franchise,
    directors[1] AS director,
    coalesce(len("cast"), 0)::INTEGER AS cast_size,
    coalesce(len(crew), 0)::INTEGER AS crew_size,
    review_count,
    sentiment_score,
    CASE WHEN sentiment_score >= 0.05 THEN 'positive'
         WHEN sentiment_score <= -0.05 THEN 'negative'
         WHEN sentiment_score IS NOT NULL THEN 'neutral'
    END AS sentiment_label,
    CASE WHEN known < 5 OR (status = 'Released' AND release_date IS NULL) THEN 'ERROR'
         WHEN known < 10 OR budget < 1000 OR revenue < 1000 OR runtime > 600 THEN 'WARNING'
         ELSE 'OK'
    END AS quality_flag,
    known / 10 AS quality_score,
    known = 10 AS is_complete,
    genres,
    keywords,
    production_companies,
    production_countries,
    spoken_languages,
    directors,
    director_ids,
    "cast",
    crew,
    tagline,
    homepage,
    poster_path,
    overview,
    extraction_timestamp,
    $now AS processed_timestamp,
    _reject
FROM graded
