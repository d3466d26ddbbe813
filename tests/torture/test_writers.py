"""Many processes write to one table and are killed at random: every commit that was acknowledged is there, once; the
versions are dense; delta-rs and DuckDB's delta extension read the same rows. Then with delta-rs as one of the writers.

CUPEL_TORTURE=long: 8 processes with 500 commits each; else 4 with 40."""
import importlib.util
import json
import os
import pathlib
import random
import subprocess
import sys
import threading
import time

import pytest

import killing
import small_lake as lake

deltalake = pytest.importorskip("deltalake")
pa = pytest.importorskip("pyarrow")
duckdb = pytest.importorskip("duckdb")

SEED = int(os.environ.get("CUPEL_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 30)
WRITERS, COMMITS, KILLS, TO_KILL = (8, 500, 15, 50) if lake.LONG else (4, 40, 4, 10)


class Writer(threading.Thread):
    """lake_writer on its steps, killed and started again so many times; on and on while `others` are at work."""

    def __init__(self, table, template, name, last, more, dice, kills=0, to_kill=0, others=()):
        super().__init__()
        self.name, self.more, self.kills, self.to_kill, self.others = name, more, kills, to_kill, others
        self.command = [str(lake.TOOLS / "lake_writer"), str(table), str(template), name]
        self.lives = killing.Lives(self.start_steps, last, dice)
        self.begun = threading.Event()

    def start_steps(self, first, last):
        return subprocess.Popen([*self.command, str(first), str(last), *self.more], env=lake.environment(), stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)

    def run(self):
        while not self.lives.error:
            self.lives.run(self.kills, self.to_kill)
            self.begun.set()
            if all(p.poll() is not None for p in self.others):
                return
            self.lives.last += 50


def by_delta_rs(table):
    t = deltalake.DeltaTable(str(table)).to_pyarrow_table().select(["v", "writer", "seq"])
    return sorted(tuple(r.values()) for r in t.to_pylist())


def by_duckdb(table):
    spec = importlib.util.find_spec("duckdb_extension_delta")
    if not spec:
        lake.absent("duckdb-extension-delta is not installed")
    extension = next(pathlib.Path(list(spec.submodule_search_locations)[0]).rglob("delta.duckdb_extension"))
    con = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    con.load_extension(str(extension))
    return sorted(con.execute("SELECT v, writer, seq FROM delta_scan(?)", [str(table)]).fetchall())


def txns_of_versions(table):
    """{version: [(app, version)]} of every commit; dense from 0."""
    found = {}
    for path in sorted((table / "_delta_log").glob("[0-9]*.json")):
        if path.stem.isdigit():
            txns = [json.loads(line).get("txn") for line in path.read_text().splitlines()]
            found[int(path.stem)] = [(t["appId"], t["version"]) for t in txns if t]
    assert sorted(found) == list(range(len(found)))
    return found


def check(table, writers, others=()):
    """Every acknowledged commit is in the version it was said to be, and nowhere else; and so are the rows."""
    said = {}
    for version, txns in txns_of_versions(table).items():
        for txn in txns:
            assert txn not in said, f"{txn} is in versions {said[txn]} and {version}"
            said[txn] = version
    want = list(others)
    for w in writers:
        last = w.lives.last
        assert not w.lives.error, w.lives.error
        for seq, version in w.lives.acks.items():
            assert said[(f"writer-{w.name}", seq)] == version
        assert [s for a, s in said if a == f"writer-{w.name}"] == list(range(1, last + 1))
        want += [(7, w.name, seq) for seq in ([last] if "rewrite" in w.more else range(1, last + 1))]
    _, files, _ = lake.slow_state(table)
    assert len(files) >= len(writers)
    shown = lake.show(table)
    assert {f["path"] for f in shown["files"]} == set(files)
    assert by_delta_rs(table) == sorted(want)
    assert by_duckdb(table) == sorted(want)


@pytest.fixture
def table(tmp_path):
    lake.need_tools()
    lake.create(tmp_path / "table")
    return tmp_path / "table"


def test_writers_that_are_killed(table, tmp_path):
    print(f"seed {SEED}")
    template = lake.template(tmp_path)
    began = time.monotonic()
    writers = [Writer(table, template, f"w{n}", COMMITS, ["rewrite"] if n % 4 == 3 else [], random.Random(SEED + n),
                      KILLS, TO_KILL) for n in range(WRITERS)]
    for w in writers:
        w.start()
    for w in writers:
        w.join()
    seconds = time.monotonic() - began
    check(table, writers)
    print(f"{WRITERS} x {COMMITS} commits in {seconds:.1f} s, {sum(w.lives.kills for w in writers)} kills, "
          f"{sum(len(w.lives.acks) for w in writers)} acknowledged")


RS_WRITER = """
import sys, deltalake, pyarrow as pa
table, name, last = sys.argv[1], sys.argv[2], int(sys.argv[3])
def row(v, seq):
    return pa.table({"v": pa.array([v], pa.int64()), "writer": [name], "seq": pa.array([seq], pa.int64())})
print("ready", flush=True)
sys.stdin.readline()
for seq in range(1, last + 1):
    for attempt in range(200):
        try:
            if name == "append":
                deltalake.write_deltalake(table, row(7, seq), mode="append")
            else:
                t = deltalake.DeltaTable(table)
                (t.merge(row(seq, 1), "t.writer = 'merge' AND t.writer = s.writer AND t.seq = s.seq", source_alias="s", target_alias="t")
                 .when_matched_update_all().when_not_matched_insert_all().execute())
            break
        except deltalake.exceptions.CommitFailedError:
            pass
    else:
        raise SystemExit("never came through")
"""


def test_delta_rs_writes_at_the_same_time(table, tmp_path):
    """It appends and merges; ours append and rewrite."""
    print(f"seed {SEED}")
    template = lake.template(tmp_path)
    theirs = 150 if lake.LONG else 10
    others = [subprocess.Popen([sys.executable, "-c", RS_WRITER, str(table), name, str(theirs)], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True) for name in ("append", "merge")]
    assert [p.stdout.readline() for p in others] == ["ready\n", "ready\n"]
    writers = [Writer(table, template, f"w{n}", 20, ["rewrite"] if n == 1 else [], random.Random(SEED + n), others=others)
               for n in range(2)]
    for w in writers:
        w.start()
    for w in writers:
        assert w.begun.wait(60)
    for p in others:
        p.stdin.close()
    assert [p.wait(timeout=600) for p in others] == [0, 0]
    for w in writers:
        w.join()
    by = "".join("o" if any(a.startswith("writer-") for a, _ in txns) else "t" for txns in txns_of_versions(table).values())
    assert "o" in by.strip("o"), f"nobody met: {by}"
    check(table, writers, [(7, "append", seq) for seq in range(1, theirs + 1)] + [(theirs, "merge", 1)])
