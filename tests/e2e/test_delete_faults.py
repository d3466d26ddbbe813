"""A merge with deletion vectors and a change data feed, and a delete: calls on the table's folder fail in turn, or the
process ends there. The table then reads as before or as after, and the same once more brings it there, with nothing
left behind. CUPEL_TORTURE=long tries every call."""
import json
import os
import pathlib
import shutil
import signal

import pytest
from lab import Lab

TOOL = pathlib.Path(os.environ.get("CUPEL_BUILD", pathlib.Path(__file__).resolve().parents[2] / "build")).resolve() / "tests/tools/callcount.so"
MODES = {"error": "CALLCOUNT_FAIL", "full disk": "CALLCOUNT_FULL", "crash": "CALLCOUNT_KILL"}
COMMANDS = {"merge": ["run", "-s", "silver.t"], "delete": ["delete", "silver.t", "--where", "id % 10 = 3 OR id >= 90"]}
POINTS = 10


@pytest.fixture(scope="module")
def world(tmp_path_factory, cupel_bin):
    if not TOOL.exists():
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"{TOOL} is not built")
    lab = Lab(tmp_path_factory.mktemp("faults") / "lab", cupel_bin)
    lab.input("bronze.e", "id BIGINT, v BIGINT")
    lab.model("silver.t", """mode: merge
key: id
incremental: bronze.e
properties: {delta.enableDeletionVectors: true, delta.enableChangeDataFeed: true}""", "SELECT * FROM bronze.e")
    for ids in (range(90), range(90, 100)):
        lab.write("bronze.e", [{"id": i, "v": 0} for i in ids])
        lab.run()
    lab.write("bronze.e", [{"id": i, "v": 1} for i in [*range(0, 90, 10), *range(90, 98), 200]])
    return lab


def rows(lab):
    return [(r["id"], r["v"]) for r in lab.query("SELECT id, v FROM silver.t ORDER BY id")]


def preload(table, **more):
    return {"LD_PRELOAD": str(TOOL), "CALLCOUNT_UNDER": str(table), **more,
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}


def left_over(lab):
    """Data files and files of the feed that no commit names; and how many files of vectors there are too many."""
    table, named, vectors = lab.table("silver.t"), set(), 0
    for log in (table / "_delta_log").glob("*.json"):
        adds = [a["add"] for a in map(json.loads, log.read_text().splitlines()) if "add" in a]
        named |= {a["path"] for a in adds}
        named |= {a["cdc"]["path"] for a in map(json.loads, log.read_text().splitlines()) if "cdc" in a}
        vectors += any("deletionVector" in a for a in adds)
    files = {p.relative_to(table).as_posix() for p in table.rglob("*.parquet") if "_delta_log" not in p.parts}
    return files - named, len(list(table.glob("deletion_vector_*"))) - vectors


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("what", COMMANDS)
def test_any_call_may_fail(world, tmp_path, what, mode):
    old, command = rows(world), COMMANDS[what]
    whole = world.copy(tmp_path / "whole")
    tell = tmp_path / "tell"
    whole.cupel(*command, env=preload(whole.table("silver.t"), CALLCOUNT_TELL=str(tell)))
    new, n = rows(whole), int(tell.read_text())
    assert new != old and n > 15 and left_over(whole) == (set(), 0)
    stride = 1 if os.environ.get("CUPEL_TORTURE") == "long" else 1 + n // POINTS
    ends = set()
    for at in range(1, n + 1, stride):
        lab = world.copy(tmp_path / "lab")
        label = f"{what}, {mode} at call {at} of {n}"
        done = lab.cupel(*command, code=None, env=preload(lab.table("silver.t"), **{MODES[mode]: str(at)}))
        assert done.returncode in ((0, -signal.SIGKILL) if mode == "crash" else (0, 6, 8)), f"{label}: {done.stderr}"
        got = rows(lab)
        assert got in (old, new), label
        if done.returncode == 0:
            assert got == new, label
        ends.add(done.returncode)
        lab.cupel(*command)
        assert rows(lab) == new, f"{label}, and once more"
        assert left_over(lab) == (set(), 0), label
        shutil.rmtree(lab.path)
    assert len(ends) > 1 or 0 not in ends
