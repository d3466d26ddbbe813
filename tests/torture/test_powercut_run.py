"""The power goes at any moment of a whole `cupel run`: what it said was done is there, and the next run ends with the tables
that one without a power cut would have made.

CUPEL_TORTURE=long looks at more of the disks that powercut.py can think of."""
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import powercut
import small_lake as lake
from lab import Lab, by_delta_rs, canonical

SEED = int(os.environ.get("CUPEL_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 30)
VOLATILE = ["run_id", "started_at", "finished_at", "resumed", "retries", "bytes", "problems"]


def start(lab, **traced):
    args = ["--json", "run", *lab.args, "--now", "2026-11-21T06:00:00Z"]
    return subprocess.run([lab.bin, "-C", str(lab.path), *args], env={**lake.environment(**traced), **(lab.env or {})},
                          capture_output=True, text=True, timeout=300)


def traced(lab, file):
    """What a run does to the project's folder."""
    trace = powercut.Trace(lab.path, [])
    done = start(lab, preload="disktrace.so", DISKTRACE=file, DISKTRACE_UNDER=lab.path)
    assert done.returncode == 0, done.stderr
    for line in file.read_text().splitlines():
        trace.take(line.split())
    return trace


class Models(Lab):
    args = ["--exclude", "tag:outside"]


class Movies(Lab):
    """The shipped project, a page of its API."""
    args = ["--pages", "1"]

    def __init__(self, folder, cupel_bin, env):
        self.path, self.bin, self.env = folder, cupel_bin, env


def tables(lab):
    """Every table as delta-rs finds it, without what each run has of its own."""
    found = sorted((lab.path / "lake").glob("**/_delta_log"))
    return {log.parent.relative_to(lab.path / "lake").as_posix().replace("/", "."):
            canonical({c: v for c, v in r.items() if c not in VOLATILE} for r in by_delta_rs(log.parent)) for log in found}


def acknowledged(text):
    """The commits that the run has spoken of: (table, version)."""
    events = [json.loads(line) for line in text.splitlines() if line.endswith("}")]
    return {(x["task"], x["version"]) for x in events if x.get("event") == "task" and x["state"] == "done" and x.get("version", -1) >= 0}


def cut_everywhere(lab, trace, want, disks):
    """Lays out so many of the disks that a power cut may leave, each at a step of its own, and runs again on each."""
    dice = random.Random(SEED)
    steps = sorted(dice.sample(range(-1, trace.steps), min(disks, trace.steps + 1)))
    for step in steps:
        label = f"seed {SEED}: the power goes behind step {step} of {trace.steps}"
        state = trace.any_cut(step, dice)
        shutil.rmtree(lab.path)
        powercut.lay_out(state, str(lab.path), lab.path)
        for table, version in acknowledged(trace.said_before(step)):
            commit = lab.table(table) / "_delta_log" / f"{version:020}.json"
            assert commit.exists() and commit.stat().st_size, f"{label}: {table} was acknowledged"
        done = start(lab)
        assert done.returncode == 0, f"{label}\n{done.stdout}\n{done.stderr}"
        got = tables(lab)
        assert got.keys() == want.keys(), label
        for table in want:
            assert got[table] == want[table], f"{label}: {table}"


def test_the_power_goes_during_a_run_of_models(tmp_path, cupel_bin):
    lake.need_tools()
    print(f"seed {SEED}")
    lab = Models(tmp_path / "lab", cupel_bin)
    lab.input("bronze.e", "id BIGINT, v BIGINT, s VARCHAR")
    lab.model("silver.m", """mode: merge
key: id
incremental: bronze.e
properties: {delta.enableDeletionVectors: true, delta.checkpointInterval: 2, delta.enableChangeDataFeed: true}
checks:
  - row: v >= 0
passing: 10%""", "SELECT * FROM bronze.e QUALIFY row_number() OVER (PARTITION BY id ORDER BY v DESC) = 1")
    lab.model("silver.a", "mode: append\nincremental: bronze.e\nproperties: {delta.columnMapping.mode: name}", "SELECT id, v * 2 AS w FROM bronze.e")
    lab.model("silver.p", "mode: partitions\npartition_by: [s]\nincremental: silver.m",
              "SELECT s, count(*) AS n, sum(v)::BIGINT AS v FROM silver.m GROUP BY s")
    lab.model("gold.all", "mode: replace", "SELECT p.s, p.n, count(a.id) AS m FROM silver.p AS p, silver.a AS a GROUP BY ALL")
    lab.write("bronze.e", [{"id": i, "v": i, "s": "xyz"[i % 3]} for i in range(30)] + [{"id": 99, "v": -1, "s": "x"}])
    assert start(lab).returncode == 0
    lab.write("bronze.e", [{"id": i, "v": i + 100, "s": "xyz"[i % 3]} for i in range(5, 9)] + [{"id": 98, "v": -1, "s": "x"}, {"id": 50, "v": 1}])
    lab.copy(tmp_path / "copy")
    again = Models(tmp_path / "copy", cupel_bin)
    assert start(again).returncode == 0
    trace = traced(lab, tmp_path / "trace")
    want = tables(again)
    assert tables(lab) == want and len(want["quarantine.silver_m"]) == 2
    assert len(acknowledged(trace.said_before(trace.steps))) == 4
    cut_everywhere(lab, trace, want, 400 if lake.LONG else 40)


def test_the_power_goes_during_an_extraction(tmp_path, cupel_bin, make_project, standin):
    """From the API's answers to the last model. What came in and was not safe yet is asked for again."""
    lake.need_tools()
    print(f"seed {SEED}")
    env = {k: v for k, v in standin("--key", "k").env().items() if k.startswith("TMDB_")}
    want = Movies(make_project(tmp_path / "want"), cupel_bin, env)
    assert start(want).returncode == 0
    lab = Movies(make_project(tmp_path / "movies"), cupel_bin, env)
    trace = traced(lab, tmp_path / "trace")
    cut_everywhere(lab, trace, tables(want), 200 if lake.LONG else 6)
