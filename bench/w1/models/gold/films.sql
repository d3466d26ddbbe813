/*---
description: What the report reads of every film, in one file.
---*/
SELECT id, title, revenue, budget, profit, roi, vote_count, vote_average, popularity, runtime, genres,
  [x.name FOR x IN "cast"] AS cast_names, director
FROM silver.movies
