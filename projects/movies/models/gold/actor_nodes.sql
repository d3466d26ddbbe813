/*---
description: >
  The people of gold.actor_networks: how many others each has played with, and how closely.
keep: 1825 days
checks:
  - not_null: [person_id]
  - unique: person_id
tags: [gold]
---*/
-- degree is the number of others, weighted_degree the sum of the edges' strength. People who only ever played alone
-- have 0. Where films spell a name differently, it is the first by alphabet.
WITH cast_members AS (
    SELECT movie_id, unnest([c FOR c IN "cast" IF c."order" < $network_cast]) AS c
    FROM silver.movies
    WHERE status = 'Released'
),
people AS (
    SELECT c.id AS person_id, min(c.name) AS name, count(DISTINCT movie_id) AS films
    FROM cast_members
    GROUP BY c.id
),
ends AS (
    SELECT person_id, count(*) AS degree, sum(strength::DECIMAL(18, 12))::DOUBLE AS weighted_degree
    FROM (
        SELECT person_a AS person_id, strength FROM gold.actor_networks
        UNION ALL
        SELECT person_b, strength FROM gold.actor_networks
    )
    GROUP BY person_id
)
SELECT
    person_id,
    p.name,
    p.films,
    coalesce(e.degree, 0) AS degree,
    coalesce(e.weighted_degree, 0) AS weighted_degree
FROM people AS p
LEFT JOIN ends AS e USING (person_id)
