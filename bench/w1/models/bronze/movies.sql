SELECT CAST(json->>'$.id' AS BIGINT) AS id, CAST(json->>'$._fetched_at' AS TIMESTAMPTZ) AS fetched_at,
  CAST(json AS VARCHAR) AS raw_json
FROM read_ndjson_objects($input)
