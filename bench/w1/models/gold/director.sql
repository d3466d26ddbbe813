SELECT director, count(*) AS movies, CAST(sum(revenue) AS BIGINT) AS revenue, avg(vote_average) AS avg_rating, avg(roi) AS avg_roi, min(release_year) AS first_year, max(release_year) AS last_year,
  first(title ORDER BY revenue DESC NULLS LAST, id) AS best_title FROM silver.movies WHERE director IS NOT NULL GROUP BY director
