"""The movies lake as others see it: every table opens unchanged in delta-rs and in DuckDB's delta extension, same rows."""
import json

import deltalake
import pytest
from lab import delta_extension

NOW = "2026-11-21T06:00:00Z"


@pytest.fixture(scope="module")
def lake(standin, make_project, cupel, tmp_path_factory):
    server = standin("--key", "k")
    folder = make_project(tmp_path_factory.mktemp("interop") / "movies")
    for day in ("2026-11-19", "2026-11-20", "2026-11-21"):  # merges and time travel need a history
        cupel(["run", "--now", f"{day}T06:00:00Z", "--pages", "3"], folder, server.env())
    return folder


def canonical(table):
    return sorted(json.dumps(r, default=str, sort_keys=True) for r in table.to_pylist())


def read_everywhere(lake, cupel):
    """The rows of every table, which delta-rs and DuckDB agree on."""
    names, rows = json.loads(cupel(["tables", "--json"], lake).stdout)["tables"], {}
    assert len(names) >= 18
    for t in names:
        path = lake / "lake" / t["table"].replace(".", "/")
        by_delta_rs = deltalake.DeltaTable(str(path)).to_pyarrow_table()
        columns = sorted(by_delta_rs.column_names)
        listed = ", ".join(f'"{c}"' for c in columns)
        by_duckdb = delta_extension().execute(f"SELECT {listed} FROM delta_scan('{path}')").to_arrow_table()
        assert by_delta_rs.num_rows == by_duckdb.num_rows == t["rows"], t
        rows[t["table"]] = canonical(by_duckdb)
        assert canonical(by_delta_rs.select(columns)) == rows[t["table"]], t
    return rows


def test_every_table_reads_the_same_everywhere(lake, cupel):
    read_everywhere(lake, cupel)


def test_every_version_is_still_there(lake, cupel):
    history = json.loads(cupel(["history", "silver.movies", "--json"], lake).stdout)["history"]
    assert [h["version"] for h in history] == [2, 1, 0]
    path = lake / "lake" / "silver" / "movies"
    for h in history:
        theirs = deltalake.DeltaTable(str(path), version=h["version"]).to_pyarrow_table()
        ours = json.loads(cupel(["query", "-o", "json", f"SELECT movie_id, vote_count FROM silver.movies@v{h['version']}"],
                                lake).stdout)
        want = sorted((r["movie_id"], r["vote_count"]) for r in theirs.select(["movie_id", "vote_count"]).to_pylist())
        assert sorted((r["movie_id"], r["vote_count"]) for r in ours) == want


def test_maintenance_changes_no_row(lake, cupel):
    """The last one here: it takes the old versions away."""
    before = read_everywhere(lake, cupel)
    packed = json.loads(cupel(["optimize", "--json"], lake).stdout)["tables"]
    assert sum(t["files_removed"] for t in packed) > sum(t["files_added"] for t in packed) > 0
    cupel(["prune"], lake)
    cupel(["vacuum", "--retain", "0s", "--force"], lake)
    assert read_everywhere(lake, cupel) == before
    assert cupel(["optimize"], lake).stdout == "nothing to do\n"
    moved = [p for p in json.loads(cupel(["plan", "--json"], lake).stdout)["plan"] if p["stale"] and p["asset"].startswith("gold.")]
    assert all("new commit" not in p["reason"] for p in moved), moved
