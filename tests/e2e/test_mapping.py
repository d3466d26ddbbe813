"""Tables with column mapping that are written here: by every way of writing, read back by others."""
import json

import pyarrow.parquet as pq
import pytest
from lab import Lab, by_delta_rs, by_duckdb, canonical

COLUMNS = "SELECT id, s, v, {a: v, l: [{q: v}]} AS st, MAP {'k': {z: v}} AS m"


@pytest.fixture
def lab(tmp_path, cupel_bin):
    lab = Lab(tmp_path / "lab", cupel_bin)
    lab.input("bronze.e", "id BIGINT, v BIGINT, s VARCHAR")
    return lab


def actions(lab, kind, name="silver.t", version=None):
    """Those of the JSON log, in order."""
    logs = sorted((lab.table(name) / "_delta_log").glob("*.json"))
    lines = [json.loads(x) for p in logs if version is None or int(p.stem) == version for x in p.read_text().splitlines()]
    return [x[kind] for x in lines if kind in x]


def schema(lab, version=None):
    return json.loads(actions(lab, "metaData", version=version)[-1]["schemaString"])["fields"]


def names(fields):
    """Of a mapped schema, at the top: id and physical name by name."""
    return {f["name"]: (f["metadata"]["delta.columnMapping.id"], f["metadata"]["delta.columnMapping.physicalName"]) for f in fields}


def check(lab, by=(), name="silver.t"):
    """delta-rs, DuckDB and cupel find the same rows. (DuckDB's extension has null for partition columns of a mapped table.)"""
    ours = lab.query(f"SELECT * FROM {name}")
    assert canonical(by_delta_rs(lab.table(name))) == canonical(ours)
    rest = [c for c in ours[0] if c not in by]
    assert canonical(by_duckdb(lab.table(name), *rest)) == canonical([{c: r[c] for c in rest} for r in ours])
    return {r["id"]: r for r in ours}


@pytest.mark.parametrize("mode", ["name", "id"])
@pytest.mark.parametrize("more", ["", "\n  delta.enableDeletionVectors: true"])
def test_the_life_of_a_mapped_table(lab, mode, more):
    header = f"""mode: merge
key: id
incremental: bronze.e
partition_by: [s]
properties:
  delta.columnMapping.mode: {mode}
  delta.enableChangeDataFeed: true
  delta.constraints.sane: v < 1000
  delta.checkpointInterval: 4{more}"""
    lab.model("silver.t", header, COLUMNS + " FROM bronze.e")
    lab.write("bronze.e", [{"id": i, "v": i, "s": "xy"[i % 2]} for i in range(20)] + [{"id": 20, "v": 20}])
    lab.run()
    assert len(check(lab, ["s"])) == 21
    first = schema(lab)
    assert [x[0] for x in names(first).values()] == [1, 2, 3, 4, 8]
    assert first[3]["type"]["fields"][1]["type"]["elementType"]["fields"][0]["metadata"]["delta.columnMapping.id"] == 7
    assert actions(lab, "metaData")[0]["configuration"]["delta.columnMapping.maxColumnId"] == "9"
    assert len({x[1] for x in names(first).values()}) == 5 and all(p.startswith("col-") for _, p in names(first).values())
    file = next(p for p in lab.table("silver.t").rglob("*.parquet"))
    found = {f.name: int(f.metadata[b"PARQUET:field_id"]) for f in pq.read_schema(file)}
    assert found == {p: n for c, (n, p) in names(first).items() if c != "s"}
    add, key = actions(lab, "add")[0], names(first)
    assert set(add["partitionValues"]) == {key["s"][1]}
    assert json.loads(add["stats"])["nullCount"][key["id"][1]] == 0

    lab.write("bronze.e", [{"id": 1, "v": 100, "s": "y"}, {"id": 99, "v": 99, "s": "z"}])
    lab.run()
    rows = check(lab, ["s"])
    assert rows[1]["st"] == {"a": 100, "l": [{"q": 100}]} and rows[99]["m"] == {"k": {"z": 99}} and len(rows) == 22

    # One column more, one more inside a struct: names that were there stay.
    lab.model("silver.t", header, COLUMNS.replace("{a: v,", "{a: v, b: id,") + ", -v AS w FROM bronze.e")
    lab.write("bronze.e", [{"id": 2, "v": 200, "s": "x"}])
    lab.run()
    rows = check(lab, ["s"])
    assert (rows[2]["w"], rows[2]["st"]["b"], rows[3]["w"], rows[3]["st"]["b"]) == (-200, 2, None, None)
    now = schema(lab)
    assert {c: names(now)[c] for c in names(first)} == names(first)
    assert names(now)["w"][0] == 11 and now[3]["type"]["fields"][2]["metadata"]["delta.columnMapping.id"] == 10
    assert actions(lab, "metaData")[-1]["configuration"]["delta.columnMapping.maxColumnId"] == "11"

    before = canonical(rows.values())
    lab.cupel("delete", "silver.t", "--where", "id = 3 OR st.a = 100")
    rows = check(lab, ["s"])
    assert sorted(rows) == [0, 2, *range(4, 21), 99]
    lab.cupel("optimize", "silver.t", "--zorder-by", "id,v")
    assert canonical(check(lab, ["s"]).values()) == canonical(rows.values())
    assert (lab.table("silver.t") / "_delta_log" / f"{4:020}.checkpoint.parquet").exists()
    lab.cupel("restore", "silver.t@v2")
    assert canonical(check(lab, ["s"]).values()) == before
    lab.cupel("restore", "silver.t@v0")
    assert len(check(lab, ["s"])) == 21 and names(schema(lab)) == names(first)
    assert actions(lab, "metaData")[-1]["configuration"]["delta.columnMapping.maxColumnId"] == "11"
    lab.write("bronze.e", [{"id": 4, "v": 4000, "s": "x"}])
    assert "CHECK constraint 'sane'" in lab.run(code=6)["silver.t"]["error"]["message"]
    assert not lab.unreferenced("silver.t") - {p for p in lab.unreferenced("silver.t") if p.startswith("_change_data/")}


def test_files_without_the_key_are_passed_over(lab):
    """Statistics of a mapped table are found by its physical names."""
    lab.model("silver.t", "mode: merge\nkey: id\nincremental: bronze.e\nproperties: {delta.columnMapping.mode: name}",
              "SELECT * FROM bronze.e")
    for i in range(4):
        lab.write("bronze.e", [{"id": 10 * i + k, "v": i} for k in range(3)])
        lab.run()
    lab.write("bronze.e", [{"id": 21, "v": 9}])
    lab.run()
    last = lab.version("silver.t")
    assert len(actions(lab, "remove", version=last)) == 1
    assert sorted(lab.query("SELECT v FROM silver.t WHERE id = 21")[0].values()) == [9]
    check(lab)


def test_what_is_replaced_keeps_its_names_by_type(lab):
    header = "mode: replace\nproperties: {delta.columnMapping.mode: name}"
    lab.model("silver.t", header, "SELECT id, v, s, {a: v, b: s} AS st FROM bronze.e")
    lab.write("bronze.e", [{"id": 1, "v": 1, "s": "x"}])
    lab.run()
    first = names(schema(lab))
    lab.write("bronze.e", [{"id": 2, "v": 2, "s": "x"}])
    lab.run()
    assert len(actions(lab, "metaData")) == 1  # nothing about it changed
    lab.model("silver.t", header, "SELECT v::VARCHAR AS v, id, {a: v, c: s} AS st FROM bronze.e")
    lab.run()
    now = names(schema(lab))
    assert now["id"] == first["id"] and now["st"] == first["st"] and now["v"] != first["v"] and "s" not in now
    assert now["v"][0] > max(n for n, _ in first.values())
    rows = check(lab)
    assert rows[2] == {"v": "2", "id": 2, "st": {"a": 2, "c": "x"}}
    assert lab.query("SELECT v, s FROM silver.t@v0") == [{"v": 1, "s": "x"}]


def test_partitions_of_a_mapped_table_are_replaced(lab):
    lab.model("silver.t", "mode: partitions\npartition_by: [s]\nincremental: bronze.e\nproperties: {delta.columnMapping.mode: id}",
              "SELECT s, sum(v)::BIGINT AS v, min(id) AS id FROM bronze.e GROUP BY s")
    lab.write("bronze.e", [{"id": 1, "v": 1, "s": "x"}, {"id": 2, "v": 2, "s": "y"}])
    lab.run()
    lab.write("bronze.e", [{"id": 3, "v": 3, "s": "x"}])
    lab.run()
    rows = check(lab, ["s"])
    assert {(r["s"], r["v"]) for r in rows.values()} == {("x", 4), ("y", 2)}
    assert len(actions(lab, "remove")) == 1


def test_a_table_that_is_there_gets_mapped(lab):
    header = "mode: append\nincremental: bronze.e\npartition_by: [s]"
    lab.model("silver.t", header, COLUMNS + " FROM bronze.e")
    lab.write("bronze.e", [{"id": 1, "v": 1, "s": "x"}])
    lab.run()
    header += "\nproperties: {delta.columnMapping.mode: name}"
    lab.model("silver.t", header, COLUMNS + ", 2 * v AS w FROM bronze.e")
    lab.write("bronze.e", [{"id": 2, "v": 2, "s": "y"}])
    lab.run()
    now = names(schema(lab))
    assert all(p == c for c, (_, p) in now.items() if c != "w") and now["w"][1].startswith("col-")
    assert [p["minReaderVersion"] for p in actions(lab, "protocol")] == [1, 2]
    rows = check(lab, ["s"])
    assert rows[1]["w"] is None and rows[2]["w"] == 4 and rows[1]["st"]["l"] == [{"q": 1}]
    lab.cupel("optimize", "silver.t")
    assert len(check(lab, ["s"])) == 2


@pytest.mark.parametrize("was, mode", [("name", "id"), ("id", "none"), ("none", "id")])
def test_a_mapping_stays_as_it_is(lab, was, mode):
    sql = "SELECT * FROM bronze.e"
    lab.model("silver.t", f"mode: append\nincremental: bronze.e\nproperties: {{delta.columnMapping.mode: {was}}}", sql)
    lab.write("bronze.e", [{"id": 1, "v": 1, "s": "x"}])
    lab.run()
    lab.model("silver.t", f"mode: append\nincremental: bronze.e\nproperties: {{delta.columnMapping.mode: {mode}}}", sql)
    lab.write("bronze.e", [{"id": 2, "v": 1, "s": "x"}])
    failed = lab.run(code=2)["silver.t"]["error"]["message"]
    assert f"has delta.columnMapping.mode {was}, which cannot become {mode}" in failed
    assert len(lab.query("SELECT * FROM silver.t")) == 1 and not lab.unreferenced("silver.t")


def test_names_that_others_refuse(lab):
    sql = 'SELECT id, v AS "net, in € = {x};", {"a b": s} AS "st 1", s AS "by this" FROM bronze.e'
    header = "mode: merge\nkey: id\nincremental: bronze.e\npartition_by: [by this]"
    lab.model("silver.t", header, sql)
    assert "has no name that a table can have" in lab.cupel("validate", code=2).stderr
    lab.model("silver.t", header + "\nproperties: {delta.columnMapping.mode: name, delta.constraints.c: '`net, in € = {x};` > 0'}", sql)
    for v in (1, 2):
        lab.write("bronze.e", [{"id": 1, "v": v, "s": "x"}, {"id": v + 1, "v": 7, "s": "y z"}])
        lab.run()
    rows = check(lab, ["by this"])
    assert rows[1] == {"id": 1, "net, in € = {x};": 2, "st 1": {"a b": "x"}, "by this": "x"} and len(rows) == 3
    lab.cupel("optimize", "silver.t")
    assert len(check(lab, ["by this"])) == 3
