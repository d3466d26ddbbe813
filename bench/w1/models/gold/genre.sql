SELECT genre, release_year, release_month, count(*) AS movies, avg(vote_average) AS avg_rating, CAST(sum(revenue) AS BIGINT) AS revenue, CAST(sum(budget) AS BIGINT) AS budget, CAST(sum(profit) AS BIGINT) AS profit, avg(roi) AS avg_roi,
  list(title ORDER BY revenue DESC NULLS LAST, id)[:10] AS top10
FROM (SELECT id, unnest(genres) AS genre, title, release_year, release_month, vote_average, revenue, budget, profit, roi FROM silver.movies) GROUP BY ALL
