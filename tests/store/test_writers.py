"""Several processes commit to one remote table and are killed at random: every commit that was acknowledged is there, once,
versions are dense, and every file that the table names can be read. Behind a network that loses answers, too.
"""
import json
import os
import pathlib
import random
import subprocess
import threading

import pyarrow
import pyarrow.parquet
import pytest

import killing
import proxy as p

WRITERS, COMMITS = 3, 8
SEED = int(os.environ.get("CUPEL_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 30)
SCHEMA = {"type": "struct", "fields": [{"name": n, "type": t, "nullable": True, "metadata": {}}
                                       for n, t in (("v", "long"), ("writer", "string"), ("seq", "long"))]}


class Table:
    def __init__(self, place, folder):
        build = pathlib.Path(os.environ.get("CUPEL_BUILD", "build")).resolve()
        self.place, self.tools = place, build / "tests/tools"
        self.env = {**place.env, "CUPEL_DUCKDB": str(build / "libduckdb.so")}
        self.template = folder / "template.parquet"
        pyarrow.parquet.write_table(pyarrow.table({"v": pyarrow.array([7], pyarrow.int64())}), self.template)
        (folder / "schema.json").write_text(json.dumps(SCHEMA))
        self.tool("lake_tool", "create", place.uri, folder / "schema.json", "writer", "seq")

    def tool(self, name, *args):
        done = subprocess.run([self.tools / name, *map(str, args)], env=self.env, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start_writer(self, uri, env, name, first=1, last=COMMITS):
        return subprocess.Popen([self.tools / "lake_writer", uri, self.template, name, str(first), str(last)], text=True,
                                env={**self.env, **env}, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def check(self, acknowledged, done):
        """{(writer, seq): version}, which were said to be committed; {writer: its last seq}."""
        names = [n for n in self.place.names("_delta_log") if n.endswith(".json") and n[:20].isdigit()]
        assert names == [f"{v:020}.json" for v in range(len(names))]
        said = {}
        for version, name in enumerate(names):
            for line in self.place("read", f"_delta_log/{name}").decode().splitlines():
                txn = json.loads(line).get("txn")
                if txn:
                    key = txn["appId"], txn["version"]
                    assert key not in said, f"{key} is in {said[key]} and {version}"
                    said[key] = version
        assert sorted(said) == sorted((f"writer-{name}", seq) for name, last in done.items() for seq in range(1, last + 1))
        for key, version in acknowledged.items():
            assert said[key] == version
        shown = json.loads(self.tool("lake_tool", "show", self.place.uri))
        assert len(shown["files"]) == sum(done.values())
        content = self.template.read_bytes()
        assert self.place("fetch", len(content), *(f["path"] for f in shown["files"])) == content * len(shown["files"])


def acknowledged_by(name, out):
    lines = [line.split() for line in out.splitlines(keepends=True) if line.endswith("\n")]
    return {(f"writer-{name}", int(seq)): int(version) for seq, version, _ in lines}


def test_writers_that_are_killed(remote, tmp_path):
    print(f"seed {SEED}")
    table = Table(remote, tmp_path)
    lives = {f"w{n}": killing.Lives(lambda *steps, name=f"w{n}": table.start_writer(remote.uri, {}, name, *steps), COMMITS,
                                    random.Random(SEED + n)) for n in range(WRITERS)}
    threads = [threading.Thread(target=w.run, args=(3,)) for w in lives.values()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not [w.error for w in lives.values() if w.error]
    table.check({(f"writer-{name}", seq): version for name, w in lives.items() for seq, version in w.acks.items()},
                {name: w.last for name, w in lives.items()})


@pytest.mark.parametrize("fault", [p.LOST_ANSWER])
def test_writers_behind_a_bad_network(faulty, tmp_path, fault):
    table, acknowledged = Table(faulty.direct, tmp_path), {}
    count, lock = [0], threading.Lock()

    def each_seventh(method, path):
        with lock:
            count[0] += 1
            return count[0] % 7 == 0
    faulty.proxy.plan(fault, None, each_seventh)
    writers = [table.start_writer(faulty.uri, faulty.env, f"w{n}") for n in range(WRITERS)]
    for n, writer in enumerate(writers):
        out, words = writer.communicate(timeout=120)
        assert writer.returncode == 0, words
        acknowledged.update(acknowledged_by(f"w{n}", out))
    assert len(acknowledged) == WRITERS * COMMITS and count[0] > 50
    table.check(acknowledged, {f"w{n}": COMMITS for n in range(WRITERS)})
