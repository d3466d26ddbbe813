"""Delta tables by their paths: in SQL, in show, history and tables; in any folder, and within a project."""
import json
import time

import deltalake
import pyarrow as pa
import pytest


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """Three versions of one table, and another whose name has an @ in it."""
    folder = tmp_path_factory.mktemp("elsewhere")
    for n in (1, 2, 3):
        deltalake.write_deltalake(str(folder / "Some Table"), pa.table({"id": list(range(n))}), mode="overwrite")
        time.sleep(0.01)
    deltalake.write_deltalake(str(folder / "odd@v1"), pa.table({"id": [7]}))
    return folder


@pytest.fixture
def ask(cupel, tmp_path):
    def ask(sql, folder=tmp_path):
        return json.loads(cupel(["query", "-o", "json", sql], folder).stdout)
    return ask


def test_a_path_is_a_table(lake, ask):
    assert ask(f"SELECT count(*) AS n FROM delta.`{lake}/Some Table`") == [{"n": 3}]
    assert ask("SELECT count(*) AS n FROM delta.`./Some Table`", lake) == [{"n": 3}]
    assert ask(f"SELECT count(*) AS n FROM DELTA.`file://{lake}/Some Table/` AS t JOIN delta.`{lake}/Some Table@v1` USING (id)") == [{"n": 2}]
    assert ask("SELECT 1 AS x") == [{"x": 1}]


def test_time_travel(lake, ask, cupel):
    stamps = {h["version"]: h["timestamp"] for h in deltalake.DeltaTable(str(lake / "Some Table")).history()}
    for version, ms in sorted(stamps.items()):
        assert ask(f"SELECT count(*) AS n FROM delta.`{lake}/Some Table@v{version}`") == [{"n": version + 1}]
        when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ms // 1000)) + f".{ms % 1000:03}Z"
        assert ask(f"SELECT count(*) AS n FROM delta.`{lake}/Some Table@{when}`") == [{"n": version + 1}]
        digits = "".join(c for c in when if c.isdigit())
        assert ask(f"SELECT count(*) AS n FROM delta.`{lake}/Some Table@{digits}`") == [{"n": version + 1}]


def test_an_at_sign_may_be_the_path_s_own(lake, ask):
    assert ask(f"SELECT id FROM delta.`{lake}/odd@v1`") == [{"id": 7}]
    assert ask(f"SELECT id FROM delta.`{lake}/odd@v1@v0`") == [{"id": 7}]


def test_commands_take_paths(lake, cupel, tmp_path):
    shown = json.loads(cupel(["show", str(lake / "Some Table"), "--json"], tmp_path).stdout)
    assert (shown["version"], shown["rows"]) == (2, 3)
    shown = json.loads(cupel(["show", "./Some Table@v1", "--json"], lake).stdout)
    assert (shown["version"], shown["rows"]) == (1, 2)
    listed = json.loads(cupel(["tables", str(lake), "--json"], tmp_path).stdout)["tables"]
    assert [(t["table"], t["rows"]) for t in listed] == [(f"{lake}/Some Table", 3), (f"{lake}/odd@v1", 1)]


def test_within_a_project(lake, ask, make_project, cupel, tmp_path):
    project = make_project(tmp_path / "movies")
    assert ask(f"SELECT count(*) AS n FROM delta.`{lake}/Some Table` WHERE id < 2", project) == [{"n": 2}]
    shown = json.loads(cupel(["show", str(lake / "Some Table"), "--json"], project).stdout)
    assert shown["version"] == 2


def test_what_is_not_there(lake, cupel, tmp_path):
    cases = [
        (f"SELECT * FROM delta.`{lake}/none`", f"there is no table '{lake}/none'"),
        (f"SELECT * FROM delta.`{lake}/Some Table@v9`", "has no version 9: it has 0 to 2"),
        (f"SELECT * FROM delta.`{lake}/Some Table@2000-01-01`", "has no version of 2000-01-01T00:00:00.000Z"),
        ("SELECT * FROM delta.none", "no cupel.yaml in"),
        (f"SELECT * FROM delta.`{lake}/Some Table`, silver.movies", "no cupel.yaml in"),
    ]
    for sql, want in cases:
        assert want in cupel(["query", sql], tmp_path, code=2).stderr, sql
