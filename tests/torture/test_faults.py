"""Every system call of a commit and of a checkpoint fails in turn, as SQLite's tests do it: an error, an error that
stays, a full disk, half a write, or the process ends there. Afterwards the table reads as it was before or as it
should be afterwards, and the same command once more brings it there: nothing lost, nothing twice.

CUPEL_TORTURE=long tries every call in every way; else calls that only look at the disk are sampled."""
import pathlib
import shutil
import signal

import pytest

import small_lake as lake

MODES = {
    "error": {"CALLCOUNT_FAIL": 1, "CALLCOUNT_READS": 1},
    "error that stays": {"CALLCOUNT_FAIL": 1, "CALLCOUNT_STICK": 1, "CALLCOUNT_READS": 1},
    "full disk": {"CALLCOUNT_FULL": 1},
    "half a write": {"CALLCOUNT_SHORT": 1, "CALLCOUNT_READS": 1},
    "crash": {"CALLCOUNT_KILL": 1},
}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """before(n): a table whose last version is n."""
    lake.need_tools()
    folder = tmp_path_factory.mktemp("faults")
    template = lake.template(folder)
    tables = {}

    def before(version):
        if version not in tables:
            table = folder / f"table{version}"
            lake.create(table)
            if version:
                done = lake.run("lake_writer", table, template, "a", 1, version)
                assert done.returncode == 0, done.stderr
            tables[version] = table
        return tables[version]

    return folder, template, before


def calls(table, command, tell, engine, **env):
    """How many calls an undisturbed run makes."""
    done = lake.run(*command, engine=engine, preload="callcount.so", CALLCOUNT_TELL=tell, CALLCOUNT_UNDER=table, **env)
    assert done.returncode == 0, done.stderr
    return int(pathlib.Path(tell).read_text())


# Name: the version before, rows before, and what is done.
STEPS = {
    "the first commit behind the creation": (0, []),
    "an append": (5, []),
    "an append with a checkpoint": (9, []),
    "an append behind a checkpoint": (12, []),
    "a rewrite": (5, ["rewrite"]),
    "a rewrite with a checkpoint behind one": (19, ["rewrite"]),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("step", STEPS)
def test_any_call_may_fail(world, tmp_path, step, mode):
    folder, template, before = world
    version, more = STEPS[step]
    source, content = before(version), template.read_bytes()
    engine = version >= 9  # it costs ten times as much
    old = lake.rows(source, content, engine)

    def command(table):
        return ["lake_writer", table, template, "a", version + 1, version + 1, *more]

    def is_new(got):
        if more:  # it replaces one of this writer's rows; which one is the tool's affair
            return got[0] == version + 1 and len(got[1]) == len(old[1]) and set(got[1]) - set(old[1]) == {("a", version + 1)}
        return got == (version + 1, old[1] + [("a", version + 1)])

    reads = "CALLCOUNT_READS" in MODES[mode]
    whole = shutil.copytree(source, tmp_path / "whole")
    n = calls(whole, command(whole), tmp_path / "tell", engine, **({"CALLCOUNT_READS": 1} if reads else {}))
    assert is_new(lake.rows(whole, content, engine))
    assert n > (20 if reads else 10), "the calls were not counted"
    stride = 1 if lake.LONG or n < 20 else 1 + n // 20
    acknowledged = failed = 0
    for at in range(1, n + 1, stride):
        table = shutil.copytree(source, tmp_path / f"{at}")
        label = f"{step}, {mode} at call {at} of {n}"
        env = {k: at if k in ("CALLCOUNT_FAIL", "CALLCOUNT_FULL", "CALLCOUNT_SHORT", "CALLCOUNT_KILL") else v
               for k, v in MODES[mode].items()}
        done = lake.run(*command(table), engine=engine, preload="callcount.so", CALLCOUNT_UNDER=table, **env)
        assert done.returncode in ((0, -signal.SIGKILL) if mode == "crash" else (0, 4, 8)), f"{label}: {done.returncode} {done.stderr}"
        got = lake.rows(table, content, engine)
        assert got == old or is_new(got), label
        if done.stdout:
            assert is_new(got), f"{label}: it was acknowledged"
            acknowledged += 1
        elif mode != "crash":
            assert "error:" in done.stderr, label
            failed += 1
        again = lake.run(*command(table), engine=engine)
        assert again.returncode == 0, f"{label}: {again.stderr}"
        assert is_new(lake.rows(table, content, engine)), f"{label}, and once more"
        shutil.rmtree(table)
    assert failed or mode == "crash"
    # What fails behind the commit does not fail it: the checkpoint, and removing what is left over.
    assert acknowledged or "with a checkpoint" not in step or mode == "crash"
