"""A project whose lake is not on local disk: the same rows, the same commands, the same after kills, open to others."""
import json
import os
import random
import shutil
import subprocess

import deltalake
import pyarrow as pa
import pytest

import killing
from places import place_of

DAYS = ("2026-11-20", "2026-11-21")
SEED = int(os.environ.get("CUPEL_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 30)
DICE = random.Random(SEED)


class Movies:
    def __init__(self, place, folder, make_project, cupel_bin):
        self.place, self.path, self.bin = place, make_project(folder / "movies"), cupel_bin
        self.env = {**place.env, "TMDB_API_KEY": "any", "TMDB_RATE_LIMIT": "0"}
        conf = (self.path / "cupel.yaml").read_text()
        assert "\nlake: lake" in conf
        (self.path / "cupel.yaml").write_text(conf.replace("\nlake: lake", f"\nlake: {place.uri}", 1))

    def cupel(self, *args):
        done = subprocess.run([self.bin, "-C", str(self.path), *args], env=self.env, capture_output=True, text=True,
                              timeout=120)
        assert done.returncode == 0, f"{args}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def query(self, sql):
        return json.loads(self.cupel("query", "--json", sql))

    def run(self, standin, kill_after=()):
        """Two days' runs, each with kills after so many words of its own; returns how many met a living run."""
        kills = 0
        for day in DAYS:
            env = {**self.env, "TMDB_BASE_URL": standin("--date", day, "--key", "any").url}
            args = [self.bin, "-C", str(self.path), "--json", "run", "--var", "pages=1", "--now", f"{day}T12:00:00Z"]
            for words in [*kill_after, None]:
                process = subprocess.Popen(args, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                if words is not None:
                    killing.run_until_killed(process, words, DICE.random() * 0.05)
                    kills += process.returncode == -9
                    continue
                out, errors = process.communicate()
                assert process.returncode == 0, f"seed {SEED}: {out}{errors}"
        return kills

    def tables(self):
        return {t["table"]: t for t in json.loads(self.cupel("tables", "--json"))["tables"]}

    def rows(self):
        """Of each table how many rows, and a hash of them; the log of extractions has times of its own."""
        names = sorted(set(self.tables()) - {"bronze.extraction_log"})
        assert len(names) > 10
        found = self.query(" UNION ALL ".join(f"SELECT '{name}' AS name, count(*) AS n, md5(string_agg(t::VARCHAR, '|' "
                                              f"ORDER BY t::VARCHAR)) AS h FROM {name} t" for name in names))
        return {row["name"]: (row["n"], row["h"]) for row in found}


@pytest.fixture(scope="module")
def reference(request, tmp_path_factory, make_project, cupel_bin, standin):
    folder = tmp_path_factory.mktemp("reference")
    movies = Movies(place_of("local", request, folder), folder, make_project, cupel_bin)
    movies.run(standin)
    return movies.rows()


def test_the_movies_project(remote, tmp_path, make_project, cupel_bin, standin, reference):
    movies = Movies(remote, tmp_path, make_project, cupel_bin)
    movies.run(standin)
    assert movies.rows() == reference
    assert not (movies.path / "lake").exists()
    assert json.loads(movies.cupel("show", "silver.movies", "--json"))["rows"] == reference["silver.movies"][0]
    assert len(json.loads(movies.cupel("history", "silver.movies", "--json"))["history"]) == 2
    before = movies.query("SELECT count(*) AS n FROM silver.movies@v0")
    shutil.rmtree(remote.env["CUPEL_LAKE_CACHE"])
    assert movies.query("SELECT count(*) AS n FROM silver.movies@v0") == before
    assert movies.rows() == reference
    path = f"{remote.uri}/silver/movies"
    assert movies.query(f"SELECT count(*) AS n FROM delta.`{path}`")[0]["n"] == reference["silver.movies"][0]
    assert movies.cupel("render", "kpi", "--to", "txt")
    version = movies.tables()["bronze.movies"]["version"]
    assert "deleted" in movies.cupel("delete", "bronze.movies", "--where", "movie_id % 2 = 0")
    assert movies.rows() != reference
    movies.cupel("restore", f"bronze.movies@v{version}")
    assert movies.rows() == reference
    assert "bronze.movies" in movies.cupel("vacuum", "bronze.movies", "--retain", "0s", "--force")
    assert movies.rows() == reference
    for command in ("tables", "history bronze.movies", f"show {path}", f"tables {remote.uri}/silver"):
        assert movies.cupel(*command.split())
    assert list((tmp_path / "cache" / "work").iterdir()) == []  # every mirror is gone


def test_killed_runs_leave_the_same(remote, tmp_path, make_project, cupel_bin, standin, reference):
    movies = Movies(remote, tmp_path, make_project, cupel_bin)
    print(f"seed {SEED}")
    assert movies.run(standin, kill_after=(1, 3, 6)) >= 4
    assert movies.rows() == reference
    cache = tmp_path / "cache" / "work"
    assert list(cache.iterdir()) == []  # the mirrors of the killed ones are gone


def test_delta_rs_reads_and_writes_the_same_table_in_s3(request, tmp_path, make_project, cupel_bin, standin):
    place = place_of("s3", request, tmp_path)
    movies = Movies(place, tmp_path, make_project, cupel_bin)
    movies.run(standin)
    options = {k: place.env[k] for k in ("AWS_ENDPOINT_URL", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    options |= {"AWS_ALLOW_HTTP": "true", "AWS_CONDITIONAL_PUT": "etag"}
    table = deltalake.DeltaTable(f"{place.uri}/silver/people", storage_options=options)
    ours = movies.query("SELECT count(*) AS n FROM silver.people")[0]["n"]
    data = table.to_pyarrow_table()
    assert data.num_rows == ours
    deltalake.write_deltalake(table, pa.Table.from_batches(data.slice(0, 5).to_batches(), data.schema), mode="append")
    assert movies.query("SELECT count(*) AS n FROM silver.people")[0]["n"] == ours + 5
