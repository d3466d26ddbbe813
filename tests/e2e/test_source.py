"""A source through the real program, against the stand-in server: what is asked for, what is told, what is kept."""
import json
import os
import shutil
import signal
import subprocess
import urllib.request

import deltalake
import pytest

import killing
from lab import canonical

NOW = "2026-11-21T06:00:00Z"
TABLES = ["bronze.movies", "bronze.reviews", "bronze.people", "bronze.genres"]


class Source:
    def __init__(self, project, cupel_bin, server):
        self.path, self.bin, self.server = project, cupel_bin, server
        yaml = project / "sources/tmdb.yaml"
        yaml.write_text(yaml.read_text().replace("backoff: 1s..60s", "backoff: 10ms..40ms"))

    def run(self, *args, now=NOW, pages=1, code=0, server=None, select="tmdb"):
        """By resource what the run tells of it, and `requests`: what the server was asked for, by route."""
        server = server or self.server
        reset(server)
        done = subprocess.run([self.bin, "-C", str(self.path), "--json", "run", "-s", select, "--now", now, "--pages", str(pages), *args],
                              env=server.env(), capture_output=True, text=True, timeout=120)
        assert code is None or done.returncode == code, done.stdout + done.stderr
        task = {}
        for line in done.stdout.splitlines():
            event = json.loads(line)
            if event.get("task") == "tmdb":
                task = event
        told = {r["resource"]: r for r in task.get("resources", [])}
        told["task"], told["stderr"], told["requests"] = task, done.stderr, server.requests()
        return told

    def rows(self, table):
        return deltalake.DeltaTable(str(self.path / "lake" / table.replace(".", "/"))).to_pyarrow_table().to_pylist()

    def log(self, resource):
        return [r for r in self.rows("bronze.extraction_log") if r["resource"] == resource]

    def tables(self):
        return {t: canonical(self.rows(t)) for t in TABLES}


def reset(server):
    urllib.request.urlopen(urllib.request.Request(server.origin + "/stats/reset", method="POST")).read()


def total(requests):
    return sum(requests.values())


@pytest.fixture(scope="module")
def good(standin):
    return standin("--key", "sesame-4711", "--stats")


@pytest.fixture
def source(tmp_path, make_project, cupel_bin, good):
    return Source(make_project(tmp_path / "movies"), cupel_bin, good)


@pytest.fixture(scope="module")
def whole(tmp_path_factory, make_project, cupel_bin, good):
    """The tables of an undisturbed extraction of two pages."""
    s = Source(make_project(tmp_path_factory.mktemp("whole") / "movies"), cupel_bin, good)
    s.requests = s.run(pages=2)["requests"]
    return s


def test_the_log_says_how_it_went(source):
    told = source.run()
    row, = source.log("movies")
    ids = {r["movie_id"] for r in source.rows("bronze.movies")}
    assert row["source"] == "tmdb" and row["table_name"] == "bronze.movies" and row["state"] == "complete"
    assert row["wanted"] == len(ids) + 1 and row["arrived"] == row["records"] == len(ids) and row["missing"] == 1
    assert row["failed"] == row["retries"] == row["resumed"] == 0 and row["share"] == 1.0
    problem, = json.loads(row["problems"])
    assert problem["request"].startswith("/movie/0") and problem["status"] == 404
    assert told["movies"]["missing"] == 1 and told["task"]["state"] == "done"
    assert row["batch_run_id"] == "batch_2026_11_21_06" and str(row["extraction_timestamp"]) == "2026-11-21 06:00:00+00:00"
    assert row["run_id"] == told["task"]["run"]
    assert {r["resource"] for r in source.rows("bronze.extraction_log")} == {"lists", "movies", "reviews", "people", "genres"}
    assert source.log("lists")[0]["table_name"] is None


def test_the_same_time_is_asked_for_once(source):
    first = source.run()
    again = source.run()
    assert total(again["requests"]) == 0 and again["task"]["note"] == "already extracted for this time"
    assert len(source.log("movies")) == 1
    assert total(source.run(now="2026-11-20T06:00:00Z")["requests"]) == 0, "the past cannot be asked for"
    later = source.run(now="2026-11-22T06:00:00Z")
    assert later["requests"]["movie"] == first["requests"]["movie"]
    days = [r["movie_id"] for r in source.rows("bronze.movies")]
    assert len(days) == 2 * len(set(days)) and len(source.log("movies")) == 2


def test_people_are_not_asked_for_again_within_a_month(source):
    first = source.run()
    people = len(source.rows("bronze.people"))
    assert first["requests"]["person"] == people > 20
    later = source.run(now="2026-12-10T06:00:00Z")
    assert later["requests"].get("person", 0) == 0 and len(source.rows("bronze.people")) == people
    wider = source.run(now="2026-12-11T06:00:00Z", pages=2)
    assert 0 < wider["requests"]["person"] and len({r["person_id"] for r in source.rows("bronze.people")}) == people + wider["requests"]["person"]
    month = source.run(now="2027-01-05T06:00:00Z")
    assert month["requests"]["person"] == people


def test_pages_categories_and_a_limit(source):
    yaml = source.path / "sources/tmdb.yaml"
    yaml.write_text(yaml.read_text().replace("limit: 500", "limit: 7"))
    told = source.run("--categories", "top_rated", "--var", "movie_ids=0", pages=3)
    assert told["requests"]["top_rated"] == 3 and "popular" not in {k for k, n in told["requests"].items() if n}
    assert told["lists"]["wanted"] == 3 and len(source.rows("bronze.movies")) == 60
    assert told["requests"]["person"] == 7 and len(source.rows("bronze.people")) == 7


def test_an_incomplete_extraction_is_told_and_completed(source, standin, good, whole):
    broken = standin("--key", "sesame-4711", "--stats", "--faults", "500@reviews=1")
    told = source.run(pages=2, server=broken, code=6, select="tmdb+")
    assert "source 'tmdb' is incomplete" in told["stderr"] and told["task"]["state"] == "failed"
    assert told["reviews"]["arrived"] == 0 and told["reviews"]["failed"] == told["reviews"]["wanted"] > 0
    assert told["requests"]["reviews"] == 10 * told["reviews"]["wanted"], "five attempts each, and again at the end"
    row, = source.log("reviews")
    assert row["state"] == "incomplete" and row["share"] == 0.0 and json.loads(row["problems"])[0]["status"] == 500
    assert canonical(source.rows("bronze.movies")) == canonical(whole.rows("bronze.movies")), "what arrived is kept"
    assert not (source.path / "lake/silver").exists(), "no model is made of half an extraction"

    told = source.run(pages=2)
    assert total(told["requests"]) - told["requests"]["reviews"] == 0, "only the rest is asked for"
    assert told["movies"]["resumed"] == told["movies"]["arrived"]
    assert source.tables() == whole.tables()
    assert sorted(r["state"] for r in source.log("reviews")) == ["complete", "incomplete"]


def test_the_key_is_in_no_file(source, standin):
    bad = standin("--key", "sesame-4711", "--stats", "--faults", "401@person=0.5,500@reviews=0.2,404@movie=0.1", "--seed", "3")
    told = [source.run(server=bad, code=None), source.run()]
    for path in source.path.rglob("*"):
        if path.is_file():
            assert b"sesame-4711" not in path.read_bytes(), path
    assert all("sesame-4711" not in json.dumps(t) for t in told)


def interrupt(source, requests, *args, pages=2):
    """Kills a run when the server has been asked this often."""
    reset(source.server)
    p = subprocess.Popen([source.bin, "-C", str(source.path), "run", "-s", "tmdb", "--now", NOW, "--pages", str(pages), *args],
                         env=source.server.env(TMDB_RATE_LIMIT="150"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    killing.wait_until(lambda: total(source.server.requests()) >= requests, p)
    p.send_signal(signal.SIGKILL)
    assert p.wait() == -signal.SIGKILL, "it ended too early"


def test_resumed_it_asks_for_the_rest(source, whole):
    interrupt(source, 60)
    told = source.run(pages=2)
    assert total(told["requests"]) <= total(whole.requests) - 60 + 5  # five were on their way
    assert source.tables() == whole.tables()
    assert [r["state"] for r in source.log("movies")] == ["complete"]


def test_an_unfinished_extraction_is_finished_first_under_other_options(source, whole):
    interrupt(source, 60)
    told = source.run(pages=2, now="2026-11-22T06:00:00Z")
    assert source.tables() == whole.tables(), "as of the time at which it began"
    assert source.log("movies")[0]["batch_run_id"] == "batch_2026_11_21_06"
    assert source.run(pages=2, now="2026-11-22T06:00:00Z")["requests"]["movie"] == told["movies"]["wanted"]


@pytest.mark.parametrize("requests", [40, 90, 150])
def test_without_the_state_folder_no_record_is_lost_or_doubled(source, whole, requests):
    interrupt(source, requests)
    shutil.rmtree(source.path / ".cupel")
    source.run(pages=2)
    assert source.tables() == whole.tables()
    shutil.rmtree(source.path / ".cupel")
    assert total(source.run(pages=2)["requests"]) == 0, "the tables know that it is done"


def test_without_a_key_it_says_which_variable_is_missing(source):
    env = {k: v for k, v in source.server.env().items() if k != "TMDB_API_KEY"}
    done = subprocess.run([source.bin, "-C", str(source.path), "run", "-s", "tmdb"], env=env, capture_output=True, text=True)
    assert done.returncode == 2 and "TMDB_API_KEY" in done.stderr and ".env" in done.stderr
