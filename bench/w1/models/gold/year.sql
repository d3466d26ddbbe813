SELECT *, lag(revenue) OVER (ORDER BY release_year) AS revenue_before, 100.0 * (revenue - lag(revenue) OVER (ORDER BY release_year)) / lag(revenue) OVER (ORDER BY release_year) AS yoy_pct
FROM (SELECT release_year, count(*) AS movies, CAST(sum(revenue) AS BIGINT) AS revenue, CAST(sum(budget) AS BIGINT) AS budget, avg(vote_average) AS avg_rating FROM silver.movies GROUP BY release_year)
