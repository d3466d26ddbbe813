SELECT release_month, CASE WHEN day(release_date) <= 10 THEN 'early' WHEN day(release_date) <= 20 THEN 'mid' ELSE 'late' END AS bucket,
  count(*) AS movies, CAST(sum(revenue) AS BIGINT) AS revenue, avg(vote_average) AS avg_rating FROM silver.movies GROUP BY ALL
