"""The power goes at any moment of a commit or a checkpoint: what was acknowledged is there in full, anything else is there
whole or not at all, nothing torn is taken for a version, and the next attempt succeeds.

CUPEL_TORTURE=long looks at every disk that powercut.py can think of; else at a sample of them."""
import json
import os
import random
import shutil

import pytest

import small_lake as lake
import powercut

SEED = int(os.environ.get("CUPEL_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 30)
# Name: version before, further arguments, disks to look at in the short run.
STEPS = {
    "creation": (None, [], 120),
    "append": (0, [], 150),
    "append with a checkpoint": (9, [], 60),
    "append behind a checkpoint": (11, [], 40),
    "rewrite with a checkpoint behind one": (19, ["rewrite"], 50),
}


def trace(table, command, file, engine):
    before = powercut.Trace(table, [])
    done = lake.run(*command, engine=engine, preload="disktrace.so", DISKTRACE=file, DISKTRACE_UNDER=table)
    assert done.returncode == 0, done.stderr
    for line in file.read_text().splitlines():
        before.take(line.split())
    return before


@pytest.mark.parametrize("step", STEPS)
def test_a_power_cut(tmp_path, step):
    lake.need_tools()
    print(f"seed {SEED}")
    dice = random.Random(SEED)
    version, more, sample = STEPS[step]
    template = lake.template(tmp_path)
    content = template.read_bytes()
    engine = version is not None and version >= 9
    table = tmp_path / "table"
    schema = tmp_path / "schema.json"
    schema.write_text(json.dumps(lake.SCHEMA))
    creation = ["lake_tool", "create", table, schema, "writer", "seq"]
    if version is None:
        table.mkdir()
        old, new, command = None, (0, []), creation
    else:
        assert lake.run(*creation).returncode == 0
        if version:
            assert lake.run("lake_writer", table, template, "a", 1, version).returncode == 0
        old = lake.rows(table, content, engine)
        command = ["lake_writer", table, template, "a", version + 1, version + 1, *more]
    done = trace(table, command, tmp_path / "trace", engine)
    if version is not None:
        new = lake.rows(table, content, engine)
        assert new[0] == version + 1
    else:
        done.said.append((done.steps - 1, "its end says it"))
    assert done.said, "nothing was acknowledged"

    disks = [(step_no, state) for step_no in range(-1, done.steps) for state in done.cut(step_no, dice, 12 if lake.LONG else 4)]
    assert len(disks) > 20
    if not lake.LONG and len(disks) > sample:
        disks = dice.sample(disks, sample)
    shutil.rmtree(table)
    for step_no, state in disks:
        label = f"{step}, seed {SEED}: the power goes behind step {step_no} of {done.steps}"
        powercut.lay_out(state, str(table), table)
        if version is None and not list(table.glob("_delta_log/[0-9]*.json")):
            got = None
        else:
            got = lake.rows(table, content, engine)
        assert got in (old, new), label
        assert got == new or not done.said_before(step_no), f"{label}: it was acknowledged"
        if got != new or version is not None:  # a table that is there is not created again
            again = lake.run(*command, engine=engine)
            assert again.returncode == 0, f"{label}: {again.stderr}"
        after = lake.rows(table, content, engine)
        assert (after[0], len(after[1])) == (new[0], len(new[1])), f"{label}, and once more"
        assert more or after == new, f"{label}, and once more"
        shutil.rmtree(table)
