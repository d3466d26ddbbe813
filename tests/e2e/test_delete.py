"""Rows that go, by `cupel delete` and by merges: marked in deletion vectors, or their files written again."""
import importlib.util
import json
import pathlib
import random

import duckdb
import pytest
from lab import Lab

VECTORS = "\nproperties: {delta.enableDeletionVectors: true}"


@pytest.fixture(scope="module")
def others():
    """DuckDB's delta extension: rows of a table, as another reader sees them."""
    spec = importlib.util.find_spec("duckdb_extension_delta")
    file = next(pathlib.Path(spec.submodule_search_locations[0]).rglob("delta.duckdb_extension"))
    con = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    con.execute(f"LOAD '{file}'")
    return lambda lab, name: sorted(con.execute(f"SELECT id, v, s FROM delta_scan('{lab.table(name)}')").fetchall())


@pytest.fixture
def lab(tmp_path, cupel_bin):
    lab = Lab(tmp_path / "lab", cupel_bin)
    lab.input("bronze.e", "id BIGINT, v BIGINT, s VARCHAR")
    return lab


def rows(lab, name="silver.t"):
    return [(r["id"], r["v"], r["s"]) for r in lab.query(f"SELECT id, v, s FROM {name} ORDER BY id")]


def adds(lab, version, name="silver.t"):
    text = (lab.table(name) / "_delta_log" / f"{version:020}.json").read_text()
    return [a["add"] for a in map(json.loads, text.splitlines()) if "add" in a]


def model(lab, more="", sql="SELECT * FROM bronze.e", mode="mode: merge\nkey: id\nincremental: bronze.e"):
    lab.model("silver.t", mode + more, sql)


def fill(lab, ids, v=0, s="x"):
    lab.write("bronze.e", [{"id": i, "v": v + i, "s": s} for i in ids])
    return lab.run()["silver.t"]


@pytest.mark.parametrize("vectors", [False, True])
def test_merges_give_what_a_dictionary_gives(lab, others, vectors):
    model(lab, VECTORS if vectors else "")
    dice, want = random.Random(7), {}
    for step in range(8):
        ids = dice.sample(range(400), 150 if step == 0 else 40)
        want.update({i: (i, step * 1000 + i, f"s{step}") for i in ids})
        fill(lab, ids, step * 1000, f"s{step}")
        assert rows(lab) == sorted(want.values())
    assert others(lab, "silver.t") == sorted(want.values())
    marked = [a for v in range(8) for a in adds(lab, v) if "deletionVector" in a]
    assert bool(marked) == vectors
    for a in marked:
        stats = json.loads(a["stats"])
        assert stats["tightBounds"] is False and stats["numRecords"] >= 2 * a["deletionVector"]["cardinality"]
    assert not lab.unreferenced("silver.t")


def test_a_file_without_rows_is_no_file_and_one_with_few_is_written_again(lab, others):
    model(lab, VECTORS)
    fill(lab, range(100))
    fill(lab, range(200, 300))
    fill(lab, [*range(100), *range(200, 260)], 1000)
    assert all("deletionVector" not in a for a in adds(lab, 2))
    assert lab.query("SELECT count(*) AS n, sum(v) AS v FROM silver.t") == [
        {"n": 200, "v": sum(range(100)) + sum(range(200, 300)) + 160 * 1000}]
    assert others(lab, "silver.t") == rows(lab)


def test_older_rows_do_not_replace_newer_ones_nor_mark_them(lab):
    model(lab, "\nsequence_by: v" + VECTORS)
    fill(lab, range(100), 1000)
    fill(lab, range(10), 0)  # all older
    assert {r[1] - r[0] for r in rows(lab)} == {1000}
    assert all("deletionVector" not in a for a in adds(lab, 1))
    fill(lab, range(5), 2000)
    assert [r[1] - r[0] for r in rows(lab)] == [2000] * 5 + [1000] * 95
    assert sum("deletionVector" in a for a in adds(lab, 2)) == 1


def test_groups_are_made_anew_with_vectors(lab, others):
    model(lab, VECTORS, "SELECT id, v, s FROM bronze.e", mode="mode: merge\nkey: [id, v]\nincremental: {bronze.e: id}")
    lab.write("bronze.e", [{"id": i, "v": k, "s": "x"} for i in range(50) for k in range(2)])
    lab.run()
    lab.write("bronze.e", [{"id": 3, "v": 7, "s": "y"}])
    lab.run()
    want = sorted([(i, k, "x") for i in range(50) for k in range(2)] + [(3, 7, "y")])
    assert sorted(rows(lab)) == want == others(lab, "silver.t")
    assert sum("deletionVector" in a for a in adds(lab, 1)) == 1


def test_readers_downstream_see_what_vectors_took(lab):
    model(lab, VECTORS)
    lab.model("gold.g", "mode: merge\nkey: v\nincremental: {silver.t: v}", "SELECT v, count(*) AS n FROM silver.t GROUP BY v")
    lab.write("bronze.e", [{"id": i, "v": i % 10, "s": "x"} for i in range(100)])
    lab.run()
    lab.write("bronze.e", [{"id": 5, "v": 11, "s": "x"}])
    lab.run()
    assert lab.query("SELECT n FROM gold.g WHERE v IN (5, 11) ORDER BY v") == [{"n": 9}, {"n": 1}]


@pytest.mark.parametrize("vectors", [False, True])
def test_delete_takes_rows_out(lab, others, vectors):
    model(lab, (VECTORS if vectors else "") + "\npartition_by: s")
    for s in "abc":
        fill(lab, range(ord(s) * 100, ord(s) * 100 + 100), 0, s)
    before = rows(lab)
    dry = json.loads(lab.cupel("delete", "silver.t", "--where", "id % 100 < 3 AND s <> 'c'", "--dry-run", "--json").stdout)
    assert dry == {"table": "silver.t", "dry_run": True, "version": -1, "rows": 6, "files": 2,
                   "files_marked": 2 if vectors else 0, "files_rewritten": 0 if vectors else 2}
    assert rows(lab) == before
    out = lab.cupel("delete", "silver.t", "--where", "id % 100 < 3 AND s <> 'c'").stdout
    assert out.startswith("6 rows in 2 files of silver.t deleted: v3\n")
    want = [r for r in before if not (r[0] % 100 < 3 and r[2] != "c")]
    assert rows(lab) == want == others(lab, "silver.t")
    again = lab.cupel("delete", "silver.t", "--where", "id % 100 < 3 AND s <> 'c'").stdout
    assert again == "silver.t has no such row: nothing to do\n"
    history = json.loads(lab.cupel("history", "silver.t", "--json").stdout)["history"]
    assert history[0]["operation"] == "DELETE" and history[0]["version"] == 3
    lab.cupel("delete", "silver.t", "--where", "s = 'a' OR v IS NULL OR id % 100 = 50")
    assert rows(lab) == [r for r in want if r[2] != "a" and r[0] % 100 != 50] == others(lab, "silver.t")
    lab.cupel("delete", "silver.t", "--where", "true")
    assert rows(lab) == []
    assert not lab.unreferenced("silver.t")


def test_a_condition_may_ask_other_tables(lab):
    model(lab)
    fill(lab, range(10))
    lab.input("bronze.erased", "id BIGINT")
    lab.write("bronze.erased", [{"id": 3}, {"id": 4}, {"id": 40}])
    lab.cupel("delete", "silver.t", "--where", "id IN (SELECT id FROM bronze.erased)")
    assert [r[0] for r in rows(lab)] == [0, 1, 2, 5, 6, 7, 8, 9]


@pytest.mark.parametrize("where, code, error", [
    ("", 2, "which rows of 'silver.t'?"),
    ("idd = 1", 2, "idd"),
    ("id", 2, "--where is no condition: it is BIGINT"),
    ("id = ", 2, "--where"),
    ("id = 1; DROP TABLE x", 2, "--where"),
])
def test_what_is_no_condition_deletes_nothing(lab, where, code, error):
    model(lab)
    fill(lab, range(3))
    done = lab.cupel("delete", "silver.t", *(["--where", where] if where else []), code=code)
    assert error in done.stderr and len(rows(lab)) == 3


def test_tables_that_may_not_lose_rows(lab):
    model(lab, "\nproperties: {delta.appendOnly: true}")
    fill(lab, range(3))
    done = lab.cupel("delete", "silver.t", "--where", "true", code=6)
    assert "may only be appended to (delta.appendOnly)" in done.stderr
    assert "unknown table 'silver.tt'" in lab.cupel("delete", "silver.tt", "--where", "true", code=2).stderr
    assert "of the project" in lab.cupel("delete", "silver.t@v0", "--where", "true", code=2).stderr


def test_vectors_of_a_process_that_was_killed_are_swept(lab):
    model(lab, VECTORS)
    fill(lab, range(100))
    fill(lab, range(10), 1000)
    committed = {p.name for p in lab.table("silver.t").glob("deletion_vector_*")}
    assert len(committed) == 1
    token = committed.copy().pop()[len("deletion_vector_"):][:8]
    left = lab.table("silver.t") / "deletion_vector_0badcafe-1111-2222-3333-444444444444.bin"
    left.write_bytes(b"\x01")
    staged = lab.path / ".cupel/staged"
    staged.mkdir(parents=True, exist_ok=True)
    (staged / "0badcafe").write_text("1 silver/t\n")
    (staged / token).write_text("0 silver/t\n")  # killed after its commit
    lab.run()
    assert {p.name for p in lab.table("silver.t").glob("deletion_vector_*")} == committed
    assert not list(staged.iterdir())
    assert len(rows(lab)) == 100


# --- merge clauses ---

def put(lab, *rows):
    lab.write("bronze.e", [dict(zip(("id", "v", "s"), r)) for r in rows])
    return lab.run()["silver.t"]


@pytest.mark.parametrize("vectors", [False, True])
def test_clauses_say_what_a_merge_does(lab, vectors):
    model(lab, """
merge:
  update_when: source.v > target.v
  delete_when: source.s = 'gone'
  insert_when: source.s <> 'gone'""" + (VECTORS if vectors else ""))
    put(lab, (1, 10, "a"), (2, 20, "a"), (3, 30, "a"), (9, 1, "gone"), (7, 1, None), (4, 4, "a"), (5, 5, "a"), (6, 6, "a"))
    assert rows(lab) == [(1, 10, "a"), (2, 20, "a"), (3, 30, "a"), (4, 4, "a"), (5, 5, "a"), (6, 6, "a")]
    put(lab, (1, 11, "new"), (2, 19, "late"), (3, 0, "gone"), (8, 8, "first"), (10, 1, "gone"), (4, None, "b"))
    assert rows(lab) == [(1, 11, "new"), (2, 20, "a"), (4, 4, "a"), (5, 5, "a"), (6, 6, "a"), (8, 8, "first")]


def test_clauses_go_with_a_sequence_and_a_feed(lab):
    model(lab, """
sequence_by: v
merge: {update_when: "source.s <> target.s", delete_when: "source.s = 'gone'"}
properties: {delta.enableChangeDataFeed: true}""")
    put(lab, *((i, 10, "a") for i in range(4)))
    put(lab, (0, 11, "a"), (1, 11, "b"), (2, 9, "b"), (3, 9, "gone"), (4, 1, "gone"))
    assert rows(lab) == [(0, 10, "a"), (1, 11, "b"), (2, 10, "a"), (4, 1, "gone")]
    import pyarrow as pa
    feed = pa.table(lab.delta("silver.t").load_cdf(starting_version=1, ending_version=1)).to_pylist()
    assert sorted((r["id"], r["_change_type"], r["v"]) for r in feed) == [
        (1, "update_postimage", 11), (1, "update_preimage", 10), (3, "delete", 10), (4, "insert", 1)]


@pytest.mark.parametrize("header, error", [
    ("mode: append\nmerge: {update_when: 'true'}", "merge has a meaning only for mode merge"),
    ("mode: merge\nkey: id\nincremental: {bronze.e: id}\nmerge: {update_when: 'true'}", "made anew as groups"),
    ("mode: merge\nkey: id\nmerge: {updat_when: 'true'}", "did you mean 'update_when'?"),
    ("mode: merge\nkey: id\nmerge: {update_when: source.vv > 1}", "vv"),
    ("mode: merge\nkey: id\nmerge: {insert_when: target.v > 1}", "target"),
    ("mode: merge\nkey: id\nmerge: {delete_when: source.v}", "delete_when: a condition is expected, this gives BIGINT"),
])
def test_clauses_that_cannot_be(lab, header, error):
    model(lab, mode=header)
    done = lab.cupel("validate", code=2)
    assert error in done.stdout + done.stderr
