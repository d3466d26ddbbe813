#!/usr/bin/env python3
"""agree.py CUPEL PROJECT PEER_OUT: the figures of cupel's tables against the peer's figures.txt."""
import hashlib
import json
import subprocess
import sys

cupel, project, peer = sys.argv[1:4]


def ask(sql):
    r = subprocess.run([cupel, "-C", project, "query", "-o", "json", sql], capture_output=True, text=True, check=True)
    return json.loads(r.stdout)


want = dict(l.split(" ", 1) for l in open(f"{peer}/figures.txt").read().splitlines())
got = {}
for t in ("silver", "genre", "year", "day", "director", "franchise", "collection", "edge"):
    name = "silver.movies" if t == "silver" else f"gold.{t}"
    got[t] = str(ask(f"SELECT count(*) AS n FROM {name}")[0]["n"])
for n, q in (("revenue", "sum(revenue)::BIGINT AS n FROM silver.movies"), ("genre_movies", "sum(movies)::BIGINT AS n FROM gold.genre"),
             ("director_revenue", "sum(revenue)::BIGINT AS n FROM gold.director"), ("strength", "round(sum(strength), 4) AS n FROM gold.edge")):
    got[n] = str(ask("SELECT " + q)[0]["n"])
top = ask("SELECT title FROM silver.movies WHERE revenue IS NOT NULL ORDER BY revenue DESC, id LIMIT 10")
got["top"] = hashlib.md5("|".join(r["title"] for r in top).encode()).hexdigest()
bad = {k: (got[k], want[k]) for k in want if got.get(k) != want[k]}
print("all figures agree" if not bad else f"DIFFERENT: {bad}")
sys.exit(bool(bad))
