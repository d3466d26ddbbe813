WITH a AS (SELECT DISTINCT m, x.id AS pid, x.name AS pname FROM (SELECT id AS m, unnest("cast") AS x FROM silver.movies) WHERE x."order" < 10 QUALIFY row_number() OVER (PARTITION BY m, x.id) = 1),
n AS (SELECT *, count(*) OVER (PARTITION BY m) AS n FROM a)
SELECT a.pid AS a, b.pid AS b, min(a.pname) AS a_name, min(b.pname) AS b_name, count(*) AS movies, sum(1.0::DOUBLE / (a.n - 1)) AS strength FROM n a JOIN n b ON a.m = b.m AND a.pid < b.pid GROUP BY a.pid, b.pid
