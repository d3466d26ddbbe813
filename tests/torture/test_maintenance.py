"""optimize, vacuum and restore under the same attacks as a commit: each call fails or is the last, or the power goes. The rows
are never others, before and after are the only versions there are, and the same command once more ends well."""
import os
import pathlib
import random
import shutil
import signal
import subprocess

import pytest

import powercut
import small_lake as lake
from test_faults import MODES

deltalake = pytest.importorskip("deltalake")
SEED = int(os.environ.get("CUPEL_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 30)
COMMITS = 9  # so that what comes behind them writes a checkpoint
CUPEL = os.environ.get("CUPEL_BIN") or os.environ.get("CUPEL") or str(lake.BUILD / "cupel")
COMMANDS = {
    "optimize": ["optimize", "bronze.t"],
    "vacuum": ["vacuum", "bronze.t", "--retain", "0s", "--force"],
    "restore": ["restore", "bronze.t@v4"],
}


def cupel(project, command, **env):
    return subprocess.run([CUPEL, "-C", str(project), *command], env=lake.environment(**env), capture_output=True, text=True, timeout=120)


def rows(table):
    return sorted(tuple(r.values()) for r in deltalake.DeltaTable(str(table)).to_pyarrow_table().to_pylist())


def state(project):
    """version, rows, data files of the newest version; ours and the slow reader agree, every file can be read."""
    table = project / "lake/bronze/t"
    version, files, _ = lake.slow_state(table)
    shown = lake.show(table)
    assert (shown["version"], {f["path"] for f in shown["files"]}) == (version, set(files))
    return version, rows(table), len(files)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """For each command: the project before it, its state then and after an undisturbed one."""
    lake.need_tools()
    folder = tmp_path_factory.mktemp("maintenance")
    made = {}

    def of(name):
        if name not in made:
            project = folder / name / "before"
            table = project / "lake/bronze/t"
            lake.create(table, by=())
            (table.parent / "schema.json").unlink()
            (project / "cupel.yaml").write_text("name: t\n")
            assert lake.run("lake_writer", table, "engine", "a", 1, COMMITS).returncode == 0
            if name == "vacuum":  # something to take away
                assert cupel(project, COMMANDS["optimize"]).returncode == 0
            after = shutil.copytree(project, folder / name / "after")
            done = cupel(after, COMMANDS[name])
            assert done.returncode == 0, done.stderr
            made[name] = project, state(project), state(after)
            assert made[name][1] != made[name][2] or name == "vacuum"
        return made[name]

    return of


def parquet_files(project):
    return {p.name for p in (project / "lake/bronze/t").glob("*.parquet")}


def check(project, name, old, new, label):
    """As it was or as it should be; then the same command once more."""
    got = state(project)
    assert got in (old, new), f"{label}: {got[0]} {got[2]}"
    again = cupel(project, COMMANDS[name])
    assert again.returncode == 0, f"{label}: {again.stderr}"
    after = state(project)
    # A restore that was done is done again, as one more version.
    assert after[1:] == new[1:] and after[0] in (new[0], new[0] + (name == "restore")), f"{label}, and once more"
    if name == "vacuum":
        assert len(parquet_files(project)) == new[2], f"{label}, and once more"
    return got


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", COMMANDS)
def test_any_call_may_fail(world, tmp_path, name, mode):
    print(f"seed {SEED}")
    before, old, new = world(name)
    reads = {"CALLCOUNT_READS": 1} if "CALLCOUNT_READS" in MODES[mode] else {}
    whole = shutil.copytree(before, tmp_path / "whole")
    done = cupel(whole, COMMANDS[name], preload="callcount.so", CALLCOUNT_TELL=tmp_path / "tell", CALLCOUNT_UNDER=whole, **reads)
    assert done.returncode == 0, done.stderr
    n = int((tmp_path / "tell").read_text())
    assert n > (100 if reads else 5), "the calls were not counted"
    stride = 1 if lake.LONG else max(1, n // 8)
    failed = 0
    for at in range(1 + SEED % stride, n + 1, stride):
        project = shutil.copytree(before, tmp_path / str(at))
        label = f"seed {SEED}, {name}, {mode} at call {at} of {n}"
        env = {k: at if k in ("CALLCOUNT_FAIL", "CALLCOUNT_FULL", "CALLCOUNT_SHORT", "CALLCOUNT_KILL") else v
               for k, v in MODES[mode].items()}
        done = cupel(project, COMMANDS[name], preload="callcount.so", CALLCOUNT_UNDER=project, **env)
        assert done.returncode >= 0 or (mode == "crash" and done.returncode == -signal.SIGKILL), f"{label}: {done.returncode} {done.stderr}"
        assert done.returncode <= 0 or "error:" in done.stderr, f"{label}: {done.stderr}"
        got = check(project, name, old, new, label)
        failed += done.returncode != 0
        shutil.rmtree(project)
    assert failed


@pytest.mark.parametrize("name", COMMANDS)
def test_a_power_cut(world, tmp_path, name):
    print(f"seed {SEED}")
    dice = random.Random(SEED)
    before, old, new = world(name)
    project = shutil.copytree(before, tmp_path / "project")
    trace = powercut.Trace(project / "lake", [])
    done = cupel(project, COMMANDS[name], preload="disktrace.so", DISKTRACE=tmp_path / "trace", DISKTRACE_UNDER=project / "lake")
    assert done.returncode == 0, done.stderr
    for line in (tmp_path / "trace").read_text().splitlines():
        trace.take(line.split())
    assert state(project) == new
    disks = [(step, disk) for step in range(-1, trace.steps) for disk in trace.cut(step, dice, 8 if lake.LONG else 3)]
    assert len(disks) > 8
    if not lake.LONG and len(disks) > 25:
        disks = dice.sample(disks, 23) + disks[-2:]
    for step, disk in disks:
        label = f"seed {SEED}, {name}: the power goes behind step {step} of {trace.steps}"
        shutil.rmtree(project)
        project.mkdir()
        shutil.copy(before / "cupel.yaml", project)
        powercut.lay_out(disk, str(project / "lake"), project / "lake")
        got = check(project, name, old, new, label)
        assert got == new or step < trace.steps - 1, f"{label}: it was acknowledged"
