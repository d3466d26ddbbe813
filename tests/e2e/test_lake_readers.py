"""The lake's tables in other people's hands: what lake_tool writes is read by delta-rs and by DuckDB's delta extension."""
import importlib.util
import json
import math
import os
import pathlib
import shutil
import subprocess

import pytest

duckdb = pytest.importorskip("duckdb")
deltalake = pytest.importorskip("deltalake")
pa = pytest.importorskip("pyarrow")
pc = pytest.importorskip("pyarrow.compute")

BUILD = pathlib.Path(os.environ.get("CUPEL_BUILD", "build")).resolve()
TOOL = BUILD / "tests/tools/lake_tool"

pytestmark = pytest.mark.skipif(not TOOL.exists(), reason="lake_tool is not built")


def tool(*args, ok=True):
    env = {**os.environ, "CUPEL_DUCKDB": os.environ.get("CUPEL_DUCKDB") or str(BUILD / "libduckdb.so")}
    r = subprocess.run([TOOL, *map(str, args)], capture_output=True, text=True, timeout=60, env=env)
    if ok:
        assert r.returncode == 0, r.stderr
        return r.stdout
    return r


@pytest.fixture(scope="module")
def duck():
    spec = importlib.util.find_spec("duckdb_extension_delta")
    if not spec:
        pytest.skip("duckdb-extension-delta is not installed")
    folder = pathlib.Path(list(spec.submodule_search_locations)[0])
    con = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    con.execute("SET TimeZone = 'UTC'")
    con.load_extension(str(next(folder.rglob("delta.duckdb_extension"))))
    return con


def field(name, kind):
    return {"name": name, "type": kind, "nullable": True, "metadata": {}}


class Table:
    """A table filled by SQL: DuckDB writes the files and counts, lake_tool commits them."""

    def __init__(self, path, duck, columns, by=()):
        self.path, self.duck, self.by, self.files = path, duck, list(by), 0
        self.versions = {0: []}
        path.mkdir()
        schema = path.parent / "schema.json"
        schema.write_text(json.dumps({"type": "struct", "fields": columns}))
        tool("create", path, schema, *by)

    def write(self, select, values):
        self.files += 1
        folder = tool("name", *[c if v is None else f"{c}={v}" for c, v in zip(self.by, values)]).rstrip("\n") if self.by else ""
        name = f"{folder}/part-{self.files}.parquet" if folder else f"part-{self.files}.parquet"
        (self.path / name).parent.mkdir(parents=True, exist_ok=True)
        target = str(self.path / name).replace("'", "''")
        got = self.duck.execute(f"COPY ({select}) TO '{target}' (FORMAT parquet, RETURN_STATS)").fetchone()
        return {"path": name, "values": list(values), "rows": got[1], "columns": got[4]}

    def commit(self, verb, selects, values=()):
        listing = self.path.parent / "files.json"
        listing.write_text(json.dumps([self.write(s, values) for s in selects]))
        version = json.loads(tool(verb, self.path, listing, "app", len(self.versions)))["version"]
        assert version == len(self.versions)
        rows = [r + tuple(values) for s in selects for r in self.duck.execute(s).fetchall()] if self.by else []
        self.versions[version] = rows + ([] if verb == "replace" else self.versions[version - 1])


def by_duckdb(duck, path, version, where="true"):
    return duck.execute(f"SELECT * FROM delta_scan('{path}', version = {version}) WHERE {where}").fetchall()


def count_by_duckdb(duck, path, version, where="true"):
    return duck.execute(f"SELECT count(*) FROM delta_scan('{path}', version = {version}) WHERE {where}").fetchone()[0]


def by_delta_rs(path, version):
    table = deltalake.DeltaTable(str(path), version=version).to_pyarrow_table()
    return [tuple(r.values()) for r in table.to_pylist()]


def ordered(rows):
    return sorted(rows, key=repr)


AWKWARD = ["a b", "x=y/z", "100%", "%41", "ü#?&", None, "+:[]{}", "it's \"q\"", "a\\b", "~!*()", "%2F", "日本"]


@pytest.fixture(scope="module")
def partitioned(duck, tmp_path_factory):
    """Twelve commits and two replacements, so that there are checkpoints at 10 and none at the end."""
    t = Table(tmp_path_factory.mktemp("lake") / "t", duck, [field("id", "long"), field("p", "string")], ["p"])
    for i, value in enumerate(AWKWARD):
        t.commit("append", [f"SELECT {i * 10 + 1}::BIGINT AS id UNION ALL SELECT {i * 10 + 2}"], [value])
    t.commit("replace", ["SELECT 1000::BIGINT AS id"], ["again"])
    t.commit("append", ["SELECT 1001::BIGINT AS id"], [None])
    return t


def read_everywhere(t, duck, path, first=0):
    for version, rows in t.versions.items():
        if version < first:
            continue
        assert ordered(by_delta_rs(path, version)) == ordered(rows), f"delta-rs, version {version}"
        assert ordered(by_duckdb(duck, path, version)) == ordered(rows), f"DuckDB, version {version}"
        shown = json.loads(tool("show", path, version))
        assert shown["rows"] == len(rows) and shown["version"] == version


def test_every_version_is_read_by_others(partitioned, duck):
    names = {p.name for p in (partitioned.path / "_delta_log").iterdir()}
    assert {"00000000000000000010.checkpoint.parquet", "_last_checkpoint"} <= names
    assert not [n for n in names if n.startswith(".")]
    read_everywhere(partitioned, duck, partitioned.path)


def test_a_checkpoint_is_enough_for_others(partitioned, duck, tmp_path):
    path = tmp_path / "copy"
    shutil.copytree(partitioned.path, path)
    for version in range(10):
        (path / f"_delta_log/{version:020}.json").unlink()
    (path / "_delta_log/.00000000000000000099.json.0123456789abcdef.tmp").write_text("{")  # of a writer that died
    read_everywhere(partitioned, duck, path, first=10)
    assert deltalake.DeltaTable(str(path)).version() == len(partitioned.versions) - 1
    assert json.loads(tool("show", path))["txns"] == {"app": len(partitioned.versions) - 1}
    assert deltalake.DeltaTable(str(path)).transaction_version("app") == len(partitioned.versions) - 1


def test_values_of_partitions_come_back(partitioned, duck):
    last = len(AWKWARD)
    for value in AWKWARD:
        where = "p IS NULL" if value is None else "p = '" + value.replace("'", "''") + "'"
        want = [r for r in partitioned.versions[last] if r[1] == value]
        assert len(want) == 2
        assert ordered(by_duckdb(duck, partitioned.path, last, where)) == ordered(want)
        got = deltalake.DeltaTable(str(partitioned.path), version=last).to_pyarrow_table(filters=[("p", "=", value)]) \
            if value is not None else None
        if got is not None:
            assert ordered(tuple(r.values()) for r in got.to_pylist()) == ordered(want)


def test_history_is_told_to_others(partitioned):
    told = deltalake.DeltaTable(str(partitioned.path)).history()
    assert [h["version"] for h in told] == sorted(partitioned.versions, reverse=True)
    assert told[0]["engineInfo"] == "cupel/0.1.0" and told[0]["operation"] == "WRITE"
    assert json.loads(told[0]["userMetadata"]) == {"cupel_run": "a-run"}
    ours = [json.loads(line) for line in tool("history", partitioned.path).splitlines()]
    assert [h["version"] for h in ours] == [h["version"] for h in told]


VALUES = {
    "i": ["1::BIGINT", "-9223372036854775808", "9223372036854775807", "NULL"],
    "f": ["1.5::DOUBLE", "-1e300", "0.1", "NULL"],
    "nan": ["'nan'::DOUBLE", "1.0", "-2.5", "NULL"],
    "s": ["repeat('x', 40)", "repeat('ü', 33)", "''", "NULL"],
    "top": ["repeat(chr(1114111), 70)", "'a'", "'z'", "NULL"],
    "d": ["DATE '1969-12-31'", "DATE '2400-02-29'", "DATE '0001-01-01'", "NULL"],
    "t": ["TIMESTAMPTZ '2024-01-01 12:34:56.123456+00'", "TIMESTAMPTZ '1969-12-31 23:59:59.999999+00'",
          "TIMESTAMPTZ '2024-01-01 12:34:56.123999+00'", "NULL"],
    "m": ["0.500::DECIMAL(18,3)", "-123456789012345.678", "99.999", "NULL"],
    "b": ["true", "false", "NULL", "NULL"],
    "z": ["'\\x00\\xFF'::BLOB", "''::BLOB", "NULL", "NULL"],
}
KINDS = {"i": "long", "f": "double", "nan": "double", "s": "string", "top": "string", "d": "date", "t": "timestamp",
         "m": "decimal(18,3)", "b": "boolean", "z": "binary"}


# Where every file has bounds: delta-rs's view for pyarrow takes `x >= null` for a file without them, and drops it.
BOUNDED = {"i", "f", "s", "d", "t", "m"}
RUST_SQL = {
    "i": lambda value, literal: f"i = {literal}",
    "f": lambda value, literal: f"f = {literal}",
    "nan": lambda value, literal: f"nan = {literal}",
    "s": lambda value, literal: f"s = '{literal}'",
    "top": lambda value, literal: f"top = '{literal}'",
    "d": lambda value, literal: f"d = DATE '{literal}'",
    "b": lambda value, literal: f"b = {value}",
}


def test_statistics_hide_no_row(duck, tmp_path):
    """Each row in a file of its own, so that a wrong bound loses it: every value is looked for."""
    nested = {"type": "struct", "fields": [field("q", "long")]}
    items = {"type": "array", "elementType": "long", "containsNull": True}
    t = Table(tmp_path / "t", duck, [field(c, k) for c, k in KINDS.items()] + [field("st", nested), field("l", items)])
    selects = ["SELECT " + ", ".join(f"{VALUES[c][i]} AS {c}" for c in KINDS) + f", {{'q': {i}::BIGINT}} AS st, [{i}::BIGINT] AS l"
               for i in range(4)]
    first = " UNION ALL ".join(selects)  # for the types of the columns
    t.commit("append", [f"SELECT * FROM ({first}) LIMIT 1 OFFSET {i}" for i in range(4)] + [first])
    rust = deltalake.QueryBuilder().register("t", deltalake.DeltaTable(str(t.path)))
    dataset = deltalake.DeltaTable(str(t.path)).to_pyarrow_dataset()
    assert count_by_duckdb(duck, t.path, 1) == dataset.count_rows() == 8
    for column in KINDS:
        for value in VALUES[column]:
            test = f"{column} IS NULL" if value == "NULL" else f"{column} = {value}"
            want = duck.execute(f"SELECT count(*) FROM ({first}) WHERE {test}").fetchone()[0] * 2
            assert want > 0
            assert count_by_duckdb(duck, t.path, 1, test) == want, test
            literal = duck.execute(f"SELECT {column} FROM ({first}) WHERE {test} LIMIT 1").arrow().read_all().column(0)[0]
            if not literal.is_valid or (column == "nan" and math.isnan(literal.as_py())):
                continue
            if column in BOUNDED:
                scalar = pa.scalar(literal.as_py(), type=dataset.schema.field(column).type)
                assert dataset.count_rows(filter=pc.field(column) == scalar) == want, test
            if column in RUST_SQL:
                got = rust.execute(f"SELECT count(*) AS n FROM t WHERE {RUST_SQL[column](value, literal)}").read_all()
                assert got["n"][0].as_py() == want, test
    assert count_by_duckdb(duck, t.path, 1, "st.q = 3") == 2


def test_others_append_and_we_read_on(duck, tmp_path):
    """delta-rs and we take turns on one table."""
    t = Table(tmp_path / "t", duck, [field("id", "long"), field("p", "string")], ["p"])
    want = []
    for i in range(12):
        if i % 2:
            deltalake.write_deltalake(str(t.path), pa.table({"id": [i], "p": ["x y"]}), mode="append", partition_by=["p"])
            t.versions[len(t.versions)] = None
        else:
            t.versions[len(t.versions) - 1] = []
            t.commit("append", [f"SELECT {i}::BIGINT AS id"], ["x y"])
        want.append((i, "x y"))
    shown = json.loads(tool("show", t.path))
    assert shown["rows"] == 12 and shown["version"] == 12
    assert {tuple(f["values"]) for f in shown["files"]} == {("x y",)}
    assert ordered(by_delta_rs(t.path, 12)) == ordered(by_duckdb(duck, t.path, 12)) == ordered(want)
