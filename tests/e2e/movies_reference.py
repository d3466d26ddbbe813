"""The movies project's tables and report a second time, in pandas and plain Python, from the API's own answers.

Written from what the tables are said to hold, not from the project's SQL, so that two mistakes would have to agree.
Every function takes and gives DataFrames whose columns have the names of the tables.
"""
import collections
import datetime as dt
import itertools
import json
import math

import numpy as np
import pandas as pd
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

TOP_BILLED = 10  # the variable network_cast of the project
analyzer = SentimentIntensityAnalyzer()


# --- what the API says ---


class Api:
    """Everything that a run should fetch, asked for directly: bodies as text, records as dicts."""

    def __init__(self, server, categories, pages, movie_ids, people_limit=500):
        ids, self.list_requests = [], 0
        for category in categories:
            page = total = 1
            while page <= min(pages, total):
                answer = server.get(f"/movie/{category}", page=page)
                total = answer["total_pages"]
                ids += [r["id"] for r in answer["results"]]
                page += 1
                self.list_requests += 1
        self.wanted = list(dict.fromkeys(ids + movie_ids))
        self.bodies = {}
        for i in self.wanted:
            body = server.text(f"/movie/{i}", append_to_response="credits,keywords")
            if body is not None:
                self.bodies[i] = body
        self.movies = {i: json.loads(b) for i, b in self.bodies.items()}
        self.missing = [i for i in self.wanted if i not in self.bodies]

        self.reviews = {}
        for i in self.movies:
            page = total = 1
            while page <= min(5, total):
                answer = server.get(f"/movie/{i}/reviews", page=page)
                total = answer["total_pages"]
                for r in answer["results"]:
                    self.reviews[r["id"]] = (i, r)
                page += 1
        self.genres = {g["id"]: g["name"] for g in server.get("/genre/movie/list")["genres"]}
        self.first_three = list(dict.fromkeys(c["id"] for m in self.movies.values()
                                              for c in m["credits"]["cast"][:3]))
        self.people_wanted = min(people_limit, len(self.first_three))
        self.person = lambda i: server.get(f"/person/{i}")


# --- silver ---


def known(text):
    text = (text or "").strip()
    return text or None


def nonzero(x):
    return x or None


def label(score):
    if score is None:
        return None
    return "positive" if score >= 0.05 else "negative" if score <= -0.05 else "neutral"


def silver_reviews(api):
    rows = []
    for review_id, (movie_id, r) in api.reviews.items():
        score = analyzer.polarity_scores(r["content"].strip())["compound"]
        rows.append({
            "review_id": review_id, "movie_id": movie_id, "author": known(r["author"]),
            "username": known(r["author_details"]["username"]), "rating": r["author_details"]["rating"],
            "created_at": pd.Timestamp(r["created_at"]), "updated_at": pd.Timestamp(r["updated_at"]),
            "url": r["url"], "content": r["content"].strip(), "content_length": len(r["content"].strip()),
            "sentiment_score": score, "sentiment_label": label(score)})
    return pd.DataFrame(rows)


def quality(m):
    has = [m["release_date"], m["runtime"], m["budget"], m["revenue"], m["vote_average"], m["overview"],
           m["genres"], m["directors"], m["cast"], m["production_companies"]]
    score = sum(bool(x) for x in has) / 10
    if score < 0.5 or (m["status"] == "Released" and m["release_date"] is None):
        return "ERROR", score
    small = any(m[k] is not None and m[k] < 1000 for k in ("budget", "revenue"))
    if score < 1 or small or (m["runtime"] or 0) > 600:
        return "WARNING", score
    return "OK", score


def silver_movies(api, reviews):
    scores = collections.defaultdict(list)
    for movie_id, score in zip(reviews.get("movie_id", []), reviews.get("sentiment_score", [])):
        scores[movie_id].append(score)
    rows = []
    for i, r in api.movies.items():
        date = dt.date.fromisoformat(r["release_date"]) if r["release_date"] else None
        budget, revenue = nonzero(r["budget"]), nonzero(r["revenue"])
        both = budget is not None and revenue is not None
        genres = [api.genres.get(g["id"], g["name"]) for g in r["genres"]]
        collection = r["belongs_to_collection"] or {}
        directors = [c for c in r["credits"]["crew"] if c["job"] == "Director"]
        sentiment = math.fsum(scores[i]) / len(scores[i]) if scores[i] else None
        m = {
            "movie_id": i, "imdb_id": known(r["imdb_id"]), "title": known(r["title"]),
            "original_title": known(r["original_title"]), "original_language": known(r["original_language"]),
            "overview": known(r["overview"]), "tagline": known(r["tagline"]), "status": known(r["status"]),
            "homepage": known(r["homepage"]), "poster_path": known(r["poster_path"]), "adult": r["adult"],
            "release_date": date, "release_year": date and date.year, "release_month": date and date.month,
            "release_day": date and date.day, "runtime": nonzero(r["runtime"]), "budget": budget, "revenue": revenue,
            "profit": revenue - budget if both else None, "roi": revenue / budget if both else None,
            "budget_musd": budget and budget / 1e6, "revenue_musd": revenue and revenue / 1e6,
            "profit_musd": (revenue - budget) / 1e6 if both else None,
            "vote_average": nonzero(r["vote_average"]), "vote_count": r["vote_count"], "popularity": r["popularity"],
            "genres": genres, "genres_text": "|".join(genres), "primary_genre": genres[0] if genres else None,
            "keywords": [k["name"] for k in r["keywords"]["keywords"]],
            "production_companies": [c["name"] for c in r["production_companies"]],
            "production_countries": [c["name"] for c in r["production_countries"]],
            "spoken_languages": [s["name"] for s in r["spoken_languages"]],
            "collection_id": collection.get("id"), "collection_name": known(collection.get("name")),
            "is_franchise": bool(collection),
            "cast": [{k: c[k] for k in ("id", "name", "character", "order")} for c in r["credits"]["cast"]],
            "cast_size": len(r["credits"]["cast"]),
            "crew": [{k: c[k] for k in ("id", "name", "job", "department")} for c in r["credits"]["crew"]],
            "crew_size": len(r["credits"]["crew"]),
            "director": directors[0]["name"] if directors else None, "directors": [d["name"] for d in directors],
            "director_ids": [d["id"] for d in directors],
            "review_count": len(scores[i]), "sentiment_score": sentiment, "sentiment_label": label(sentiment)}
        m["quality_flag"], m["quality_score"] = quality(m)
        m["is_complete"] = m["quality_score"] == 1
        rows.append(m)
    return pd.DataFrame(rows).astype(object).where(lambda d: d.notna() | d.map(lambda x: isinstance(x, list)), None)


def silver_people(api, ids):
    sexes = {1: "female", 2: "male", 3: "non-binary"}
    rows = []
    for i in ids:
        p = api.person(i)
        rows.append({"person_id": i, "imdb_id": known(p["imdb_id"]), "name": known(p["name"]),
                     "gender": sexes.get(p["gender"]), "birthday": p["birthday"], "deathday": p["deathday"],
                     "place_of_birth": known(p["place_of_birth"]), "popularity": p["popularity"],
                     "known_for_department": known(p["known_for_department"]), "also_known_as": p["also_known_as"],
                     "homepage": known(p["homepage"]), "profile_path": known(p["profile_path"]),
                     "biography": known(p["biography"])})
    return pd.DataFrame(rows)


def movie_snapshots(days):
    """days: {date: Api}"""
    return pd.DataFrame([{"snapshot_date": day, "movie_id": i, "popularity": r["popularity"],
                          "vote_average": nonzero(r["vote_average"]), "vote_count": r["vote_count"]}
                         for day, api in days.items() for i, r in api.movies.items()])


# --- gold ---


def numbers(frame, *columns):
    """The columns as floats, unknown = NaN."""
    return frame.assign(**{c: pd.to_numeric(frame[c], errors="coerce").astype(float) for c in columns})


FIGURES = ("budget", "revenue", "profit", "roi", "vote_average", "popularity", "runtime", "vote_count",
           "sentiment_score")


def released(movies):
    return numbers(movies[movies.status == "Released"], *FIGURES)


def by_revenue(frame):
    return frame.sort_values(["revenue", "popularity", "movie_id"], ascending=[False, False, True],
                             na_position="last")


def total(series):
    return series.sum() if series.notna().any() else None


def genre_analytics(movies):
    films = released(movies)
    films = films[films.release_date.notna()].explode("genres").dropna(subset="genres")
    rows = []
    for (genre, year, month), g in films.groupby(["genres", "release_year", "release_month"]):
        rows.append({"genre": genre, "year": year, "month": month, "total_movies": len(g),
                     "avg_rating": g.vote_average.mean(), "avg_popularity": g.popularity.mean(),
                     "total_revenue": total(g.revenue), "avg_budget": g.budget.mean(),
                     "avg_sentiment": g.sentiment_score.mean(), "top_movies": by_revenue(g).title.head(10).tolist()})
    return pd.DataFrame(rows)


def percent_rank(series):
    """0 for the lowest, 1 for the highest; equal values are as low as the lowest of them."""
    return (series.rank(method="min") - 1) / (len(series) - 1) if len(series) > 1 else series * 0.0


def trending(movies, snapshots):
    titles = movies[movies.status == "Released"].set_index("movie_id").title
    last_day = snapshots.snapshot_date.max()
    frames = []
    for days in (7, 30, 90):
        inside = snapshots[snapshots.snapshot_date > last_day - dt.timedelta(days=days)]
        inside = inside[inside.movie_id.isin(titles.index)].sort_values("snapshot_date")
        rows = []
        for movie_id, s in inside.groupby("movie_id"):
            span = (s.snapshot_date.iloc[-1] - s.snapshot_date.iloc[0]).days
            rise = s.popularity.iloc[-1] - s.popularity.iloc[0]
            rows.append({"movie_id": movie_id, "title": titles[movie_id], "window_days": days,
                         "popularity_avg": round(math.fsum(s.popularity) / len(s), 6),
                         "velocity": round(rise / span, 6) if span else 0.0, "window_end": last_day})
        f = pd.DataFrame(rows)
        f["trending_score"] = (60 * percent_rank(f.popularity_avg) + 40 * percent_rank(f.velocity)).round(4)
        f = f.sort_values(["trending_score", "popularity_avg", "movie_id"], ascending=[False, False, True])
        f["rank"] = range(1, len(f) + 1)
        frames.append(f)
    return pd.concat(frames, ignore_index=True)


def temporal_analytics(movies):
    films = released(movies)
    films = films[films.release_date.notna()]
    rows = {}
    for (year, month), g in films.groupby(["release_year", "release_month"]):
        genres = collections.Counter(x for gs in g.genres for x in gs)
        day = g.release_day
        rows[year, month] = {
            "year": year, "month": month, "total_movies": len(g), "avg_rating": g.vote_average.mean(),
            "avg_popularity": g.popularity.mean(), "total_revenue": total(g.revenue),
            "top_genre": min(genres, key=lambda x: (-genres[x], x)) if genres else None,
            "release_distribution": {"days_1_10": int((day <= 10).sum()),
                                     "days_11_20": int(((day > 10) & (day <= 20)).sum()),
                                     "days_21_31": int((day > 20).sum())}}
    for (year, month), r in rows.items():
        before = rows.get((year - 1, month), {})
        for figure in ("total_movies", "avg_rating", "avg_popularity", "total_revenue"):
            was, is_now = before.get(figure), r[figure]
            comparable = not pd.isna(was) and not pd.isna(is_now)
            r[figure + "_yoy"] = is_now - was if comparable else None
            r[figure + "_yoy_pct"] = 100 * (is_now - was) / was if comparable and was else None
    return pd.DataFrame(rows.values())


def actor_networks(movies):
    """The edges and the nodes."""
    films, strength = collections.Counter(), collections.defaultdict(list)
    names, played = collections.defaultdict(set), collections.Counter()
    for cast in movies[movies.status == "Released"].cast:
        cast = [c for c in cast if c["order"] < TOP_BILLED]
        people = sorted({c["id"] for c in cast})
        for c in cast:
            names[c["id"]].add(c["name"])
        played.update(people)
        for pair in itertools.combinations(people, 2):
            films[pair] += 1
            strength[pair].append(1 / (len(people) - 1))
    edges = pd.DataFrame([{"person_a": a, "person_b": b, "films": n, "strength": math.fsum(strength[a, b])}
                          for (a, b), n in films.items()])
    degree, weight = collections.Counter(), collections.defaultdict(list)
    for (a, b), parts in strength.items():
        for person in (a, b):
            degree[person] += 1
            weight[person] += parts
    nodes = pd.DataFrame([{"person_id": p, "name": min(names[p], key=lambda n: n.encode()), "films": n,
                           "degree": degree[p], "weighted_degree": math.fsum(weight[p])} for p, n in played.items()])
    return edges, nodes


def sentiment_trends(movies, reviews):
    films = movies[movies.status == "Released"][["movie_id", "genres"]]
    r = reviews.merge(films, on="movie_id").explode("genres").dropna(subset="genres")
    r = r.assign(year=r.created_at.dt.year, month=r.created_at.dt.month)
    rows, before = [], {}
    for (genre, year, month), g in r.groupby(["genres", "year", "month"]):
        mean = g.sentiment_score.mean()
        rows.append({"genre": genre, "year": year, "month": month, "reviews": len(g), "mean_sentiment": mean,
                     "share_positive": (g.sentiment_label == "positive").mean(),
                     "share_negative": (g.sentiment_label == "negative").mean(),
                     "change": mean - before[genre] if genre in before else None})
        before[genre] = mean
    return pd.DataFrame(rows)


def money(g):
    return {"films": len(g), "total_revenue": total(g.revenue), "avg_revenue": g.revenue.mean(),
            "total_budget": total(g.budget), "avg_budget": g.budget.mean(), "total_profit": total(g.profit),
            "median_roi": g.roi.median(), "avg_rating": g.vote_average.mean(), "avg_popularity": g.popularity.mean(),
            "first_year": g.release_year.min(), "last_year": g.release_year.max(),
            "best_movie": by_revenue(g).title.iloc[0]}


def franchises(movies):
    films = released(movies)
    rows = []
    for collection_id, g in films[films.is_franchise].groupby("collection_id"):
        latest = g.assign(has_date=g.release_date.notna(), release_date=g.release_date.map(str))
        latest = latest.sort_values(["has_date", "release_date", "movie_id"])
        rows.append({"collection_id": collection_id, "collection_name": latest.collection_name.iloc[-1], **money(g)})
    return pd.DataFrame(rows)


def directors(movies):
    films = released(movies)
    credits = films.assign(person=[list(zip(i, n)) for i, n in zip(films.director_ids, films.directors)])
    credits = credits.explode("person").dropna(subset="person")
    credits["person_id"], credits["director"] = zip(*credits.person)
    credits = credits.drop_duplicates(["movie_id", "person_id"])
    return pd.DataFrame([{"person_id": p, "director": min(g.director), **money(g)}
                         for p, g in credits.groupby("person_id")])


KPIS = ("movie_id title release_date release_year primary_genre genres_text director collection_id collection_name "
        "is_franchise runtime budget revenue profit roi budget_musd revenue_musd profit_musd vote_average vote_count "
        "popularity review_count sentiment_score genres directors").split()


def movie_kpis(movies):
    films = movies[movies.status == "Released"]
    return films[KPIS].assign(cast_names=[[c["name"] for c in cast] for cast in films.cast])


# --- the report ---


def figure(x, digits=0, grouped=True):
    if x is None or pd.isna(x):
        return "-"
    text = f"{abs(x):{',' if grouped else ''}.{digits}f}"
    return ("-" if x < 0 and text.strip("0.,") else "") + text


def millions(x):
    return figure(None if x is None or pd.isna(x) else x / 1e6, 1)


def plain(x):
    return figure(x, 2, grouped=False)


def year(x):
    return "-" if x is None or pd.isna(x) else str(int(x))


def numbered(rows):
    return [[str(i + 1), *row] for i, row in enumerate(rows)]


def best(films, column, ascending=False, also=()):
    keys = [column, *also, "movie_id"]
    up = [ascending, *[False] * len(also), True]
    return films.dropna(subset=column).sort_values(keys, ascending=up)


def report(movies, reviews):
    """{heading: rows of cells as text}, and the figures of section 1 by their label."""
    films = released(movies)
    tables = {}

    def ranking(heading, frame, cells, limit=10):
        tables[heading] = numbered([cells(f) for f in frame.head(limit or len(frame)).itertuples()])

    def by_money(f):
        return [f.title, year(f.release_year), millions(f.budget), millions(f.revenue), millions(f.profit),
                plain(f.roi)]

    def by_votes(f):
        return [f.title, year(f.release_year), plain(f.vote_average), figure(f.vote_count), plain(f.popularity)]

    serious = films[films.budget >= 10_000_000]
    ranking("Highest revenue", best(films, "revenue"), by_money)
    ranking("Highest budget", best(films, "budget"), by_money)
    ranking("Highest profit", best(films, "profit"), by_money)
    ranking("Highest ROI (budget of 10 M$ or more)", best(serious, "roi"), by_money)
    ranking("Greatest loss", best(films, "profit", ascending=True), by_money)
    ranking("Lowest ROI (budget of 10 M$ or more)", best(serious, "roi", ascending=True), by_money)

    judged = films[films.vote_count >= 10]
    ranking("Highest rated (10 votes or more)", best(judged, "vote_average", also=["vote_count"]), by_votes)
    ranking("Lowest rated (10 votes or more)", best(judged, "vote_average", True, ["vote_count"]), by_votes)
    ranking("Most votes", best(films, "vote_count"), by_votes)
    ranking("Most popular", best(films, "popularity"), by_votes)

    def played(name):
        return films.cast.map(lambda cast: any(c["name"] == name for c in cast))

    willis = films[films.genres.map(lambda g: {"Science Fiction", "Action"} <= set(g)) & played("Bruce Willis")]
    willis = willis.sort_values(["vote_average", "vote_count", "movie_id"], ascending=[False, False, True])
    ranking("Science fiction action films with Bruce Willis, best rated first", willis, lambda f: [
        f.title, year(f.release_year), f.director or "-", plain(f.vote_average), figure(f.vote_count)], None)
    thurman = films[films.directors.map(lambda d: "Quentin Tarantino" in d) & played("Uma Thurman")]
    ranking("Films by Quentin Tarantino with Uma Thurman, shortest first",
            thurman.sort_values(["runtime", "movie_id"]), lambda f: [
                f.title, year(f.release_year), figure(f.runtime, grouped=False), plain(f.vote_average),
                millions(f.revenue)], None)

    part_of_one = films.is_franchise.astype(bool)
    kinds = [("Franchise", films[part_of_one]), ("Standalone", films[~part_of_one])]
    tables["5. Franchise or standalone"] = [
        [name, figure(len(g)), millions(g.revenue.mean()), plain(g.roi.median()), millions(g.budget.mean()),
         plain(g.popularity.mean()), plain(g.vote_average.mean())] for name, g in kinds if len(g)]

    def most_successful(frame, key, name):
        frame = frame.assign(total_revenue=pd.to_numeric(frame.total_revenue)).dropna(subset="total_revenue")
        frame = frame.sort_values(["total_revenue", key], ascending=[False, True]).head(10)
        return numbered([[getattr(f, name), figure(f.films), millions(f.total_revenue), millions(f.avg_revenue),
                          millions(f.avg_budget), plain(f.median_roi), plain(f.avg_rating), f.best_movie]
                         for f in frame.itertuples()])

    tables["6. Most successful franchises"] = most_successful(franchises(movies), "collection_id", "collection_name")
    tables["7. Most successful directors"] = most_successful(directors(movies), "person_id", "director")

    edges, nodes = actor_networks(movies)
    dates = films.release_date.dropna()
    statistics = {
        "Released films": figure(len(films)),
        "First release": str(dates.min()), "Last release": str(dates.max()),
        "Films with known revenue": figure(films.revenue.count()),
        "Films with known budget": figure(films.budget.count()),
        "Total revenue (M$)": millions(films.revenue.sum()), "Mean revenue (M$)": millions(films.revenue.mean()),
        "Total budget (M$)": millions(films.budget.sum()), "Mean budget (M$)": millions(films.budget.mean()),
        "Total profit (M$)": millions(films.profit.sum()), "Median ROI": plain(films.roi.median()),
        "Mean rating": plain(films.vote_average.mean()), "Votes": figure(films.vote_count.sum()),
        "Mean runtime (minutes)": figure(films.runtime.mean(), 1),
        "Films of a franchise": figure(films.is_franchise.sum()),
        "Franchises": figure(films.collection_id.nunique()),
        "Genres": figure(len({g for f in films[films.release_date.notna()].genres for g in f})),
        "Directors": figure(len({i for ids in films.director_ids for i in ids})),
        "Actors in the network": figure(len(nodes)), "Pairs that played together": figure(len(edges)),
        "Reviews": figure(len(reviews)), "Mean sentiment of reviews, -1 to 1": plain(reviews.sentiment_score.mean())}
    return tables, statistics


def sentences(movies):
    """What the report says in its text."""
    flags = movies.quality_flag.value_counts()
    return (f"Of all {len(movies):,} films, released or not, {movies.is_complete.sum():,} have every figure; "
            f"{flags.get('OK', 0):,} are graded OK, {flags.get('WARNING', 0):,} WARNING and "
            f"{flags.get('ERROR', 0):,} ERROR.")


# --- comparing ---


def same(a, b, path=""):
    """Where two values differ, or None. Numbers may differ by a millionth."""
    if isinstance(a, np.generic):
        a = a.item()
    if isinstance(b, np.generic):
        b = b.item()
    if isinstance(a, (list, np.ndarray)) or isinstance(b, (list, np.ndarray)):
        a, b = list(a if a is not None else [None]), list(b if b is not None else [None])
        if len(a) != len(b):
            return f"{path}: {a} is not {b}"
        return next(filter(None, (same(x, y, f"{path}[{i}]") for i, (x, y) in enumerate(zip(a, b)))), None)
    if isinstance(a, dict) and isinstance(b, dict):
        if a.keys() != b.keys():
            return f"{path}: {a} is not {b}"
        return next(filter(None, (same(a[k], b[k], f"{path}.{k}") for k in a)), None)
    if pd.isna(a) or pd.isna(b):
        return None if pd.isna(a) and pd.isna(b) else f"{path}: {a!r} is not {b!r}"
    if isinstance(a, (int, float)) and isinstance(b, (int, float)) and not isinstance(a, bool):
        return None if abs(a - b) <= 1e-6 * max(1, abs(b)) else f"{path}: {a!r} is not {b!r}"
    if isinstance(a, (dt.date, dt.datetime)) and isinstance(b, str):
        a = str(a)
    return None if a == b else f"{path}: {a!r} is not {b!r}"


def differences(got, want, key, limit=10):
    """The first differences of rows that a table has and those that it should have, as texts. Rows are matched by
    key; the columns compared are those of `want`."""
    left = {tuple(r[k] for k in key): r for r in got}
    right = {tuple(r[k] for k in key): r for r in want.to_dict("records")}
    found = [f"{len(got) - len(left)} keys come twice"] if len(left) != len(got) else []
    found += [f"{k} is missing" for k in list(right.keys() - left.keys())[:limit]]
    found += [f"{k} should not be there" for k in list(left.keys() - right.keys())[:limit]]
    for k in left.keys() & right.keys():
        absent = right[k].keys() - left[k].keys()
        if absent:
            return [f"there are no columns {sorted(absent)}"]
        found += filter(None, (same(left[k][c], v, f"{k} {c}") for c, v in right[k].items()))
        if len(found) >= limit:
            break
    return found[:limit]
