/*---
description: >
  Who has played with whom: an edge between two people for the released films that both were cast in.
keep: 1825 days
checks:
  - not_null: [person_a, person_b, strength]
  - unique: [person_a, person_b]
  - row: "person_a < person_b"
tags: [gold]
---*/
-- The cast of a film are the different people among its first $network_cast by billing (order 0, 1, 2...; a variable
-- of cupel.yaml: a high one takes everybody). Each film adds 1 / (cast - 1) to the strength of each of its pairs, so
-- that a film brings everybody in it 1 in all. A film with a cast of one has no pairs.
WITH casts AS (
    SELECT list_distinct([c.id FOR c IN "cast" IF c."order" < $network_cast]) AS ids
    FROM silver.movies
    WHERE status = 'Released'
),
pairs AS (
    SELECT a, unnest(ids) AS b, share
    FROM (
        SELECT unnest(ids) AS a, ids, 1 / (len(ids) - 1) AS share
        FROM casts
        WHERE len(ids) > 1
    )
)
SELECT
    a AS person_a,
    b AS person_b,
    count(*) AS films,
    sum(share::DECIMAL(18, 12))::DOUBLE AS strength
FROM pairs
WHERE a < b
GROUP BY a, b
