"""A fifth of the answers broken in every way the stand-in knows: the run must end complete, with every record once."""
import subprocess

import pytest

from lake import tables

NOW = "2026-11-21T06:00:00Z"
VOLATILE = {
    "bronze/extraction_log": ["run_id", "started_at", "finished_at", "resumed", "retries", "bytes", "problems"],
    "quarantine": ["run_id"],
}
FAULTS = "500=0.03,503=0.03,429=0.03:1,cut=0.03,garbage=0.04,reset=0.02,slow=0.02:200"


def impatient(project):
    """The same project with short waits between attempts."""
    source = project / "sources" / "tmdb.yaml"
    text = source.read_text()
    assert "backoff: 1s..60s" in text
    source.write_text(text.replace("backoff: 1s..60s", "backoff: 50ms..1s"))
    return project


def run(cupel_bin, project, env, *more, code=0):
    r = subprocess.run([cupel_bin, "-C", str(project), "run", "--now", NOW, "--pages", "2", *more], env=env,
                       capture_output=True, text=True, timeout=300)
    assert r.returncode == code, r.stderr
    return r


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_with_a_fifth_of_the_answers_broken_the_run_is_complete(standin, make_project, cupel_bin, tmp_path, seed):
    good = standin("--key", "k", "--stats")
    want_project = make_project(tmp_path / "want")
    run(cupel_bin, want_project, good.env())

    bad = standin("--key", "k", "--stats", "--faults", FAULTS, "--seed", str(seed))
    project = impatient(make_project(tmp_path / "got"))
    run(cupel_bin, project, bad.env())
    got, want = tables(project / "lake", VOLATILE), tables(want_project / "lake", VOLATILE)
    assert got.keys() == want.keys()
    for name in got:
        assert got[name] == want[name], name


def test_a_key_that_expires_midway_stops_the_run_and_the_next_goes_on(standin, make_project, cupel_bin, tmp_path):
    project = make_project(tmp_path / "p")
    dying = standin("--key", "secret-key-123", "--stats", "--faults", "expire=60", "--seed", "1")
    r = run(cupel_bin, project, dying.env(), code=3)
    assert "secret-key-123" not in r.stderr + r.stdout
    assert "Invalid API key" in r.stderr
    for path in (project / ".cupel").rglob("*"):
        if path.is_file():
            assert b"secret-key-123" not in path.read_bytes(), path
    for path in (project / "lake").rglob("*.json"):
        assert b"secret-key-123" not in path.read_bytes(), path

    alive = standin("--key", "secret-key-123", "--stats")
    run(cupel_bin, project, alive.env())
    want_project = make_project(tmp_path / "want")
    run(cupel_bin, want_project, alive.env())
    got, want = tables(project / "lake", VOLATILE), tables(want_project / "lake", VOLATILE)
    for name in want:
        assert got[name] == want[name] or name == "bronze/extraction_log", name


def test_two_runs_at_once_the_second_is_told(standin, make_project, cupel_bin, tmp_path):
    slow = standin("--key", "k", "--latency", "100")
    project = make_project(tmp_path / "p")
    first = subprocess.Popen([cupel_bin, "-C", str(project), "run", "--now", NOW, "--pages", "1"], env=slow.env(),
                             stderr=subprocess.PIPE, text=True)
    assert first.stderr.readline().startswith("run ")
    second = run(cupel_bin, project, slow.env(), code=7)
    assert "another run is at work on this project" in second.stderr
    assert first.wait(timeout=120) == 0
