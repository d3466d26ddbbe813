"""`cupel run` merges into a table while delta-rs appends and merges there: nothing is lost, nothing is doubled, and a run that
cannot go on says that it met another writer."""
import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import small_lake as lake
from lab import Lab, by_delta_rs

# The rows of delta-rs: ids from 1000 on, added; and 500, merged again and again.
OTHERS = """
import os, sys, time
import deltalake, pyarrow as pa
table, stop = sys.argv[1:]
def rows(i, v):
    return pa.table({"id": pa.array([i], pa.int64()), "v": pa.array([v], pa.int64()), "s": pa.array(["theirs"])})
def insist(write):
    for attempt in range(1000):
        try:
            return write()
        except deltalake.exceptions.CommitFailedError:
            pass
    raise SystemExit("never came through")
def merge(seq):
    t = deltalake.DeltaTable(table)
    t.merge(rows(500, seq), "t.id = s.id", source_alias="s", target_alias="t").when_matched_update_all().when_not_matched_insert_all().execute()
seq = 0
while not os.path.exists(stop):
    seq += 1
    insist(lambda: deltalake.write_deltalake(table, rows(1000 + seq, seq), mode="append"))
    insist(lambda: merge(seq))
    print(seq, flush=True)
    time.sleep(0.2)
"""


def ours(n):
    """The new key of a run: every other time theirs lie between it and the old ones, so that theirs may be what it has read."""
    return 100 + n if n % 2 else 100_000 + n


def test_a_run_merges_beside_delta_rs(tmp_path, cupel_bin):
    lab = Lab(tmp_path / "lab", cupel_bin)
    lab.input("bronze.e", "id BIGINT, v BIGINT, s VARCHAR")
    # It takes its time, so that others come between.
    lab.model("silver.t", "mode: merge\nkey: id\nincremental: bronze.e",
              "SELECT * FROM bronze.e WHERE (SELECT sum(hash(i)) FROM range(3000000) AS t(i)) > 0")
    lab.write("bronze.e", [{"id": i, "v": 0, "s": "ours"} for i in range(10)])
    lab.run()
    stop, least, most, runs, attempts, lost = tmp_path / "stop", 100 if lake.LONG else 10, 100, 0, 0, 0
    other = subprocess.Popen([sys.executable, "-c", OTHERS, str(lab.table("silver.t")), str(stop)], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout.readline() == "1\n"
        while runs < least or (attempts == runs and runs < most):  # until one has met another writer's commit
            runs += 1
            lab.write("bronze.e", [{"id": i, "v": runs, "s": "ours"} for i in (runs % 10, ours(runs))])
            done = lab.cupel("--json", "run", "--exclude", "tag:outside", code=None)
            attempts += max(json.loads(x).get("attempts", 0) for x in done.stdout.splitlines())
            if done.returncode:
                lost += 1
                said = json.loads(done.stderr)
                assert done.returncode == 7 and said["kind"] == "conflict" and "meanwhile" in said["error"], done.stderr
                assert "others commit to this table faster" in said["hint"]
        stop.touch()
        theirs = int(other.stdout.read().split()[-1])
        assert other.wait(timeout=60) == 0
    finally:
        other.kill()
    lab.run()
    want = {i: (max([r for r in range(1, runs + 1) if r % 10 == i], default=0), "ours") for i in range(10)}
    want |= {ours(r): (r, "ours") for r in range(1, runs + 1)}
    want |= {1000 + seq: (seq, "theirs") for seq in range(1, theirs + 1)} | {500: (theirs, "theirs")}
    rows = by_delta_rs(lab.table("silver.t"))
    assert {r["id"]: (r["v"], r["s"]) for r in rows} == want
    assert len(rows) == len(want) and rows and lab.query("SELECT count(*) AS n FROM silver.t") == [{"n": len(want)}]
    print(f"{runs} runs in {attempts} attempts, {lost} lost their race; theirs {theirs}")
    assert lost < runs < attempts
    history = [v["engineInfo"] if "engineInfo" in v else "" for v in lab.delta("silver.t").history()]
    by = "".join("o" if "cupel" in e else "t" for e in history)
    assert "to" in by and "ot" in by, f"nobody met: {by}"
    assert not [f for f in lab.unreferenced("silver.t") if not f.startswith("part-00000-")]  # theirs leave theirs
