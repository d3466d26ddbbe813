"""A project's whole life on a remote lake: runs with merges, deletion vectors, checkpoints and a change feed, maintenance of every
kind, time travel, kills in between. What comes out is what comes out on local disk.
"""
import io
import json
import os
import random
import subprocess

import pyarrow.parquet
import pytest

import killing
from places import place_of

SEED = int(os.environ.get("CUPEL_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 30)
DAYS = [f"2026-11-{d:02}T06:00:00Z" for d in range(1, 9)]

# The day's rows are told from its number: each day writes new keys, old ones, and some late.
MODELS = {
    "bronze.e": ("mode: append\nkeep: 5 days\nkeep_by: at",
                 "SELECT (d * 7 + i) % 60 AS id, d * 100 + i AS v, i % 3 AS k, d - i % 2 AS seq, $now AS at "
                 "FROM (SELECT day($now) AS d), range(20) r(i)"),
    "silver.t": ("mode: merge\nkey: id\nsequence_by: seq\nincremental: bronze.e\nproperties: {delta.enableChangeDataFeed: true, "
                 "delta.enableDeletionVectors: true, delta.checkpointInterval: 3, delta.checkpointPolicy: v2}",
                 "SELECT id, v, k, seq FROM bronze.e QUALIFY row_number() OVER (PARTITION BY id ORDER BY seq DESC, v DESC) = 1"),
    "silver.p": ("mode: partitions\npartition_by: k\nincremental: bronze.e", "SELECT k, id, v FROM bronze.e WHERE v % 5 < 3"),
    "gold.n": ("checks:\n  - not_null: k", "SELECT k, count(*) AS n, sum(v) AS v FROM silver.t GROUP BY k"),
}


class Life:
    def __init__(self, place, folder, cupel_bin):
        self.place, self.bin, self.path = place, cupel_bin, folder / "life"
        self.told = []
        for name, (header, sql) in MODELS.items():
            file = self.path / "models" / f"{name.replace('.', '/')}.sql"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"/*---\n{header}\n---*/\n{sql}\n")
        (self.path / "cupel.yaml").write_text(f"name: life\nlake: {place.uri}\n")

    def start(self, *args):
        return subprocess.Popen([self.bin, "-C", str(self.path), "--json", *args], env=self.place.env, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)

    def cupel(self, *args):
        process = self.start(*args)
        out, errors = process.communicate(timeout=120)
        assert process.returncode == 0, f"{args}: {process.returncode}\n{out}\n{errors}"
        return out

    def rows(self):
        """Of every table, how many and a hash of them."""
        sql = " UNION ALL ".join(f"SELECT '{n}' AS t, count(*) AS n, md5(string_agg(t::VARCHAR, '|' ORDER BY t::VARCHAR)) AS h FROM {n} t"
                                 for n in MODELS)
        return {r["t"]: (r["n"], r["h"]) for r in json.loads(self.cupel("query", "-o", "json", sql))}

    def feed(self):
        """All rows of the change files that the log names, without their versions: these tell in which order."""
        found = []
        for name in self.place.names("silver/t/_delta_log"):
            if not (name.endswith(".json") and name[:20].isdigit() and len(name) == 25):
                continue
            for line in self.place("read", f"silver/t/_delta_log/{name}").decode().splitlines():
                change = json.loads(line).get("cdc")
                if change:
                    table = pyarrow.parquet.read_table(io.BytesIO(self.place("read", f"silver/t/{change['path']}")))
                    found.append((int(name[:20]), sorted(json.dumps(r, sort_keys=True) for r in table.to_pylist())))
        return found

    def step(self, label):
        self.told.append((label, self.rows()))

    def live(self, killer=lambda *_: None):
        """killer(life, command) may start it and kill it before it is carried out."""
        def do(*args):
            killer(self, args)
            return self.cupel(*args)
        for day in DAYS[:5]:
            do("run", "--now", day)
        self.step("five days")
        assert "2026" in self.cupel("history", "silver.t") and self.cupel("show", "silver.t")
        names = self.place.names("silver/t/_delta_log")
        assert any(".checkpoint." in n for n in names) and "_last_checkpoint" in names
        self.told.append(("then", json.loads(self.cupel("query", "-o", "json", "SELECT count(*) AS n, sum(v) AS v FROM silver.t@v2"))))
        do("optimize", "silver.t", "bronze.e", "--zorder-by", "id,v")
        do("optimize", "silver.p")
        self.step("optimized")
        do("delete", "bronze.e", "--where", "id % 11 = 0")
        do("delete", "silver.t", "--where", "id % 11 = 0")
        self.step("deleted")
        do("run", "--now", DAYS[5])
        self.step("the sixth day")
        diff = json.loads(self.cupel("diff", "silver.t@v4", "silver.t"))
        self.told.append(("diff", [diff[k] for k in ("added", "removed", "changed")]))
        self.told.append(("feed", self.feed()))
        do("vacuum", "--retain", "0s", "--force")
        self.step("vacuumed")
        version = json.loads(self.cupel("show", "silver.t"))["version"]
        do("run", "--now", DAYS[6])
        do("restore", f"silver.t@v{version}")
        self.step("restored")
        do("run", "--now", DAYS[7])
        self.step("done again")
        do("prune")
        self.step("pruned")
        return self.told


@pytest.fixture(scope="module")
def reference(request, tmp_path_factory, cupel_bin):
    folder = tmp_path_factory.mktemp("local")
    told = Life(place_of("local", request, folder), folder, cupel_bin).live()
    steps = dict(told)
    assert steps["five days"]["silver.t"][0] == 48 and steps["five days"]["bronze.e"][0] == 100, steps
    assert steps["optimized"] == steps["five days"] != steps["deleted"] and len(steps["feed"]) >= 4
    assert steps["vacuumed"] == steps["the sixth day"] == {**steps["restored"], **{n: steps["vacuumed"][n] for n in MODELS if n != "silver.t"}}
    assert steps["pruned"] != steps["done again"]
    return told


def test_a_project_s_life(remote, tmp_path, cupel_bin, reference):
    for got, want in zip(Life(remote, tmp_path, cupel_bin).live(), reference):
        assert got == want, got[0]


def test_a_life_with_kills(remote, tmp_path, cupel_bin, reference):
    """Most commands are killed once before they may end. Versions differ then, and rows do not."""
    print(f"seed {SEED}")
    dice, kills = random.Random(SEED), []

    def killer(life, args):
        process = life.start(*args)
        killing.run_until_killed(process, dice.randrange(4) if args[0] == "run" else 0,
                                 dice.random() * (0.02 if args[0] == "run" else 0.2))
        kills.append(process.returncode == -9)

    got = dict(Life(remote, tmp_path, cupel_bin).live(killer))
    for label, want in dict(reference).items():
        if label not in ("then", "diff", "feed"):
            assert got[label] == want, f"seed {SEED}: {label}"
    assert sum(kills) >= 4
