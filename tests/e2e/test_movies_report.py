"""The movies project, whole: every table and every figure of its report against a second computation of them.

On the sample films that the stand-in server brings along, and on the 4,803 films of TMDB 5000.
"""
import base64
import datetime as dt
import gzip
import html
import itertools
import json
import math
import pathlib
import re
import subprocess

import deltalake
import pandas as pd
import pytest

import movies_reference as ref
from conftest import shared

NOW = "2026-11-21T06:00:00Z"
MOVIE_IDS = [0, 299534, 19995, 140607, 299536, 597, 135397, 420818, 24428, 168259, 99861, 284054, 12445, 181808, 330457,
             351286, 109445, 321612, 260513]
CATEGORIES = ["popular", "top_rated", "now_playing"]


class World:
    """A server, a project that ran once against it, and what should have come of it."""

    def __init__(self, server, project, pages, categories):
        self.server, self.project = server, project
        self.api = ref.Api(server, categories, pages, MOVIE_IDS)
        self.reviews = ref.silver_reviews(self.api)
        self.movies = ref.silver_movies(self.api, self.reviews)

    def rows(self, table):
        path = self.project / "lake" / table.replace(".", "/")
        return deltalake.DeltaTable(str(path)).to_pyarrow_table().to_pylist()


@pytest.fixture(scope="module", params=["sample", "tmdb_5000"])
def world(request, standin, make_project, cupel, tmp_path_factory):
    if request.param == "sample":
        server, pages, categories, options = standin("--key", "k"), 20, CATEGORIES, []
    else:
        server = standin("--key", "k", "--data", shared("data/movies/tmdb_5000.ndjson.zst"))
        pages, categories, options = 250, ["popular"], ["--pages", "250", "--categories", "popular"]
    project = make_project(tmp_path_factory.mktemp(request.param) / "movies")
    cupel(["run", "--now", NOW, *options], project, server.env())
    return World(server, project, pages, categories)


def check(world, table, want, key):
    assert len(want) > 0
    assert ref.differences(world.rows(table), want, key.split()) == []


# --- bronze ---


def test_bronze_holds_the_answers_byte_for_byte(world):
    got = {r["movie_id"]: r["raw_json"] for r in world.rows("bronze.movies")}
    assert got == world.api.bodies
    rows = world.rows("bronze.reviews")
    assert {(r["review_id"], r["movie_id"]) for r in rows} == {(i, m) for i, (m, _) in world.api.reviews.items()}
    assert len(rows) == len(world.api.reviews)
    assert {r["genre_id"]: json.loads(r["raw_json"])["name"] for r in world.rows("bronze.genres")} == world.api.genres


def test_bronze_says_where_and_when_each_record_was_had(world):
    now = dt.datetime.fromisoformat(NOW)
    for table in ("movies", "reviews", "people", "genres"):
        for r in world.rows(f"bronze.{table}"):
            assert r["extraction_timestamp"] == now
            assert r["ingestion_date"] == now.date()
            assert r["batch_run_id"] == "batch_2026_11_21_06"
            assert (r["year"], r["month"], r["day"], r["hour"]) == (2026, 11, 21, 6)
            assert "api_key" not in r["api_endpoint"]
    assert f"/movie/{world.rows('bronze.movies')[0]['movie_id']}" in world.rows("bronze.movies")[0]["api_endpoint"]


def test_the_first_three_of_each_cast_are_fetched_and_at_most_500(world):
    got = [r["person_id"] for r in world.rows("bronze.people")]
    assert len(got) == len(set(got)) == world.api.people_wanted
    assert set(got) <= set(world.api.first_three)


def test_films_that_do_not_exist_are_reported_and_not_fatal(world):
    log = {r["resource"]: r for r in world.rows("bronze.extraction_log")}
    assert 0 in world.api.missing
    assert log["movies"]["missing"] == len(world.api.missing)
    assert log["movies"]["arrived"] == len(world.api.movies)
    assert log["movies"]["wanted"] == len(world.api.wanted)
    assert "/movie/0" in log["movies"]["problems"]
    assert log["lists"]["arrived"] == world.api.list_requests
    assert {r["state"] for r in log.values()} == {"complete"}
    assert all(r["failed"] == 0 for r in log.values())


# --- silver ---


def test_silver_movies(world):
    check(world, "silver.movies", world.movies, "movie_id")
    now = dt.datetime.fromisoformat(NOW)
    assert all(r["extraction_timestamp"] == r["processed_timestamp"] == now for r in world.rows("silver.movies"))


def test_silver_reviews(world):
    check(world, "silver.reviews", world.reviews, "review_id")


def test_silver_people(world):
    ids = [r["person_id"] for r in world.rows("bronze.people")]
    check(world, "silver.people", ref.silver_people(world.api, ids), "person_id")


def test_silver_movie_snapshots(world):
    day = dt.date.fromisoformat(NOW[:10])
    check(world, "silver.movie_snapshots", ref.movie_snapshots({day: world.api}), "snapshot_date movie_id")


# --- gold ---


def test_genre_analytics(world):
    check(world, "gold.genre_analytics", ref.genre_analytics(world.movies), "genre year month")


def test_trending(world):
    day = dt.date.fromisoformat(NOW[:10])
    want = ref.trending(world.movies, ref.movie_snapshots({day: world.api}))
    check(world, "gold.trending", want.assign(computed_date=day), "window_days movie_id")


def test_temporal_analytics(world):
    check(world, "gold.temporal_analytics", ref.temporal_analytics(world.movies), "year month")


def test_actor_networks(world):
    edges, nodes = ref.actor_networks(world.movies)
    check(world, "gold.actor_networks", edges, "person_a person_b")
    check(world, "gold.actor_nodes", nodes, "person_id")


def test_sentiment_trends(world):
    check(world, "gold.sentiment_trends", ref.sentiment_trends(world.movies, world.reviews), "genre year month")


def test_franchises(world):
    check(world, "gold.franchises", ref.franchises(world.movies), "collection_id")


def test_directors(world):
    check(world, "gold.directors", ref.directors(world.movies), "person_id")


def test_movie_kpis(world):
    check(world, "gold.movie_kpis", ref.movie_kpis(world.movies), "movie_id")


def test_tables_are_partitioned_as_promised(world):
    want = {"bronze.movies": ["year", "month", "day", "hour"], "silver.movies": ["release_year"],
            "gold.genre_analytics": ["year"], "gold.temporal_analytics": ["year"], "gold.trending": ["window_days"],
            "gold.directors": []}
    for table, columns in want.items():
        path = world.project / "lake" / table.replace(".", "/")
        assert deltalake.DeltaTable(str(path)).metadata().partition_columns == columns


# --- the report ---


def table_under(text, heading):
    """The rows of the first table under a heading: the lines between its rule and the next empty one."""
    lines = text.splitlines()
    assert lines.count(heading) == 1, f"'{heading}' stands {lines.count(heading)} times in\n{text}"
    below = itertools.dropwhile(lambda line: not re.fullmatch(r"─+( +─+)+", line), lines[lines.index(heading):])
    next(below)
    return list(itertools.takewhile(str.strip, below))


def is_row(line, cells):
    return re.fullmatch(r"\s*" + r"\s+".join(re.escape(c) for c in cells) + r"\s*", line)


def test_every_figure_of_the_report(world, cupel, tmp_path):
    cupel(["render", "kpi", "--to", "txt", "--width", 400, "--out", tmp_path], world.project)
    text = (tmp_path / "kpi.txt").read_text()
    tables, statistics = ref.report(world.movies, world.reviews)

    got = table_under(text, "1. General statistics")
    assert len(got) == len(statistics), text
    for line, cells in zip(got, statistics.items()):
        assert is_row(line, cells), (line, cells)
    for heading, want in tables.items():
        got = table_under(text, heading)
        assert len(got) == len(want), (heading, got)
        for line, cells in zip(got, want):
            assert is_row(line, cells), (heading, line, cells)
    said = " ".join(text.split())
    assert ref.sentences(world.movies) in said
    assert f"Data: {len(world.movies):,} films of TMDB, fetched from 2026-11-21 06:00 to 2026-11-21 06:00 UTC." in said


def rows_of(html):
    """What the charts of a page draw, by chart: with nothing chosen, from the rows that its queries give then."""
    data = json.loads(gzip.decompress(base64.b64decode(re.search(r'id="data">(.*?)<', html)[1])))
    found = {}
    for chart in data["charts"]:
        for name, columns in chart["pool"].items():
            query, of = data["queries"][name], data["rows"][name]
            at = 0
            for i in query["varies"]:
                at = at * len(data["inputs"][i]["options"]) + data["inputs"][i]["value"]
            assert not query["filters"] or data["inputs"][0]["options"][0][0] is None
            found[chart["spec"]["title"]] = [
                {c: of[c][row] for c in columns} for row in query["answers"][query["cases"][at]][:query["limit"] or None]]
    return found


def check_charts(world, cupel, kpis, best):
    """Every bar of the overview against the tables."""
    html = cupel(["render", "overview", "--to", "html"], world.project).stdout
    if len(kpis) < 1000:
        assert len(html.encode()) < 1_200_000
    rows = rows_of(html)
    by = lambda key, keep=lambda r: True: itertools.groupby(sorted((r for r in kpis if keep(r)), key=key), key)
    years = {year: list(of) for year, of in by(lambda r: r["release_year"], lambda r: r["release_year"] is not None)}
    first = min(years) // 10 * 10
    assert {r["year"]: (r["films"], pytest.approx(r["revenue"] or 0)) for r in rows["Revenue by year of release"]} == \
        {year: (len(of), sum(r["revenue"] or 0 for r in of) / 1e6) for year, of in years.items()}
    bins = {x: len(list(of)) for x, of in by(lambda r: math.floor(r["vote_average"] * 2) / 2, lambda r: r["vote_count"] and r["vote_average"] is not None)}
    assert {r["rating"]: r["films"] for r in rows["Films by rating"]} == bins
    assert all(r["below"] == r["rating"] + 0.5 for r in rows["Films by rating"])
    months = {m: list(of) for m, of in by(lambda r: r["release_date"].month, lambda r: r["release_date"])}
    for number, row in enumerate(rows["Mean revenue by month of release"], 1):
        earned = [r["revenue_musd"] for r in months.get(number, []) if r["revenue_musd"] is not None]
        assert row["films"] == len(months.get(number, [])) and row["month"] == "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()[number - 1]
        assert row["revenue"] == pytest.approx(sum(earned) / len(earned) if earned else 0, abs=0.06)
    genres = {}
    for r in world.rows("gold.genre_analytics"):
        if (r["year"] or 0) >= first:
            genres[r["genre"]] = genres.get(r["genre"], 0) + (r["total_revenue"] or 0)
    top = sorted(genres.items(), key=lambda g: (-g[1], g[0]))[:12]
    assert [(r["genre"], r["revenue"]) for r in rows["Revenue by genre"]] == [(g, pytest.approx(x / 1e9, abs=0.006)) for g, x in top]
    assert [(r["title"], r["roi"]) for r in rows["Best return on a budget of 10 M$ or more"]] == [(r["title"], pytest.approx(r["roi"])) for r in best]
    earned = [r for r in kpis if (r["budget_musd"] or 0) >= 0.1 and (r["revenue_musd"] or 0) >= 0.1]
    assert [r["title"] for r in rows["What films cost and earned"]] == [r["title"] for r in sorted(earned, key=lambda r: r["movie_id"])]


def test_the_other_pages(world, cupel, tmp_path):
    done = cupel(["render", "overview", "--to", "txt,html,pdf", "--width", 400, "--out", tmp_path], world.project)
    assert len(done.stdout.splitlines()) == 3
    text = (tmp_path / "overview.txt").read_text()
    kpis = [r for r in world.rows("gold.movie_kpis")]
    revenue = sum(r["revenue"] or 0 for r in kpis) / 1e6
    assert re.search(rf"^Released films +{len(kpis):,} ", text, re.M)
    assert re.search(rf"^Total revenue +\${revenue:,.0f} M ", text, re.M)
    best = sorted((r for r in kpis if (r["budget_musd"] or 0) >= 10 and r["roi"] is not None),
                  key=lambda r: (-r["roi"], r["movie_id"]))[:10]
    check_charts(world, cupel, kpis, best)
    got = table_under(text, "Films that made the most of their money")
    assert [re.sub(" {2,}.*", "", line) for line in got] == [" ".join(r["title"].split()) for r in best]

    cupel(["render", "quality", "--width", 400, "--out", tmp_path], world.project)
    text = (tmp_path / "quality.txt").read_text()
    complete = sum(r["is_complete"] for r in world.rows("silver.movies")) / len(world.movies)
    assert re.search(rf"^With every figure +{complete:.1%}$", text, re.M)
    log = {r["resource"]: r for r in world.rows("bronze.extraction_log")}
    for line in table_under(text, "The last extraction"):
        resource, *cells = line.split()
        assert cells[1:3] == [f"{log[resource][k]:,}" for k in ("wanted", "arrived")]


PLOTS = ["revenue_vs_budget", "roi_by_genre", "popularity_vs_rating", "yearly_trends", "franchise_vs_standalone",
         "rating_distribution", "top_directors", "genre_performance"]


def test_the_eight_plots(world, cupel, tmp_path):
    done = cupel(["render", "plots", "--to", "svg,png", "--now", NOW, "--out", tmp_path], world.project, world.server.env())
    assert done.stderr == ""
    assert done.stdout.split() == [f"{tmp_path}/{name}.{kind}" for kind in ("svg", "png") for name in PLOTS]
    svg = {name: (tmp_path / f"{name}.svg").read_text() for name in PLOTS}
    said = {name: html.unescape(" ".join(re.findall(r"<t(?:ext|span)[^>]*>([^<]+)<", text))) for name, text in svg.items()}
    released = [m for m in world.rows("gold.movie_kpis")]
    dots = sum((m["budget"] or 0) >= 100000 and (m["revenue"] or 0) >= 100000 for m in released)
    assert svg["revenue_vs_budget"].count('fill-opacity="0.55"') >= dots > 100
    best = max(released, key=lambda m: m["revenue"] or 0)
    assert best["title"] in said["revenue_vs_budget"]
    rated = [float(m["vote_average"]) for m in released if (m["vote_count"] or 0) >= 10 and m["vote_average"]]
    assert f"mean {sum(rated) / len(rated):.2f}" in said["rating_distribution"]
    directors = sorted(world.rows("gold.directors"), key=lambda d: -(d["total_revenue"] or 0))[:15]
    assert all(d["director"] in said["top_directors"] for d in directors)
    for name, text in svg.items():
        assert "NaN" not in text and "undefined" not in text and "null" not in said[name].lower().split(), name
        assert (tmp_path / f"{name}.png").stat().st_size > 20000


# --- more days than one ---


def without(rows, *columns):
    return sorted(json.dumps({k: v for k, v in r.items() if k not in columns}, default=str, sort_keys=True)
                  for r in rows)


def test_days_that_come_one_by_one_give_what_all_at_once_would(standin, make_project, cupel, tmp_path):
    project = make_project(tmp_path / "movies")
    days, world = {}, None
    for day in ("2026-10-30", "2026-11-19", "2026-11-21"):
        server = standin("--key", "k", "--date", day)
        cupel(["run", "--now", f"{day}T06:00:00Z"], project, server.env())
        world = World(server, project, 20, CATEGORIES)
        days[dt.date.fromisoformat(day)] = world.api
    snapshots = ref.movie_snapshots(days)
    check(world, "silver.movies", world.movies, "movie_id")
    check(world, "silver.movie_snapshots", snapshots, "snapshot_date movie_id")
    check(world, "gold.trending", ref.trending(world.movies, snapshots), "window_days movie_id")
    assert any(r["velocity"] > 0 for r in world.rows("gold.trending"))

    tables = [f"{p.parent.name}.{p.stem}" for p in sorted((project / "models").glob("*/*.sql"))]
    before = {t: without(world.rows(t), "processed_timestamp") for t in tables}
    cupel(["run", "--full-refresh", "--now", "2026-11-21T06:00:00Z"], project, server.env())
    for t in tables:
        assert without(world.rows(t), "processed_timestamp") == before[t], t


def test_reviews_that_come_after_their_films_are_counted(standin, project, cupel):
    server = standin("--key", "k")
    for selection in (["source:tmdb", "silver.movies"], ["silver.reviews"], ["silver.movies"]):
        cupel(["run", "--now", NOW, *(x for s in selection for x in ("-s", s))], project, server.env())
        world = World(server, project, 20, CATEGORIES)
        if selection != ["silver.reviews"]:
            known = world.movies if selection == ["silver.movies"] else ref.silver_movies(world.api, pd.DataFrame())
            check(world, "silver.movies", known, "movie_id")


# --- what is wrong is held back ---


def wrong_data(folder, good, wrong):
    """A file of films for the stand-in: `good` sound ones, then the wrong ones as changes of a sound one."""
    file = shared("data/movies/tmdb_5000.ndjson.zst")
    lines = subprocess.run(["zstd", "-dc", file], capture_output=True, check=True).stdout.splitlines()
    films = [json.loads(line) for line in lines[:good + len(wrong)]]
    for film, change in zip(films[good:], wrong):
        film.update(change)
    path = folder / "films.ndjson"
    path.write_text("".join(json.dumps(f, ensure_ascii=False) + "\n" for f in films))
    return path, [f["id"] for f in films[good:]]


WRONG = [({"budget": "plenty"}, 'budget: "plenty" is not a whole number'),
         ({"title": None}, "not_null(title)"),
         ({"title": ""}, "not_null(title)"),
         ({"budget": -5}, "budget is not negative"),
         ({"genres": "Action"}, "genres: not a list"),
         ({"release_date": "2009-02-30"}, 'release_date: "2009-02-30" is not a date'),
         ({"vote_average": {"x": 1}}, 'vote_average: "{"x":1}" is not a number')]


def test_wrong_values_are_quarantined_with_their_reasons(standin, project, cupel, tmp_path):
    data, ids = wrong_data(tmp_path, 300, [change for change, _ in WRONG])
    server = standin("--key", "k", "--data", data)
    cupel(["run", "--now", NOW, "--categories", "popular"], project, server.env())
    rows = deltalake.DeltaTable(str(project / "lake/quarantine/silver_movies")).to_pyarrow_table().to_pylist()
    got = {json.loads(r["row"])["movie_id"]: r["reasons"] for r in rows}
    assert got.keys() == set(ids)
    for i, (_, reason) in zip(ids, WRONG):
        assert reason in got[i]
    silver = deltalake.DeltaTable(str(project / "lake/silver/movies")).to_pyarrow_table(columns=["movie_id"])
    assert len(silver) == 300 and not set(silver["movie_id"].to_pylist()) & set(ids)


def test_too_many_wrong_rows_stop_the_run_and_nothing_is_published(standin, project, cupel, tmp_path):
    data, _ = wrong_data(tmp_path, 95, [{"budget": -5}] * 6)
    server = standin("--key", "k", "--data", data)
    done = cupel(["run", "--now", NOW, "--categories", "popular"], project, server.env(), code=None)
    assert done.returncode != 0
    assert "budget is not negative" in done.stdout + done.stderr
    assert not pathlib.Path(project / "lake/silver/movies/_delta_log").exists()
    assert not pathlib.Path(project / "lake/gold/movie_kpis/_delta_log").exists()
