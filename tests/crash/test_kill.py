"""Kill -9 at random moments, then a plain `cupel run`: the tables must equal those of an undisturbed run,
for the first run of a project and for the next day's, which merges into what is there.

CUPEL_KILLS says how many kills (default 40; 200 before a release). The seed is printed, CUPEL_SEED repeats it.
"""
import os
import pathlib
import random
import shutil
import signal
import subprocess
import time

import pytest

from lake import tables

NOW = "2026-11-21T06:00:00Z"
DAY_BEFORE = "2026-11-20T06:00:00Z"
ARGS = ["run", "--pages", "2", "--now"]
KILLS = int(os.environ.get("CUPEL_KILLS", "40"))
SEED = int(os.environ.get("CUPEL_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 30)

# What legitimately differs between two runs of the same thing: who did it and when, and how it went.
VOLATILE = {
    "bronze/extraction_log": ["run_id", "started_at", "finished_at", "resumed", "retries"],
    "quarantine": ["run_id"],
}


def start(cupel_bin, project, env, now=NOW):
    return subprocess.Popen([cupel_bin, "-C", str(project), *ARGS, now], env=env, stdout=subprocess.DEVNULL,
                            stderr=subprocess.PIPE, start_new_session=True)


def finish(cupel_bin, project, env, now=NOW):
    r = subprocess.run([cupel_bin, "-C", str(project), *ARGS, now], env=env, capture_output=True, text=True, timeout=120)
    assert r.returncode == 0, r.stderr
    return r


@pytest.fixture(scope="module", params=["first run", "next day's run"])
def world(standin, make_project, cupel_bin, tmp_path_factory, request):
    """A server, the tables of an undisturbed run, how long it took and how much it asked for."""
    server = standin("--latency", "2", "--key", "k", "--stats")
    env = server.env()
    reference = make_project(tmp_path_factory.mktemp("reference") / "movies")
    seed = None
    if request.param != "first run":  # merges into what a day before has left
        finish(cupel_bin, reference, env, DAY_BEFORE)
        seed = shutil.copytree(reference, tmp_path_factory.mktemp("seed") / "movies")
    asked = sum(server.requests().values())
    began = time.monotonic()
    finish(cupel_bin, reference, env)
    seconds = time.monotonic() - began
    asked = sum(server.requests().values()) - asked

    def fresh(folder):
        return pathlib.Path(shutil.copytree(seed, folder)) if seed else make_project(folder)

    return {"fresh": fresh, "server": server, "env": env, "tables": tables(reference / "lake", VOLATILE), "seconds": seconds,
            "asked": asked}


def test_a_rerun_of_the_same_time_changes_nothing(world, cupel_bin, tmp_path):
    project = world["fresh"](tmp_path / "movies")
    finish(cupel_bin, project, world["env"])
    before = sum(world["server"].requests().values())
    finish(cupel_bin, project, world["env"])
    assert sum(world["server"].requests().values()) == before
    assert tables(project / "lake", VOLATILE) == world["tables"]


def test_killed_anywhere_the_next_run_ends_where_it_would_have(world, cupel_bin, tmp_path):
    print(f"seed {SEED}")
    dice = random.Random(SEED)
    in_time = 0  # only a kill that met a living run counts; half of KILLS for each world
    n, longest_s = 0, world["seconds"] * 1.05
    while in_time < KILLS // 2:
        assert n < KILLS * 4, "most kills came too late to test anything"
        project = world["fresh"](tmp_path / str(n))
        asked_before = sum(world["server"].requests().values())
        killed_here = 0
        # Now and then several kills in a row before a run may end.
        for _ in range(dice.choice([1, 1, 1, 2, 4])):
            p = start(cupel_bin, project, world["env"])
            time.sleep(dice.random() * longest_s)
            met = p.poll() is None
            longest_s *= 1.02 if met else 0.9  # the machine may be busier, or less so, than it was
            if met:
                os.killpg(p.pid, signal.SIGKILL)
                in_time += 1
                killed_here += 1
            p.wait()
            p.stderr.close()
            n += 1
        finish(cupel_bin, project, world["env"])
        got = tables(project / "lake", VOLATILE)
        assert got.keys() == world["tables"].keys(), f"seed {SEED}, kill {n}"
        for name in got:
            assert got[name] == world["tables"][name], f"seed {SEED}, kill {n}: {name} differs ({project})"
        # What was on its way when a kill came may be asked for again: five at once.
        asked = sum(world["server"].requests().values()) - asked_before
        assert asked <= world["asked"] + 5 * killed_here, f"seed {SEED}, kill {n}: {asked} requests"
        shutil.rmtree(project)
