"""optimize, vacuum, restore, diff and prune on the real program: what they change, what they must not, and what others read."""
import datetime
import fcntl
import importlib.util
import json
import os
import pathlib
import re
import shutil
import threading

import deltalake
import duckdb
import pyarrow as pa
import pytest

from conftest import absent
from lab import Lab, day, killed

EVENTS = "id BIGINT, k VARCHAR, v BIGINT"


@pytest.fixture
def lab(tmp_path, cupel_bin):
    return Lab(tmp_path / "lab", cupel_bin)


@pytest.fixture(scope="module")
def delta_extension():
    spec = importlib.util.find_spec("duckdb_extension_delta")
    files = list(pathlib.Path(spec.submodule_search_locations[0]).rglob("delta.duckdb_extension"))
    con = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    con.execute(f"LOAD '{files[0]}'")
    return con


def events(first, n, k="a"):
    return [{"id": i, "k": k, "v": i * 10} for i in range(first, first + n)]


def answer(lab, *args, code=0, **more):
    return json.loads(lab.cupel("--json", *args, code=code, **more).stdout)


def live(lab, name, version=None):
    """The files of a version with their statistics."""
    return pa.table(lab.delta(name, version).get_add_actions(flatten=True)).to_pylist()


def insist(what):
    """delta-rs takes a commit that removes files for one that may touch what it read, and is to try again."""
    while True:
        try:
            return what()
        except deltalake.exceptions.CommitFailedError:
            pass


def by_extension(con, lab, name):
    return sorted(con.execute(f"SELECT id, k, v FROM delta_scan('{lab.table(name)}')").fetchall(), key=str)


def ours(lab, name):
    return sorted(((r["id"], r["k"], r["v"]) for r in lab.query(f"SELECT * FROM {name}")), key=str)


def theirs(lab, name):
    return sorted(((r["id"], r["k"], r["v"]) for r in lab.rows(name)), key=str)


# --- optimize ---


def partitioned(lab, commits=4):
    lab.input("bronze.events", EVENTS, by=["k"])
    for n in range(commits):
        rows = events(n * 30, 10, "a") + events(n * 30 + 10, 10, "b/ä=") + events(n * 30 + 20, 10, None)
        lab.write("bronze.events", rows, partition_by=["k"])


def test_optimize_packs_the_files_of_each_partition(lab, delta_extension):
    partitioned(lab)
    before = ours(lab, "bronze.events")
    dry = answer(lab, "optimize", "--dry-run")["tables"]
    assert (dry[0]["files_removed"], dry[0]["files_added"], dry[0]["partitions"], dry[0]["version"]) == (12, 3, 3, -1)
    assert lab.version("bronze.events") == 3
    done = answer(lab, "optimize", "bronze.events")["tables"][0]
    assert (done["files_removed"], done["files_added"], done["rows"], done["version"]) == (12, 3, 120, 4)
    assert ours(lab, "bronze.events") == theirs(lab, "bronze.events") == by_extension(delta_extension, lab, "bronze.events") == before
    log = [json.loads(x) for x in (lab.table("bronze.events") / "_delta_log" / f"{4:020d}.json").read_text().splitlines()]
    assert {x[a]["dataChange"] for x in log for a in x if a in ("add", "remove")} == {False}
    assert not lab.unreferenced("bronze.events")
    assert answer(lab, "optimize")["tables"][0]["files_removed"] == 0
    assert lab.cupel("optimize").stdout == "nothing to do\n"
    assert lab.version("bronze.events") == 4


def test_optimize_where_takes_some_partitions(lab):
    partitioned(lab)
    done = answer(lab, "optimize", "bronze.events", "--where", "k = 'a'")["tables"][0]
    assert (done["files_removed"], done["files_added"]) == (4, 1)
    assert answer(lab, "optimize", "bronze.events", "--where", "k IS NULL")["tables"][0]["files_removed"] == 4
    assert answer(lab, "optimize", "bronze.events", "--where", "k = 'none such'")["tables"][0]["files_removed"] == 0


@pytest.mark.parametrize("args, says", [
    (["bronze.events", "--where", "v = 1"], "--where \"v = 1\": unknown column 'v'"),
    (["bronze.events", "--zorder-by", "nix"], "--zorder-by: table 'bronze.events' has no column 'nix'"),
    (["bronze.events", "--zorder-by", "k"], "--zorder-by: table 'bronze.events' is partitioned by 'k'"),
    (["bronze.events", "--zorder-by", "id", "--hilbert-by", "v"], "either --zorder-by or --hilbert-by"),
    (["bronze.events", "--target-size", "-1"], "--target-size"),
    (["--zorder-by", "id"], "columns and conditions are a table's"),
    (["bronze.event"], "unknown table 'bronze.event'"),
    (["bronze.events@v1"], "a table is named without a version here"),
])
def test_optimize_refuses(lab, args, says):
    partitioned(lab, 1)
    assert says in lab.cupel("optimize", *args, code=2).stderr


@pytest.mark.parametrize("curve", ["zorder", "hilbert"])
def test_a_curve_narrows_every_column(lab, curve, delta_extension):
    lab.input("bronze.points", "id BIGINT, k VARCHAR, v BIGINT")
    n = 900_000
    table = pa.table({"id": pa.array([i * 7919 % n for i in range(n)]), "v": pa.array([i * 104729 % n for i in range(n)]),
                      "k": pa.array([f"{i * 6101 % n:07d}" if i % 50 else None for i in range(n)])})
    lab.table("bronze.points").mkdir(parents=True)
    deltalake.write_deltalake(str(lab.table("bronze.points")), table.select(["id", "k", "v"]))
    done = answer(lab, "optimize", "bronze.points", f"--{curve}-by", "id,k", "--target-size", "500kB")["tables"][0]
    assert done["rows"] == n and done["files_added"] >= 4
    got = lab.query("SELECT count(*), count(DISTINCT id), count(DISTINCT v), count(k), sum(v) FROM bronze.points")[0]
    assert list(got.values()) == [n, n, n, n - n // 50, n * (n - 1) // 2]
    assert delta_extension.execute(f"SELECT count(DISTINCT id) FROM delta_scan('{lab.table('bronze.points')}')").fetchone() == (n,)
    files = live(lab, "bronze.points")
    for column, width in (("id", lambda lo, hi: (hi - lo) / n), ("k", lambda lo, hi: (int(hi) - int(lo)) / n)):
        widths = sorted(width(f[f"min.{column}"], f[f"max.{column}"]) for f in files)
        assert widths[len(widths) // 2] < 0.75, (column, widths)  # 1 in files that are not sorted
    assert answer(lab, "optimize", "bronze.points", f"--{curve}-by", "id,k")["tables"][0]["files_removed"] == 0


def test_incremental_models_do_not_see_an_optimize(lab):
    lab.input("bronze.events", EVENTS)
    lab.model("silver.copy", "mode: append\nincremental: bronze.events", "SELECT id, k, v FROM bronze.events")
    lab.model("silver.last", "mode: merge\nkey: id\nincremental: bronze.events", "SELECT id, k, v FROM bronze.events")
    for n in range(3):
        lab.write("bronze.events", events(n * 10, 10))
    lab.run()
    lab.write("bronze.events", events(30, 5))
    lab.cupel("optimize")
    tasks = lab.run()
    assert tasks["silver.copy"]["rows"] == tasks["silver.last"]["rows"] == 5
    assert ours(lab, "silver.copy") == ours(lab, "silver.last") == ours(lab, "bronze.events")
    lab.cupel("optimize")
    assert all(t["rows"] == 0 for t in lab.run().values())
    assert len(lab.rows("silver.copy")) == 35


def test_an_optimize_is_no_reason_to_make_a_table_anew(lab):
    lab.input("bronze.events", EVENTS)
    lab.model("gold.sums", "mode: replace", "SELECT k, sum(v)::BIGINT AS v FROM bronze.events GROUP BY k")
    for n in range(3):
        lab.write("bronze.events", events(n * 10, 10))
    lab.run()
    lab.cupel("optimize", "bronze.events")
    assert lab.plan()["gold.sums"]["stale"] is False and lab.run()["gold.sums"]["state"] == "unchanged"
    lab.cupel("restore", "bronze.events@v1")
    assert lab.run()["gold.sums"]["rows"] == 1 and lab.values("gold.sums", "v") == [(1900,)]


def test_optimize_beside_appends_loses_nothing(lab):
    lab.input("bronze.events", EVENTS)
    for n in range(20):
        lab.write("bronze.events", events(n * 10, 10))
    stop = threading.Event()

    def append():
        n = 20
        while not stop.is_set():
            insist(lambda n=n: lab.write("bronze.events", events(n * 10, 10)))
            n += 1

    writer = threading.Thread(target=append)
    writer.start()
    try:
        commits = sum(answer(lab, "optimize")["tables"][0]["version"] >= 0 for _ in range(6))
    finally:
        stop.set()
        writer.join()
    assert commits > 0
    ids = [r["id"] for r in lab.rows("bronze.events")]
    assert sorted(ids) == list(range(len(ids)))


def test_optimize_loses_to_a_writer_of_its_files_and_tries_again(lab):
    """delta-rs deletes rows all the while: each delete replaces the file that an optimize may be reading."""
    lab.input("bronze.events", EVENTS)
    for n in range(10):
        lab.write("bronze.events", events(n * 10, 10))
    stop, gone = threading.Event(), []

    def delete():
        while not stop.is_set() and len(gone) < 90:
            insist(lambda: lab.delta("bronze.events").delete(f"id = {len(gone)}"))
            gone.append(len(gone))

    writer = threading.Thread(target=delete)
    writer.start()
    try:
        for n in range(5):
            lab.cupel("optimize", code=None)
            insist(lambda n=n: lab.write("bronze.events", events(1000 + n * 2, 2)))
    finally:
        stop.set()
        writer.join()
    assert sorted(r["id"] for r in lab.rows("bronze.events")) == [*range(len(gone), 100), *range(1000, 1010)]


@pytest.fixture(scope="module")
def counted():
    """counted(lab, "KILL", n, *args): a command that is killed at the n-th call that changes the disk, or finds it full."""
    library = os.path.join(os.environ.get("CUPEL_BUILD", "build"), "tests/tools/callcount.so")
    if not os.path.exists(library):
        absent(f"{library} is not built")

    def run(lab, what, n, *args):
        env = {"LD_PRELOAD": os.path.abspath(library), f"CALLCOUNT_{what}": str(n), "ASAN_OPTIONS": "verify_asan_link_order=0"}
        return lab.cupel(*args, code=None, env=env)
    return run


@pytest.mark.parametrize("what", ["KILL", "FULL"])
def test_optimize_stopped_anywhere_leaves_the_same_rows(lab, tmp_path, counted, what):
    partitioned(lab)
    want = ours(lab, "bronze.events")
    for n in range(1, 500):
        copy = lab.copy(tmp_path / f"{what}{n}")
        done = counted(copy, what, n, "optimize")
        assert theirs(copy, "bronze.events") == want
        copy.cupel("optimize")
        assert theirs(copy, "bronze.events") == want and len(copy.delta("bronze.events").file_uris()) == 3
        assert not copy.unreferenced("bronze.events"), n
        shutil.rmtree(copy.path)
        if done.returncode == 0:
            break
        assert killed(done) or (what == "FULL" and done.returncode == 8), (done.returncode, done.stderr)
    assert 10 < n < 500


# --- vacuum ---

DAY = 24 * 3600


def age(lab, name, days):
    """Everything about a table as if it had been done that many days earlier."""
    def back(match):
        return f'"{match[1]}":{int(match[2]) - days * DAY * 1000}'
    paths = [*lab.table(name).rglob("*"), lab.table(name)]
    times = [path.stat(follow_symlinks=False).st_mtime for path in paths]
    for path in paths:
        if path.suffix == ".json":
            path.write_text(re.sub(r'"(timestamp|deletionTimestamp|modificationTime)":(\d+)', back, path.read_text()))
    for path, was in zip(paths, times):
        os.utime(path, (was - days * DAY,) * 2, follow_symlinks=False)


def data_files(lab, name):
    return {p.relative_to(lab.table(name)).as_posix() for p in lab.table(name).rglob("*.parquet") if "_delta_log" not in p.parts}


def rewritten(lab):
    """v0..v2 appends, v3 an optimize ten days ago, v4 an append, v5 an optimize now."""
    lab.input("bronze.events", EVENTS, by=["k"])
    for n in range(3):
        lab.write("bronze.events", events(n * 10, 10), partition_by=["k"])
    lab.cupel("optimize")
    age(lab, "bronze.events", 10)
    lab.write("bronze.events", events(30, 10), partition_by=["k"])
    lab.cupel("optimize")


def test_vacuum_takes_what_no_version_within_the_retention_needs(lab, delta_extension):
    rewritten(lab)
    want = {v: lab.rows("bronze.events", v) for v in range(6)}
    before = data_files(lab, "bronze.events")
    assert len(before) == 6
    dry = answer(lab, "vacuum", "--dry-run")["tables"][0]
    assert dry["files_removed"] == 3 and data_files(lab, "bronze.events") == before
    said = lab.cupel("vacuum", "--dry-run").stdout
    assert all(f"bronze.events: {path}\n" in said for path in dry["removed"])
    done = answer(lab, "vacuum", "bronze.events")["tables"][0]
    assert done["removed"] == dry["removed"] and data_files(lab, "bronze.events") == before - set(dry["removed"])
    for v in (3, 4, 5):  # the latest version of seven days ago, and all since
        assert lab.rows("bronze.events", v) == want[v]
        assert len(lab.query(f"SELECT * FROM bronze.events@v{v}")) == len(want[v])
    assert by_extension(delta_extension, lab, "bronze.events") == theirs(lab, "bronze.events")
    assert lab.cupel("vacuum").stdout == "nothing to remove\n"
    left = answer(lab, "vacuum", "--retain", "0s", "--force")["tables"][0]
    assert left["files_removed"] == 2 and len(data_files(lab, "bronze.events")) == 1
    assert lab.rows("bronze.events") == want[5]


def test_vacuum_keeps_to_the_tables_own_retention(lab):
    rewritten(lab)
    lab.delta("bronze.events").alter.set_table_properties({"delta.deletedFileRetentionDuration": "interval 30 days"})
    assert answer(lab, "vacuum")["tables"][0]["files_removed"] == 0
    assert "shorter than the table's 30 days" in lab.cupel("vacuum", "--retain", "20d", code=2).stderr
    lab.delta("bronze.events").alter.set_table_properties({"delta.deletedFileRetentionDuration": "interval 1 days"})
    assert answer(lab, "vacuum", "--retain", "9d", "--dry-run")["tables"][0]["files_removed"] == 3
    assert answer(lab, "vacuum", "--retain", "11 days", "--dry-run")["tables"][0]["files_removed"] == 0
    lab.delta("bronze.events").alter.set_table_properties({"delta.deletedFileRetentionDuration": "interval 2 blue moons"})
    assert "cannot be understood" in lab.cupel("vacuum", code=6).stderr


def test_vacuum_refuses_a_short_retention(lab):
    rewritten(lab)
    said = lab.cupel("vacuum", "--retain", "1d", code=2).stderr
    assert "a retention of 1 day is shorter than the table's 7 days" in said and "--force" in said
    assert "--retain" in lab.cupel("vacuum", "--retain", "soon", code=2).stderr


def test_vacuum_leaves_what_is_not_the_tables(lab, tmp_path):
    """Hidden files, another table inside, what links lead to, and files of writers at work stay; orphans and empty folders go."""
    rewritten(lab)
    table = lab.table("bronze.events")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for path in (table / "_notes" / "x.parquet", table / ".tmp" / "x.parquet", table / "inner" / "_delta_log" / f"{0:020d}.json",
                 table / "inner" / "part-1.parquet", elsewhere / "precious.parquet"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    (table / "link").symlink_to(elsewhere)
    (table / "k=gone" / "deeper").mkdir(parents=True)
    (table / "_change_data").mkdir()
    staged = lab.path / ".cupel" / "staged" / "0123abcd"
    staged.parent.mkdir(parents=True, exist_ok=True)
    journal = staged.open("w")
    journal.write("0 bronze/events\n")
    journal.flush()
    fcntl.flock(journal, fcntl.LOCK_EX)
    for name in ("k=a/part-0123abcd-1.parquet", "k=a/orphan.parquet", "k=gone/deeper/orphan.parquet", "_change_data/cdc.parquet",
                 "deletion_vector_1.bin"):
        (table / name).write_text("x")
    rows = lab.rows("bronze.events")
    age(lab, "bronze.events", 10)
    removed = answer(lab, "vacuum")["tables"][0]["removed"]
    assert {"k=a/orphan.parquet", "k=gone/deeper/orphan.parquet", "_change_data/cdc.parquet", "deletion_vector_1.bin", "k=gone",
            "k=gone/deeper"} <= set(removed)
    assert (elsewhere / "precious.parquet").exists() and (table / "link").is_symlink()
    assert {p.name for p in table.iterdir()} == {"_delta_log", "_notes", ".tmp", "inner", "link", "k=a", "_change_data"}
    assert (table / "k=a" / "part-0123abcd-1.parquet").exists() and (table / "inner" / "part-1.parquet").exists()
    assert lab.rows("bronze.events") == rows
    journal.close()
    lab.cupel("vacuum")  # its writer has died
    assert not (table / "k=a" / "part-0123abcd-1.parquet").exists()


def test_vacuum_of_a_damaged_table_takes_nothing(lab):
    rewritten(lab)
    lost = lab.delta("bronze.events").file_uris()[0]
    os.rename(lost, lost + ".away")
    before = data_files(lab, "bronze.events")
    assert "is damaged: its file" in lab.cupel("vacuum", code=6).stderr
    assert data_files(lab, "bronze.events") == before


def test_vacuum_of_a_shallow_clone_stays_at_home(lab):
    rewritten(lab)
    lab.input("silver.clone", EVENTS)
    source, clone = lab.table("bronze.events"), lab.table("silver.clone")
    shutil.copytree(source / "_delta_log", clone / "_delta_log")
    for path in (clone / "_delta_log").glob("*.json"):
        path.write_text(re.sub(r'"path":"(k=)', rf'"path":"file://{source}/\1', path.read_text()))
    (clone / "orphan.parquet").write_text("x")
    age(lab, "silver.clone", 20)
    before = data_files(lab, "bronze.events")
    assert answer(lab, "vacuum", "silver.clone")["tables"][0]["removed"] == ["orphan.parquet"]
    assert data_files(lab, "bronze.events") == before
    for path in (source / "_delta_log").glob("*.json"):  # files of its own by absolute paths, in two spellings
        path.write_text(re.sub(r'"path":"(k=)', rf'"path":"file://{source}/../events/\1', path.read_text()))
    answer(lab, "vacuum", "bronze.events", "--retain", "0s", "--force")
    assert len(ours(lab, "bronze.events")) == 40


def test_vacuum_stopped_anywhere(lab, tmp_path, counted):
    rewritten(lab)
    want = lab.rows("bronze.events")
    for n in range(1, 50):
        copy = lab.copy(tmp_path / f"v{n}")
        for path in (p for p in lab.path.rglob("*") if not p.is_dir()):
            shutil.copystat(path, copy.path / path.relative_to(lab.path))
        done = counted(copy, "KILL", n, "vacuum")
        assert copy.rows("bronze.events") == want == copy.rows("bronze.events", 5)
        copy.cupel("vacuum")
        assert len(data_files(copy, "bronze.events")) == 3 and copy.rows("bronze.events") == want
        if done.returncode == 0:
            break
        assert killed(done)
    assert 3 < n < 50


def test_vacuum_beside_a_run(lab):
    """The shortest retention there is, again and again, while models write: no file that is being staged is taken."""
    lab.input("bronze.events", EVENTS)
    lab.model("silver.a", "mode: merge\nkey: id\nincremental: bronze.events", "SELECT id, k, v FROM bronze.events")
    lab.model("silver.b", "mode: replace", "SELECT * FROM silver.a")
    lab.write("bronze.events", events(0, 10))
    lab.run()
    stop = threading.Event()

    def vacuum():
        while not stop.is_set():
            lab.cupel("vacuum", "silver.a", "silver.b", "--retain", "0s", "--force")

    cleaner = threading.Thread(target=vacuum)
    cleaner.start()
    try:
        for n in range(1, 6):
            lab.write("bronze.events", events(n * 5, 10))
            lab.run()
    finally:
        stop.set()
        cleaner.join()
    assert ours(lab, "silver.a") == ours(lab, "silver.b") == [(i, "a", i * 10) for i in sorted(range(35), key=lambda i: str((i, "a", i * 10)))]


# --- restore ---


def chain(lab):
    """Three days of input, an append and a merge model over them with a version for each, and a row a day that is held back."""
    lab.input("bronze.events", EVENTS)
    for name, mode in (("silver.log", "append"), ("silver.last", "merge\nkey: k")):
        lab.model(name, f"mode: {mode}\nincremental: bronze.events\npassing: 50%\nchecks:\n  - row: \"v < 1000\"",
                  "SELECT id, k, v FROM bronze.events")
    for n in range(3):
        lab.write("bronze.events", [{"id": i, "k": f"k{i}", "v": i * 10} for i in range(n * 4, n * 4 + 4)] + [{"id": 100 + n, "k": f"bad{n}", "v": 5000}])
        lab.run()


@pytest.mark.parametrize("name", ["silver.log", "silver.last"])
@pytest.mark.parametrize("back_to", [0, 1, 2])
def test_after_a_restore_the_next_run_does_again_what_was_undone(lab, name, back_to, delta_extension):
    chain(lab)
    whole, held = ours(lab, name), lab.rows("quarantine." + name.replace(".", "_"))
    then = sorted(((r["id"], r["k"], r["v"]) for r in lab.rows(name, back_to)), key=str)
    lab.cupel("restore", f"{name}@v{back_to}")
    assert ours(lab, name) == theirs(lab, name) == by_extension(delta_extension, lab, name) == then
    lab.run()
    assert ours(lab, name) == whole
    assert lab.rows("quarantine." + name.replace(".", "_")) == held
    lab.write("bronze.events", events(50, 1, "new"))
    lab.run()
    assert ours(lab, name) == sorted([*whole, (50, "new", 500)], key=str)


def test_a_restored_input_is_read_as_what_changed(lab):
    chain(lab)
    rows = ours(lab, "silver.log")
    lab.cupel("restore", "bronze.events@v1")
    assert len(lab.rows("bronze.events")) == 10
    lab.run()
    assert ours(lab, "silver.log") == rows  # an append never takes back
    lab.cupel("restore", "bronze.events@v2")
    lab.run()
    assert len(ours(lab, "bronze.events")) == 15


def test_restore_tells_first_and_does_exactly_that(lab):
    chain(lab)
    lab.cupel("optimize", "silver.log")
    before = lab.version("silver.log")
    dry = answer(lab, "restore", "silver.log@v1", "--dry-run")
    assert lab.version("silver.log") == before and dry["version"] == -1
    assert (len(dry["files_back"]), len(dry["files_gone"]), dry["files_missing"]) == (2, 1, [])
    assert dry["watermarks"] == {"cupel/silver.log/bronze.events": 1}
    done = answer(lab, "restore", "silver.log@v1")
    assert (done["files_back"], done["files_gone"], done["version"]) == (dry["files_back"], dry["files_gone"], before + 1)
    newest = answer(lab, "history", "silver.log")["history"][0]
    assert (newest["operation"], newest["files_added"], newest["files_removed"]) == ("RESTORE", 2, 1)
    again = answer(lab, "restore", "silver.log@v1")
    assert again["version"] == -1 and lab.version("silver.log") == before + 1
    assert "nothing to do" in lab.cupel("restore", "silver.log@v1").stdout


def test_restore_by_time_brings_schema_and_properties_back(lab):
    lab.input("bronze.events", EVENTS)
    lab.write("bronze.events", events(0, 3))
    age(lab, "bronze.events", 3)
    wider = {**lab.columns["bronze.events"], "extra": pa.string()}
    lab.write("bronze.events", [{"id": 9, "k": "z", "v": 1, "extra": "x"}], columns=wider, schema_mode="merge")
    lab.delta("bronze.events").alter.set_table_properties({"delta.logRetentionDuration": "interval 60 days"})
    yesterday = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)).strftime("%Y-%m-%d")
    lab.cupel("restore", f"bronze.events@{yesterday}")
    table = lab.delta("bronze.events")
    assert [f.name for f in table.schema().fields] == ["id", "k", "v"] and "delta.logRetentionDuration" not in table.metadata().configuration
    assert [r["id"] for r in lab.query("SELECT * FROM bronze.events ORDER BY id")] == [0, 1, 2]
    lab.cupel("restore", "bronze.events@v1")
    assert [r["extra"] for r in lab.query("SELECT * FROM bronze.events ORDER BY id")] == [None, None, None, "x"]


def test_restore_leaves_the_txns_of_others(lab):
    lab.input("bronze.events", EVENTS)
    for n in range(2):
        lab.write("bronze.events", events(n * 3, 3), commit_properties=deltalake.CommitProperties(
            app_transactions=[deltalake.Transaction("spark-stream", n + 7), deltalake.Transaction("cupel/a/b", n + 7)]))
    lab.cupel("restore", "bronze.events@v0")
    table = lab.delta("bronze.events")
    assert table.transaction_version("spark-stream") == 8 and table.transaction_version("cupel/a/b") == 7


def test_restore_refuses_what_a_vacuum_has_taken(lab):
    rewritten(lab)
    lab.cupel("vacuum")
    dry = answer(lab, "restore", "bronze.events@v1", "--dry-run")
    assert len(dry["files_missing"]) == 2
    said = lab.cupel("restore", "bronze.events@v1", code=6).stderr
    assert "version 1 of table 'bronze/events' cannot be restored: 2 of its files are gone: 'k=a/" in said
    assert lab.version("bronze.events") == 5
    lab.cupel("restore", "bronze.events@v3")


@pytest.mark.parametrize("args, code, says", [
    (["bronze.events"], 2, "to which version?"),
    (["bronze.events@v99"], 2, "has no version 99: it has 0 to 5"),
    (["bronze.events@soon"], 2, "neither a version nor a time"),
    (["bronze.nix@v1"], 2, "unknown table 'bronze.nix'"),
])
def test_restore_refuses(lab, args, code, says):
    rewritten(lab)
    assert says in lab.cupel("restore", *args, code=code).stderr


def test_restore_stopped_anywhere(lab, tmp_path, counted):
    rewritten(lab)
    then, now = lab.rows("bronze.events", 3), lab.rows("bronze.events")
    for n in range(1, 50):
        copy = lab.copy(tmp_path / f"r{n}")
        done = counted(copy, "KILL", n, "restore", "bronze.events@v3")
        assert copy.rows("bronze.events") in (then, now)
        copy.cupel("restore", "bronze.events@v3")
        assert copy.rows("bronze.events") == then and copy.version("bronze.events") == 6
        if done.returncode == 0:
            break
        assert killed(done)
    assert 3 < n < 50


# --- diff ---


def people(lab):
    """v0 three rows; v1 one changed in two columns, one removed, two added; v2 another column."""
    lab.input("bronze.people", "id BIGINT, name VARCHAR, born DATE")
    first = [{"id": i, "name": f"n{i}", "born": day(i)} for i in (1, 2, 3)]
    lab.write("bronze.people", first)
    lab.write("bronze.people", [first[0], {"id": 2, "name": "N2", "born": None}, {"id": 4, "name": None, "born": day(4)},
                                {"id": 5, "name": "n5", "born": day(5)}], mode="overwrite")
    wider = {**lab.columns["bronze.people"], "city": pa.string()}
    lab.write("bronze.people", [{"id": 6, "name": "n6", "born": day(6), "city": "Accra"}], columns=wider, schema_mode="merge")


def test_diff_by_key_tells_what_came_went_and_changed(lab):
    people(lab)
    d = answer(lab, "diff", "bronze.people@v0", "bronze.people@v1", "--key", "id")
    assert (d["added"], d["removed"], d["changed"], d["equal"]) == (2, 1, 1, False)
    assert {c["name"]: c["changed"] for c in d["columns"]} == {"id": 0, "name": 1, "born": 1}
    rows = json.loads(lab.cupel("diff", "bronze.people@v0", "bronze.people@v1", "--key", "id", "-o", "json").stdout)
    assert rows == [
        {"change": "added", "id": 4, "columns": None, "before": None, "after": {"name": None, "born": "2026-11-05"}},
        {"change": "added", "id": 5, "columns": None, "before": None, "after": {"name": "n5", "born": "2026-11-06"}},
        {"change": "changed", "id": 2, "columns": ["name", "born"], "before": {"name": "n2", "born": "2026-11-03"},
         "after": {"name": "N2", "born": None}},
        {"change": "removed", "id": 3, "columns": None, "before": {"name": "n3", "born": "2026-11-04"}, "after": None}]
    lines = lab.cupel("diff", "bronze.people@v0", "bronze.people@v1", "-k", "id", "-o", "ndjson", "--limit", 2).stdout.splitlines()
    assert [json.loads(x) for x in lines] == rows[:2]


def test_diff_without_a_key_compares_whole_rows_as_often_as_they_are_there(lab):
    lab.input("bronze.events", EVENTS)
    lab.write("bronze.events", [{"id": 1, "k": "a", "v": 1}] * 3 + [{"id": 2, "k": None, "v": None}])
    lab.write("bronze.events", [{"id": 1, "k": "a", "v": 1}] * 2 + [{"id": 2, "k": None, "v": None}] * 2, mode="overwrite")
    d = answer(lab, "diff", "bronze.events@v0")
    assert (d["added"], d["removed"], d["changed"]) == (1, 1, 0)
    assert lab.cupel("diff", "bronze.events@v0", "-o", "csv").stdout == "change,id,k,v\nadded,2,,\nremoved,1,a,1\n"


def test_diff_tells_schema_and_properties_and_exits_as_asked(lab):
    people(lab)
    lab.delta("bronze.people").alter.set_table_properties({"delta.appendOnly": "false"})
    said = lab.cupel("diff", "bronze.people@v1", "-k", "id").stdout
    assert "bronze.people@v1 -> bronze.people\n  rows         1 added, 0 removed, 0 changed by id\n" in said
    assert "  column +     city string\n" in said and "  property     delta.appendOnly: not set -> false\n" in said
    assert "  read         1 of 3 files\n" in said
    shown = lab.cupel("diff", "bronze.people@v1", "-k", "id", "--limit", 5).stdout
    assert "added " in shown and "Accra" in shown
    lab.cupel("diff", "bronze.people@v1", "--exit-code", code=1)
    same = lab.cupel("diff", "bronze.people@v1", "bronze.people@v1", "--exit-code")
    assert same.stdout == "bronze.people@v1 -> bronze.people@v1: no difference\n"


def test_diff_does_not_read_what_both_have(lab):
    """An optimize moves every row and changes none; files that are gone are no matter if both versions name them."""
    lab.input("bronze.events", EVENTS)
    for n in range(3):
        lab.write("bronze.events", events(n * 3, 3))
    shared_file = lab.delta("bronze.events", 0).file_uris()[0]
    os.rename(shared_file, shared_file + ".away")
    d = answer(lab, "diff", "bronze.events@v1", "bronze.events@v2", "--key", "id")
    assert (d["added"], d["files_read"], d["files"]) == (3, 1, 5)
    os.rename(shared_file + ".away", shared_file)
    lab.cupel("optimize")
    d = answer(lab, "diff", "bronze.events@v2")
    assert d["equal"] and d["files_read"] == 4


def test_diff_of_a_model_knows_its_key(lab):
    lab.input("bronze.events", EVENTS)
    lab.model("silver.last", "mode: merge\nkey: id\nincremental: bronze.events", "SELECT id, k, v FROM bronze.events")
    lab.write("bronze.events", events(0, 5))
    lab.run()
    lab.write("bronze.events", events(3, 4, "new"))
    lab.run()
    d = answer(lab, "diff", "silver.last@v0")
    assert (d["key"], d["added"], d["removed"], d["changed"]) == (["id"], 2, 0, 2)
    assert answer(lab, "diff", "silver.last@v0", "--no-key")["removed"] == 2


def test_diff_of_two_tables(lab):
    lab.input("bronze.events", EVENTS)
    lab.input("bronze.others", "id INTEGER, k VARCHAR, v VARCHAR")
    lab.write("bronze.events", events(0, 3))
    lab.write("bronze.others", [{"id": i, "k": "a", "v": str(i * 10)} for i in range(1, 4)])
    d = answer(lab, "diff", "bronze.events", "bronze.others", "--key", "id")
    assert (d["added"], d["removed"], d["changed"]) == (1, 1, 0)
    elsewhere = lab.table("bronze.others")
    assert answer(lab, "diff", "bronze.events", str(elsewhere), "--key", "id")["added"] == 1


@pytest.mark.parametrize("args, code, says", [
    (["bronze.people"], 2, "is to be compared with what?"),
    (["bronze.people@v0", "--key", "nix"], 2, "has no column 'nix' to compare by"),
    (["bronze.people@v0", "--key", "id", "--no-key"], 2, "either --key or --no-key"),
    (["bronze.people@v0", "-o", "cvs"], 2, "unknown format 'cvs'"),
    (["bronze.people@v7"], 2, "has no version 7"),
    (["bronze.peple@v0"], 2, "unknown table 'bronze.peple'"),
    (["bronze.people@v0", "--key", "k"], 6, "of the key \"k\" more than once"),
])
def test_diff_refuses(lab, args, code, says):
    lab.input("bronze.people", "id BIGINT, k VARCHAR")
    lab.write("bronze.people", [{"id": 1, "k": "a"}])
    lab.write("bronze.people", [{"id": 2, "k": "b"}, {"id": 3, "k": "b"}])
    assert says in lab.cupel("diff", *args, code=code).stderr


# --- prune ---

LOGGED = "id BIGINT, k VARCHAR, seen TIMESTAMPTZ"


def ago(days):
    return datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) - datetime.timedelta(days=days)


def logged(lab, keep="keep: 30 days\nkeep_by: seen"):
    """An append model with rows of 50, 40, 20 and 10 days ago in a file each, and one with an old, a new row and one without a time."""
    lab.input("bronze.events", LOGGED)
    lab.model("silver.log", f"mode: append\nincremental: bronze.events\n{keep}", "SELECT id, k, seen FROM bronze.events")
    for n, days in enumerate((50, 40, 20, 10)):
        lab.write("bronze.events", [{"id": n, "k": "a", "seen": ago(days)}])
        lab.run()
    lab.write("bronze.events", [{"id": 4, "k": "b", "seen": ago(60)}, {"id": 5, "k": "b", "seen": ago(1)}, {"id": 6, "k": "b", "seen": None}])
    lab.run()


def test_prune_takes_old_rows_and_no_others(lab, delta_extension):
    logged(lab)
    dry = answer(lab, "prune", "--dry-run")["tables"]
    assert [(t["table"], t["rows"], t["files_removed"], t["files_rewritten"], t["version"]) for t in dry] == [("silver.log", 3, 2, 1, -1)]
    assert lab.version("silver.log") == 4
    done = answer(lab, "prune", "silver.log")["tables"][0]
    assert (done["rows"], done["column"], done["version"]) == (3, "seen", 5)
    assert sorted(r["id"] for r in lab.rows("silver.log")) == [2, 3, 5, 6]
    got = delta_extension.execute(f"SELECT id FROM delta_scan('{lab.table('silver.log')}') ORDER BY id").fetchall()
    assert got == [(2,), (3,), (5,), (6,)]
    assert not lab.unreferenced("silver.log")
    assert lab.cupel("prune").stdout == "nothing is older than it is kept\n"
    assert len(lab.rows("bronze.events")) == 7  # says no keep
    assert "is kept for ever" in lab.cupel("prune", "bronze.events").stderr
    assert answer(lab, "history", "silver.log")["history"][0]["operation"] == "PRUNE"


def test_models_do_not_see_that_rows_were_pruned(lab):
    logged(lab)
    lab.model("gold.last", "mode: merge\nkey: id\nincremental: silver.log", "SELECT id, k, seen FROM silver.log")
    lab.model("gold.groups", "mode: merge\nkey: k\nincremental: {silver.log: k}", "SELECT k, count(*) AS n FROM silver.log GROUP BY k")
    lab.model("gold.copy", "mode: append\nincremental: silver.log", "SELECT id FROM silver.log")
    lab.run()
    before = lab.tables()
    lab.cupel("prune")
    lab.run()
    after = lab.tables()
    assert all(after[t] == before[t] for t in ("gold.last", "gold.groups", "gold.copy"))
    lab.write("bronze.events", [{"id": 7, "k": "b", "seen": ago(0)}])
    lab.cupel("prune")
    lab.run()
    assert lab.values("gold.copy", "id") == [(n,) for n in range(8)]
    assert sorted(r["id"] for r in lab.rows("gold.last")) == list(range(8))
    assert lab.values("gold.groups", "k", "n") == [("a", 4), ("b", 3)]  # made anew from what there still is


def test_rows_pruned_before_they_were_read_come_no_more_than_once(lab):
    logged(lab)
    lab.model("gold.copy", "mode: append\nincremental: silver.log", "SELECT id FROM silver.log")
    lab.run()
    lab.write("bronze.events", [{"id": 8, "k": "c", "seen": ago(90)}, {"id": 9, "k": "c", "seen": ago(0)}])
    lab.run("-s", "silver.log")
    lab.cupel("prune")
    lab.run()
    assert lab.values("gold.copy", "id") == [(n,) for n in (*range(7), 8, 9)]


def test_prune_by_sequence_by_partition_and_file(lab):
    lab.input("bronze.events", LOGGED)
    lab.model("silver.last", "mode: merge\nkey: id\nsequence_by: seen\nincremental: bronze.events\nkeep: 30 days",
              "SELECT id, k, seen FROM bronze.events")
    lab.model("silver.days", "mode: append\nincremental: bronze.events\nkeep: 30 days\nkeep_by: day\npartition_by: day",
              "SELECT id, seen::DATE AS day FROM bronze.events")
    lab.model("silver.files", "mode: append\nincremental: bronze.events\nkeep: 30 days", "SELECT id, k FROM bronze.events")
    lab.write("bronze.events", [{"id": 1, "k": "a", "seen": ago(50)}, {"id": 2, "k": "a", "seen": ago(5)}])
    lab.run()
    assert {t["table"]: (t["column"], t["rows"]) for t in answer(lab, "prune")["tables"]} == {
        "silver.last": ("seen", 1), "silver.days": ("day", 1), "silver.files": (None, 0)}
    assert lab.values("silver.last", "id") == lab.values("silver.days", "id") == [(2,)]
    age(lab, "silver.files", 31)
    assert answer(lab, "prune", "silver.files")["tables"][0]["rows"] == 2
    assert lab.rows("silver.files") == []


def test_prune_stopped_anywhere(lab, tmp_path, counted):
    logged(lab)
    for n in range(1, 200):
        copy = lab.copy(tmp_path / f"p{n}")
        done = counted(copy, "KILL", n, "prune")
        assert sorted(r["id"] for r in copy.rows("silver.log")) in ([0, 1, 2, 3, 4, 5, 6], [2, 3, 5, 6])
        copy.cupel("prune")
        assert sorted(r["id"] for r in copy.rows("silver.log")) == [2, 3, 5, 6]
        assert not copy.unreferenced("silver.log")
        shutil.rmtree(copy.path)
        if done.returncode == 0:
            break
        assert killed(done)
    assert 5 < n < 200


@pytest.mark.parametrize("keep, says", [
    ("keep: 30 days\nkeep_by: k", "keep_by: column 'k' is neither a time nor a date"),
    ("keep_by: seen", "keep_by has no meaning without 'keep'"),
])
def test_prune_refuses(lab, keep, says):
    lab.input("bronze.events", LOGGED)
    lab.write("bronze.events", [{"id": 1, "k": "a", "seen": ago(50)}])
    lab.model("silver.log", f"mode: append\n{keep}", "SELECT id, k, seen FROM bronze.events")
    ran = lab.cupel("run", "-s", "silver.log", code=None)
    assert says in ran.stderr + lab.cupel("prune", code=None).stderr


def test_a_table_that_is_only_appended_to_is_optimized_and_not_pruned(lab):
    logged(lab)
    lab.delta("silver.log").alter.set_table_properties({"delta.appendOnly": "true"})
    assert answer(lab, "optimize", "silver.log")["tables"][0]["files_removed"] == 5
    assert "may only be appended to" in lab.cupel("prune", "silver.log", code=6).stderr


# --- the log ---


def long_log(lab, old=7, new=5, checkpoints=(2, 5)):
    lab.input("bronze.events", EVENTS)
    for n in range(old):
        lab.write("bronze.events", events(n, 1), post_commithook_properties=deltalake.PostCommitHookProperties(
            create_checkpoint=False, cleanup_expired_logs=False))
        if n in checkpoints:
            lab.delta("bronze.events").create_checkpoint()
    age(lab, "bronze.events", 40)
    for n in range(old, old + new):
        lab.write("bronze.events", events(n, 1), post_commithook_properties=deltalake.PostCommitHookProperties(
            create_checkpoint=False, cleanup_expired_logs=False))


def log_names(lab, name="bronze.events"):
    return sorted(p.name for p in (lab.table(name) / "_delta_log").iterdir())


def test_vacuum_cleans_up_the_log_and_keeps_what_the_retention_needs(lab, delta_extension):
    long_log(lab)
    (lab.table("bronze.events") / "_delta_log" / ".00000000000000000003.json.0123.tmp").write_text("x")
    age(lab, "bronze.events", 2)
    before = log_names(lab)
    dry = answer(lab, "vacuum", "--dry-run")["tables"][0]
    assert dry["log_first"] == 5 and log_names(lab) == before
    assert dry["log_removed"] == [n for n in before if n.startswith(".") or (n[0] == "0" and int(n[:20]) < 5)]
    done = answer(lab, "vacuum")["tables"][0]
    assert done["log_removed"] == dry["log_removed"] and log_names(lab) == sorted(set(before) - set(dry["log_removed"]))
    for v in range(5, 12):  # version 6 was in force when the retention began
        assert len(lab.rows("bronze.events", v)) == v + 1 == len(lab.query(f"SELECT * FROM bronze.events@v{v}"))
    assert "it has 5 to 11" in lab.query("SELECT * FROM bronze.events@v4", code=2)
    assert len(by_extension(delta_extension, lab, "bronze.events")) == 12
    assert answer(lab, "vacuum")["tables"][0]["log_removed"] == []


@pytest.mark.parametrize("properties, kept", [({"delta.enableExpiredLogCleanup": "false"}, True),
                                              ({"delta.logRetentionDuration": "interval 60 days"}, True),
                                              ({"delta.logRetentionDuration": "interval 30 days"}, False)])
def test_the_log_is_kept_as_the_table_says(lab, properties, kept):
    long_log(lab)
    lab.delta("bronze.events").alter.set_table_properties(properties)
    answer(lab, "vacuum")
    assert (f"{0:020d}.json" in log_names(lab)) == kept


def test_no_checkpoint_no_clean_up(lab):
    long_log(lab, checkpoints=())
    assert answer(lab, "vacuum")["tables"][0]["log_removed"] == []
    lab.delta("bronze.events").create_checkpoint()  # too young: older versions within the retention begin before it
    assert answer(lab, "vacuum")["tables"][0]["log_removed"] == []


def test_commits_stay_when_the_checkpoint_is_damaged(lab):
    long_log(lab)
    path = lab.table("bronze.events") / "_delta_log" / f"{5:020d}.checkpoint.parquet"
    was = path.stat().st_mtime
    path.write_bytes(path.read_bytes()[:200])
    os.utime(path, (was, was))
    before = log_names(lab)
    assert "the log is not cleaned up" in lab.cupel("vacuum", code=None).stderr
    assert log_names(lab) == before
    assert len(lab.rows("bronze.events", 4)) == 5


def test_commits_clean_up_the_log_now_and_then(lab):
    """After each tenth checkpoint; incremental models go on as if nothing had happened."""
    lab.input("bronze.events", EVENTS)
    lab.model("silver.copy", "mode: append\nincremental: bronze.events\nproperties:\n  delta.checkpointInterval: '1'",
              "SELECT id, k, v FROM bronze.events")
    for n in range(12):
        lab.write("bronze.events", events(n, 1))
        if n == 6:
            age(lab, "silver.copy", 40)
        lab.run()
    names = log_names(lab, "silver.copy")
    assert names[0].startswith(f"{5:020d}"), names
    assert lab.values("silver.copy", "id") == [(n,) for n in range(12)]


# --- show and history ---


def test_show_tells_what_a_table_is_made_of(lab):
    partitioned(lab)
    lab.delta("bronze.events").alter.set_table_properties({"delta.logRetentionDuration": "interval 60 days"})
    shown = answer(lab, "show", "bronze.events")
    assert (shown["rows"], shown["files"], shown["partitions"], shown["small_file_ratio"], shown["small_files"]) == (120, 12, 3, 1.0, 12)
    assert shown["properties"] == {"delta.logRetentionDuration": "interval 60 days"} and shown["version"] == 4
    assert shown["bytes"] == sum(f["size_bytes"] for f in live(lab, "bronze.events"))
    said = lab.cupel("show", "bronze.events").stdout
    assert "  partitions   k (3)\n" in said and "; 100 % of them under 16 MB\n" in said and "  protocol     reader 1, writer 2" in said


def test_history_tells_what_each_commit_was_asked_for(lab):
    partitioned(lab, 2)
    lab.cupel("optimize", "bronze.events", "--where", "k = 'a'")
    lab.delta("bronze.events").delete("id = 3")
    ours = answer(lab, "history", "bronze.events")["history"]
    others = lab.delta("bronze.events").history()
    assert [(h["version"], h["operation"]) for h in ours] == [(h["version"], h["operation"]) for h in others]
    assert ours[1]["parameters"]["predicate"] == "k = 'a'" and ours[1]["data_change"] is False and ours[1]["read_version"] == 1
    assert ours[1]["metrics"] == {"numAddedFiles": "1", "numRemovedFiles": "2"} and ours[1]["isolation"] == "WriteSerializable"
    assert ours[0]["data_change"] is True and ours[0]["bytes_removed"] > 0
    said = lab.cupel("history", "bronze.events", "--limit", 2).stdout
    assert "predicate k = 'a'" in said and said.count("\n") == 3


# --- deletion vectors and the change data feed ---


def vectored(lab, feed=False):
    """v0 forty rows in a file, v1 twenty more, v2 and v3 deletes of three rows each, marked in deletion vectors."""
    lab.input("bronze.events", EVENTS)
    more = "\n  delta.enableChangeDataFeed: 'true'" if feed else ""
    lab.model("silver.t", f"mode: append\nincremental: bronze.events\nproperties:\n  delta.enableDeletionVectors: 'true'{more}",
              "SELECT id, k, v FROM bronze.events")
    for first, n in ((0, 40), (40, 20)):
        lab.write("bronze.events", events(first, n))
        lab.run()
    for first in (3, 41):
        lab.cupel("delete", "silver.t", "--where", f"id BETWEEN {first} AND {first + 2}")


def ids(lab, name, version=""):
    return [r["id"] for r in lab.query(f"SELECT id FROM {name}{version} ORDER BY id")]


STATES = [list(range(40)), list(range(60)), [i for i in range(60) if not 3 <= i <= 5],
          [i for i in range(60) if not 3 <= i <= 5 and not 41 <= i <= 43]]


def vectors(lab, name):
    return sorted(p.name for p in lab.table(name).glob("deletion_vector_*.bin"))


def test_optimize_writes_rows_without_the_deleted_ones(lab, delta_extension):
    vectored(lab)
    assert ids(lab, "silver.t") == STATES[3] and answer(lab, "show", "silver.t")["deleted_rows"] == 6
    done = answer(lab, "optimize", "silver.t")["tables"][0]
    assert (done["files_removed"], done["files_added"], done["rows"]) == (2, 1, 54)
    shown = answer(lab, "show", "silver.t")
    assert (shown["rows"], shown["deleted_rows"], shown["files_with_vectors"]) == (54, 0, 0)
    assert ids(lab, "silver.t") == STATES[3]
    assert delta_extension.execute(f"SELECT count(*) FROM delta_scan('{lab.table('silver.t')}')").fetchone() == (54,)
    assert answer(lab, "optimize", "silver.t")["tables"][0]["files_removed"] == 0
    for v in range(4):
        assert ids(lab, "silver.t", f"@v{v}") == STATES[v]


def test_a_lone_file_with_a_vector_is_written_again(lab):
    vectored(lab)
    lab.cupel("optimize", "silver.t")
    lab.cupel("delete", "silver.t", "--where", "id = 7")
    assert answer(lab, "optimize", "silver.t")["tables"][0]["files_removed"] == 1
    assert answer(lab, "show", "silver.t")["files_with_vectors"] == 0 and 7 not in ids(lab, "silver.t")


def test_restore_and_diff_know_vectors(lab, delta_extension):
    vectored(lab)
    d = answer(lab, "diff", "silver.t@v1", "silver.t@v3", "--key", "id")
    assert (d["added"], d["removed"], d["changed"]) == (0, 6, 0)
    d = answer(lab, "diff", "silver.t@v1", "silver.t@v2", "--key", "id")
    assert (d["removed"], d["files_read"], d["files"]) == (3, 2, 4)
    for v in (2, 0, 3, 1):
        lab.cupel("restore", f"silver.t@v{v}")
        assert ids(lab, "silver.t") == STATES[v]
        n = len(STATES[v])
        assert delta_extension.execute(f"SELECT count(*) FROM delta_scan('{lab.table('silver.t')}')").fetchone() == (n,)
    lab.run()
    assert ids(lab, "silver.t") == STATES[1]


def test_vacuum_knows_vectors_and_the_change_feed(lab):
    vectored(lab, feed=True)
    assert len(vectors(lab, "silver.t")) == 2
    changes = list((lab.table("silver.t") / "_change_data").rglob("*.parquet"))
    assert changes
    answer(lab, "vacuum", "silver.t", "--retain", "0s", "--force", "--dry-run")
    lab.cupel("optimize", "silver.t")
    age(lab, "silver.t", 6)
    answer(lab, "vacuum", "silver.t")
    assert len(vectors(lab, "silver.t")) == 2 and ids(lab, "silver.t", "@v3") == STATES[3]
    age(lab, "silver.t", 2)
    removed = answer(lab, "vacuum", "silver.t")["tables"][0]["removed"]
    assert vectors(lab, "silver.t") == [] and len(data_files(lab, "silver.t")) == 1
    assert {p.relative_to(lab.table("silver.t")).as_posix() for p in changes} <= set(removed)
    assert ids(lab, "silver.t") == STATES[3]


def test_prune_of_rows_beside_deleted_ones(lab):
    lab.input("bronze.events", LOGGED)
    lab.model("silver.t", "mode: append\nincremental: bronze.events\nkeep: 30 days\nkeep_by: seen\nproperties:\n"
              "  delta.enableDeletionVectors: 'true'", "SELECT id, k, seen FROM bronze.events")
    lab.write("bronze.events", [{"id": n, "k": "a", "seen": ago(50 - n * 4)} for n in range(12)])
    lab.run()
    lab.cupel("delete", "silver.t", "--where", "id IN (0, 9)")
    done = answer(lab, "prune", "silver.t")["tables"][0]
    assert (done["rows"], done["files_rewritten"]) == (5, 1)
    assert ids(lab, "silver.t") == [6, 7, 8, 10, 11]
