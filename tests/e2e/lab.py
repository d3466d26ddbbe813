"""A small project made by a test: models as text, tables filled from outside by delta-rs, what comes out as rows."""
import datetime
import functools
import importlib.util
import json
import os
import pathlib
import shutil
import signal
import subprocess
import urllib.parse

import deltalake
import duckdb
import pyarrow as pa

TYPES = {"BIGINT": pa.int64(), "INTEGER": pa.int32(), "VARCHAR": pa.string(), "DOUBLE": pa.float64(),
         "DATE": pa.date32(), "BOOLEAN": pa.bool_(), "TIMESTAMPTZ": pa.timestamp("us", "UTC")}


def canonical(rows):
    return sorted(json.dumps(r, default=str, sort_keys=True) for r in rows)


def ordered(rows):
    """Tuples in order, None behind all values."""
    return sorted(rows, key=lambda row: [(x is None, 0 if x is None else x) for x in row])


@functools.cache
def delta_extension():
    """DuckDB with its delta extension."""
    spec = importlib.util.find_spec("duckdb_extension_delta")
    files = list(pathlib.Path(spec.submodule_search_locations[0]).rglob("delta.duckdb_extension"))
    con = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    con.execute(f"LOAD '{files[0]}'")
    con.execute("SET TimeZone = 'UTC'")
    return con


def by_duckdb(path, *columns):
    listed = ", ".join(f'"{c}"' for c in columns) or "*"
    return delta_extension().execute(f"SELECT {listed} FROM delta_scan('{path}')").to_arrow_table().to_pylist(maps_as_pydicts="strict")


def by_delta_rs(path):
    """By its own engine: its PyArrow reader knows no column mapping."""
    query = deltalake.QueryBuilder().register("t", deltalake.DeltaTable(str(path))).execute("SELECT * FROM t")
    return pa.table(query.read_all()).to_pylist(maps_as_pydicts="strict")


class Lab:
    def __init__(self, folder, cupel_bin, env=None):
        self.path, self.bin, self.env = pathlib.Path(folder), cupel_bin, env
        self.path.mkdir(parents=True, exist_ok=True)
        self.file("cupel.yaml", "name: lab\n")
        self.columns = {}

    def file(self, name, text):
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def model(self, name, header, sql):
        schema, table = name.split(".")
        self.file(f"models/{schema}/{table}.sql", f"/*---\n{header.strip()}\n---*/\n{sql.strip()}\n")

    def input(self, name, columns, by=()):
        """A table that others fill: a model that says its columns, and is never run."""
        self.columns[name] = {c.split()[0]: TYPES[c.split()[1]] for c in columns.split(", ")}
        cast = ", ".join("NULL::{1} AS {0}".format(*c.split()) for c in columns.split(", "))
        self.model(name, "mode: append\ntags: [outside]" + (f"\npartition_by: [{', '.join(by)}]" if by else ""),
                   f"SELECT {cast} WHERE false")

    def table(self, name):
        return self.path / "lake" / name.replace(".", "/")

    def write(self, name, rows, mode="append", columns=None, **more):
        columns = columns or self.columns[name]
        data = pa.table({c: pa.array([r.get(c) for r in rows], t) for c, t in columns.items()})
        self.table(name).mkdir(parents=True, exist_ok=True)
        deltalake.write_deltalake(str(self.table(name)), data, mode=mode, **more)

    def exists(self, name):
        return (self.table(name) / "_delta_log").is_dir()

    def version(self, name):
        return deltalake.DeltaTable(str(self.table(name))).version()

    def delta(self, name, version=None):
        return deltalake.DeltaTable(str(self.table(name)), version=version)

    def rows(self, name, version=None, without=()):
        table = self.delta(name, version).to_pyarrow_table()
        return table.select([c for c in table.column_names if c not in without]).to_pylist()

    def values(self, name, *columns, version=None):
        rows = self.rows(name, version)
        return ordered(tuple(r[c] for c in columns) for r in rows)

    def cupel(self, *args, code=0, env=None, wrap=(), timeout=120):
        done = subprocess.run([*wrap, self.bin, "-C", str(self.path), *map(str, args)], capture_output=True, text=True,
                              timeout=timeout, env={**os.environ, **(self.env or {}), **(env or {})})
        assert code is None or done.returncode == code, f"{args}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def run(self, *args, code=0, **more):
        """A run of everything but the tables of others; by task: state, rows, note, error, checks, the run's hint."""
        done = self.cupel("--json", "run", "--exclude", "tag:outside", *args, code=code, **more)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        tasks = {x["task"]: x for x in lines if x.get("event") == "task"}
        for task in tasks.values():
            task["hint"] = json.loads(done.stderr)["hint"] if done.stderr.startswith("{") else ""
        return tasks

    def query(self, sql, code=0):
        done = self.cupel("query", sql, "-o", "json", code=code)
        return json.loads(done.stdout) if code == 0 else done.stderr

    def plan(self):
        return {x["asset"]: x for x in json.loads(self.cupel("--json", "plan", "--exclude", "tag:outside").stdout)["plan"]}

    def unreferenced(self, name):
        """Data files in the table's folder that no version names."""
        named = set()
        for log in (self.table(name) / "_delta_log").glob("*.json"):
            for line in log.read_text().splitlines():
                add = json.loads(line).get("add")
                if add:
                    named.add(urllib.parse.unquote(add["path"]))
        found = {p.relative_to(self.table(name)).as_posix() for p in self.table(name).rglob("*.parquet")
                 if "_delta_log" not in p.parts}
        return found - named

    def copy(self, folder):
        shutil.copytree(self.path, folder)
        other = Lab(folder, self.bin, self.env)
        other.columns = self.columns
        return other

    def tables(self, without=()):
        names = sorted(p.parent.relative_to(self.path / "lake").as_posix().replace("/", ".")
                       for p in (self.path / "lake").glob("**/_delta_log"))
        return {n: canonical(self.rows(n, without=without)) for n in names}


def day(n):
    return datetime.date(2026, 11, 1) + datetime.timedelta(days=n)


def killed(done):
    return done.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL)
