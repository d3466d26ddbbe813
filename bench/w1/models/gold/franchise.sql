SELECT collection_id IS NOT NULL AS is_franchise, count(*) AS movies, avg(revenue) AS avg_revenue, median(roi) AS median_roi, avg(budget) AS avg_budget, avg(popularity) AS avg_popularity, avg(vote_average) AS avg_rating
FROM silver.movies GROUP BY ALL
