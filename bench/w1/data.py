#!/usr/bin/env python3
"""data.py MOVIES_DIR OUT.ndjson [COPIES]: the benchmark's input from the shared film data: one TMDB details body a line with `_fetched_at`.

COPIES > 1 perturbs ids, people and figures, so that every copy is another set of films."""
import datetime as dt
import json
import os
import subprocess
import sys
import zlib

folder, out, copies = sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 1
M = 1_000_000_000


def lines(name):
    with subprocess.Popen(["zstd", "-dcq", os.path.join(folder, name)], stdout=subprocess.PIPE) as p:
        yield from p.stdout


recs = [dict(json.loads(l), _fetched_at="2017-09-28T01:09:12Z") for l in lines("tmdb_5000.ndjson.zst")]
person, keyword, genre = {}, {}, {}
for r in recs:
    for p in r["credits"]["cast"] + r["credits"]["crew"]:
        person.setdefault(p["name"], p["id"])
    for k in r["keywords"]["keywords"]:
        keyword.setdefault(k["name"], k["id"])
    for g in r["genres"]:
        genre.setdefault(g["name"], g["id"])


def person_id(name):
    return person.get(name) or 3_000_000 + zlib.crc32(name.encode()) % 900_000_000


def named(names, known):
    return [{"id": known.get(n) or zlib.crc32(n.encode()) % 1_000_000, "name": n} for n in names]


def credits(r):
    i = r["id"]
    cast = [{"cast_id": j, "character": c.get("character") or "", "credit_id": "%024x" % (i * 1000 + j), "gender": 0,
             "id": person_id(c["name"]), "name": c["name"], "order": j} for j, c in enumerate(r["credits"]["cast"])]
    crew = [{"credit_id": "%024x" % (i * 1000 + 500 + j), "department": c.get("department"), "gender": 0,
             "id": person_id(c["name"]), "job": c.get("job"), "name": c["name"]} for j, c in enumerate(r["credits"]["crew"])]
    return {"cast": cast, "crew": crew}


for l in lines("tmdb_details.ndjson.zst"):
    r = json.loads(l)
    recs.append({"adult": False, "backdrop_path": r.get("backdrop_path"), "belongs_to_collection": None, "budget": r["budget"] or 0,
                 "genres": named(r["genres"], genre), "homepage": r.get("homepage"), "id": r["id"], "imdb_id": r.get("imdb_id"),
                 "original_language": "en", "original_title": r["title"], "overview": r["overview"],
                 "popularity": float(r["popularity"]), "poster_path": r.get("poster_path"),
                 "production_companies": named(r["production_companies"], {}),
                 "production_countries": [{"iso_3166_1": c, "name": c} for c in r["production_countries"]],
                 "release_date": r["release_date"] or "", "revenue": r["revenue"] or 0, "runtime": r["runtime"] or 0,
                 "spoken_languages": [{"iso_639_1": "en", "name": "English"}], "status": "Released", "tagline": r["tagline"],
                 "title": r["title"], "video": False, "vote_average": float(r["vote_average"]), "vote_count": int(r["vote_count"]),
                 "credits": credits(r), "keywords": {"keywords": named(r["keywords"], keyword)}, "_fetched_at": "2024-02-11T10:00:00Z"})


def copy_of(r, k):
    def shifted(people):  # three people of four are new in each copy
        return [c if c["id"] % 4 == 0 else dict(c, id=c["id"] + k * M, name=f"{c['name']} {k}") for c in people]
    q = dict(r, id=r["id"] + k * 10_000_000, title=f"{r['title']} {k}", budget=r["budget"] * (100 + k) // 100,
             revenue=r["revenue"] * (100 + (r["id"] * k) % 23) // 100, popularity=round(r["popularity"] * (1 + k / 100), 6),
             vote_count=r["vote_count"] + k)
    if r["release_date"]:
        try:
            q["release_date"] = (dt.date.fromisoformat(r["release_date"]) + dt.timedelta(days=(r["id"] * k) % 29 - 14)).isoformat()
        except ValueError:
            pass
    q["credits"] = {"cast": shifted(r["credits"]["cast"]), "crew": shifted(r["credits"]["crew"])}
    return q


with open(out, "w", encoding="utf-8") as o:
    for k in range(copies):
        for r in recs:
            o.write(json.dumps(copy_of(r, k) if k else r, ensure_ascii=False) + "\n")
print(len(recs) * copies, "records", os.path.getsize(out), "bytes")
