/*---
description: >
  One row a person, from the latest extraction.
mode: merge
key: person_id
sequence_by: extraction_timestamp
incremental:
  - bronze.people
keep: 730 days
passing: 95%
checks:
  - not_null: [person_id, name]
  - unique: person_id
  - row: "popularity BETWEEN 0 AND 1000000000"
    name: popularity is not negative
  - row: "deathday >= birthday"
    name: nobody dies before being born
    severity: warn
tags: [silver]
---*/
WITH newest AS (
    SELECT person_id, max(extraction_timestamp) AS extraction_timestamp
    FROM bronze.people
    GROUP BY person_id
),
parsed AS (
    SELECT person_id, extraction_timestamp, raw_json, TRY(from_json(raw_json, '{
        "imdb_id": "VARCHAR", "name": "VARCHAR", "also_known_as": ["VARCHAR"], "gender": "VARCHAR",
        "birthday": "VARCHAR", "deathday": "VARCHAR", "place_of_birth": "VARCHAR", "popularity": "VARCHAR",
        "known_for_department": "VARCHAR", "homepage": "VARCHAR", "profile_path": "VARCHAR",
        "biography": "VARCHAR"
        }')) AS d
    FROM bronze.people SEMI JOIN newest USING (person_id, extraction_timestamp)
),
typed AS (
    SELECT
        person_id, extraction_timestamp, d,
        TRY_CAST(d.gender AS INTEGER) AS gender,
        TRY_CAST(nullif(d.birthday, '') AS DATE) AS birthday,
        TRY_CAST(nullif(d.deathday, '') AS DATE) AS deathday,
        TRY_CAST(d.popularity AS DOUBLE) AS popularity,
        CASE WHEN d.also_known_as IS NULL AND json_valid(raw_json)
             THEN json_type(raw_json, '$.also_known_as')
        END AS also_known_as_kind,
        CASE WHEN json_valid(d.name) THEN json_type(raw_json, '$.name') END AS name_kind
    FROM parsed
)
SELECT
    person_id,
    nullif(d.imdb_id, '') AS imdb_id,
    nullif(trim(d.name), '') AS name,
    CASE gender WHEN 1 THEN 'female' WHEN 2 THEN 'male' WHEN 3 THEN 'non-binary' END AS gender,
    birthday,
    deathday,
    nullif(trim(d.place_of_birth), '') AS place_of_birth,
    nullif(d.known_for_department, '') AS known_for_department,
    popularity,
    d.also_known_as AS also_known_as,
    nullif(d.homepage, '') AS homepage,
    nullif(d.profile_path, '') AS profile_path,
    nullif(trim(d.biography), '') AS biography,
    extraction_timestamp,
    $now AS processed_timestamp,
    list_filter([
        CASE WHEN d IS NULL THEN 'raw_json: not a JSON object' END,
        CASE WHEN d.gender IS NOT NULL AND NOT coalesce(gender = TRY_CAST(d.gender AS DOUBLE), false)
             THEN 'gender: "' || left(d.gender, 80) || '" is not a whole number' END,
        CASE WHEN d.birthday <> '' AND NOT coalesce(isfinite(birthday), false)
             THEN 'birthday: "' || left(d.birthday, 80) || '" is not a date' END,
        CASE WHEN d.deathday <> '' AND NOT coalesce(isfinite(deathday), false)
             THEN 'deathday: "' || left(d.deathday, 80) || '" is not a date' END,
        CASE WHEN d.popularity IS NOT NULL AND popularity IS NULL
             THEN 'popularity: "' || left(d.popularity, 80) || '" is not a number' END,
        CASE WHEN name_kind <> 'VARCHAR' THEN 'name: not a text' END,
        CASE WHEN also_known_as_kind NOT IN ('ARRAY', 'NULL') THEN 'also_known_as: not a list' END
    ], lambda reason: reason IS NOT NULL) AS _reject
FROM typed
