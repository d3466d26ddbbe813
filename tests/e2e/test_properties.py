"""What a table demands, and what its properties make of it: constraints, protocol, times, vectors."""
import json

import deltalake
import pyarrow as pa
import pytest
from lab import Lab


@pytest.fixture
def lab(tmp_path, cupel_bin):
    lab = Lab(tmp_path / "lab", cupel_bin)
    lab.input("bronze.e", "id BIGINT, v BIGINT, s VARCHAR")
    return lab


def log(lab, name, version):
    text = (lab.table(name) / "_delta_log" / f"{version:020}.json").read_text()
    return [json.loads(line) for line in text.splitlines()]


def actions(lab, name, version, kind):
    return [a[kind] for a in log(lab, name, version) if kind in a]


def test_properties_of_the_header_are_those_of_the_table(lab):
    lab.model("silver.t", """mode: merge
key: id
incremental: bronze.e
properties:
  delta.appendOnly: false
  delta.enableInCommitTimestamps: true
  delta.checkpointInterval: 3""", "SELECT * FROM bronze.e")
    lab.write("bronze.e", [{"id": 1, "v": 1}])
    lab.run()
    delta = lab.delta("silver.t")
    assert delta.metadata().configuration["delta.checkpointInterval"] == "3"
    assert "inCommitTimestamp" in actions(lab, "silver.t", 0, "protocol")[0]["writerFeatures"]
    text = (lab.path / "models/silver/t.sql").read_text()
    lab.file("models/silver/t.sql", text.replace("checkpointInterval: 3", "checkpointInterval: 5"))
    assert lab.plan()["silver.t"]["reason"] == "its table's properties changed"
    lab.run()
    assert lab.delta("silver.t").metadata().configuration["delta.checkpointInterval"] == "5"
    assert not lab.plan()["silver.t"]["stale"]
    times = [actions(lab, "silver.t", v, "commitInfo")[0]["inCommitTimestamp"] for v in range(2)]
    assert times[0] < times[1]
    assert lab.rows("silver.t") == [{"id": 1, "v": 1, "s": None}]


def test_a_property_that_is_none_is_a_mistake(lab):
    lab.model("silver.t", "properties: {delta.enableDeletionVector: true}", "SELECT 1 AS id")
    done = lab.cupel("validate", code=2)
    text = done.stdout + done.stderr
    assert "'delta.enableDeletionVector' is no table property that can be set here" in text
    assert "did you mean 'delta.enableDeletionVectors'?" in text


def test_rows_against_a_constraint_fail_the_run(lab):
    lab.model("silver.t", """mode: merge
key: id
incremental: bronze.e
properties:
  delta.constraints.positive: "`v` > 0"
passing: 0%
checks:
  - row: id < 100""", "SELECT * FROM bronze.e")
    lab.write("bronze.e", [{"id": 1, "v": 1}, {"id": 100, "v": -1}])  # what the checks hold back may be as it likes
    assert lab.run()["silver.t"]["quarantined"] == 1
    lab.write("bronze.e", [{"id": 2, "v": -2}, {"id": 3, "v": None}])
    failed = lab.run(code=6)["silver.t"]
    assert "CHECK constraint 'positive' (`v` > 0) does not hold in 2 rows: {\"id\":2,\"v\":-2" in failed["error"]["message"]
    assert lab.values("silver.t", "id") == [(1,)]
    assert not lab.unreferenced("silver.t")


def test_a_constraint_holds_for_the_rows_that_are_there(lab):
    header = "mode: append\nincremental: bronze.e"
    lab.model("silver.t", header, "SELECT * FROM bronze.e")
    lab.write("bronze.e", [{"id": 1, "v": -1}])
    lab.run()
    lab.model("silver.t", header + "\nproperties: {delta.constraints.positive: v > 0}", "SELECT * FROM bronze.e")
    failed = lab.run(code=6)["silver.t"]
    assert "CHECK constraint 'positive' (v > 0) does not hold in 1 row that it has" in failed["error"]["message"]
    lab.model("silver.t", header + "\nproperties: {delta.constraints.negative: v < 0}", "SELECT * FROM bronze.e")
    lab.run()
    assert lab.delta("silver.t").metadata().configuration["delta.constraints.negative"] == "v < 0"


def test_what_cannot_be_checked_is_not_written(lab):
    lab.model("silver.t", "mode: append\nincremental: bronze.e", "SELECT * FROM bronze.e")
    lab.write("bronze.e", [{"id": 1, "v": 1}])
    lab.run()
    lab.delta("silver.t").alter.add_constraint({"sane": "v > 0"})
    lab.write("bronze.e", [{"id": 2, "v": 2}])
    lab.run()
    lab.write("bronze.e", [{"id": 3, "v": -3}])
    assert "CHECK constraint 'sane'" in lab.run(code=6)["silver.t"]["error"]["message"]
    log = lab.table("silver.t") / "_delta_log"
    last = max(log.glob("*.json"))
    metadata = [a["metaData"] for p in sorted(log.glob("*.json")) for a in map(json.loads, p.read_text().splitlines())
                if "metaData" in a][-1]
    metadata["configuration"]["delta.constraints.odd"] = "spark_only_function(v)"
    (log / f"{int(last.stem) + 1:020}.json").write_text(json.dumps({"metaData": metadata}) + "\n")
    failed = lab.run(code=6)["silver.t"]["error"]["message"]
    assert "has the constraint 'odd' (spark_only_function(v)), which cannot be checked here" in failed


def test_null_where_none_may_be(lab):
    columns = [pa.field("id", pa.int64(), nullable=False),
               pa.field("st", pa.struct([pa.field("a", pa.int64(), nullable=False)]))]
    lab.model("silver.t", "mode: append\nincremental: bronze.e",
              "SELECT id, CASE WHEN v IS NULL THEN NULL ELSE {a: nullif(v, 0)} END AS st FROM bronze.e")
    lab.table("silver.t").mkdir(parents=True)
    deltalake.DeltaTable.create(str(lab.table("silver.t")), pa.schema(columns))
    lab.write("bronze.e", [{"id": 1, "v": 1}, {"id": 2, "v": None}])
    lab.run()
    assert lab.query("SELECT id, st.a AS a FROM silver.t ORDER BY id") == [{"id": 1, "a": 1}, {"id": 2, "a": None}]
    lab.write("bronze.e", [{"id": 3, "v": 0}])
    assert "NOT NULL of column 'st.a' does not hold in 1 row" in lab.run(code=6)["silver.t"]["error"]["message"]
    lab.model("silver.t", "mode: replace", "SELECT nullif(id, 1) AS id, {a: 1::BIGINT} AS st FROM bronze.e")
    assert "NOT NULL of column 'id' does not hold in 1 row" in lab.run(code=6)["silver.t"]["error"]["message"]


def test_columns_with_statistics_are_those_asked_for(lab):
    lab.model("silver.t", "mode: merge\nkey: id\nincremental: bronze.e\nproperties: {delta.dataSkippingStatsColumns: 'id, s'}",
              "SELECT * FROM bronze.e")
    for i in range(2):
        lab.write("bronze.e", [{"id": 1, "v": i, "s": "x"}])
        lab.run()
        stats = json.loads(actions(lab, "silver.t", i, "add")[0]["stats"])
        assert stats["minValues"] == {"id": 1, "s": "x"}


def test_a_column_becomes_wider_where_the_table_allows_it(lab):
    header = "mode: merge\nkey: id\nincremental: bronze.e"
    lab.model("silver.t", header, "SELECT id, v::INTEGER AS v, {a: v::SMALLINT} AS st FROM bronze.e")
    lab.write("bronze.e", [{"id": 1, "v": 1}, {"id": 2, "v": 2}])
    lab.run()
    lab.model("silver.t", header, "SELECT id, v, {a: v} AS st FROM bronze.e")
    lab.write("bronze.e", [{"id": 2, "v": 3_000_000_000}])
    failed = lab.run(code=6)["silver.t"]["error"]
    assert "column 'v' is integer in the table, and long in the rows" in failed["message"]
    assert "delta.enableTypeWidening: true" in failed["hint"]
    lab.model("silver.t", header + "\nproperties: {delta.enableTypeWidening: true}", "SELECT id, v, {a: v} AS st FROM bronze.e")
    lab.run()
    metadata = actions(lab, "silver.t", 1, "metaData")[0]
    fields = json.loads(metadata["schemaString"])["fields"]
    assert fields[1]["type"] == "long"
    assert fields[1]["metadata"] == {"delta.typeChanges": [{"toType": "long", "fromType": "integer"}]}
    assert fields[2]["type"]["fields"][0]["metadata"]["delta.typeChanges"] == [{"toType": "long", "fromType": "short"}]
    assert "typeWidening" in actions(lab, "silver.t", 1, "protocol")[0]["readerFeatures"]
    lab.write("bronze.e", [{"id": 3, "v": 3}])
    lab.run()
    assert lab.query("SELECT id, v, st.a AS a FROM silver.t ORDER BY id") == [
        {"id": 1, "v": 1, "a": 1}, {"id": 2, "v": 3_000_000_000, "a": 3_000_000_000}, {"id": 3, "v": 3, "a": 3}]
    assert lab.query("SELECT v FROM silver.t@v0 ORDER BY id") == [{"v": 1}, {"v": 2}]


def test_generated_columns_and_invariants_of_others(lab):
    """A table as Spark makes it: its log is written by hand."""
    fields = [{"name": "id", "type": "long", "nullable": True,
               "metadata": {"delta.invariants": json.dumps({"expression": {"expression": "id > 0"}})}},
              {"name": "v", "type": "long", "nullable": True, "metadata": {}},
              {"name": "twice", "type": "long", "nullable": True, "metadata": {"delta.generationExpression": "`v` * 2"}}]
    schema = json.dumps({"type": "struct", "fields": fields})
    log = lab.table("silver.t") / "_delta_log"
    log.mkdir(parents=True)
    first = [{"protocol": {"minReaderVersion": 1, "minWriterVersion": 4}},
             {"metaData": {"id": "x", "format": {"provider": "parquet", "options": {}}, "schemaString": schema,
                           "partitionColumns": [], "configuration": {}, "createdTime": 1}}]
    (log / f"{0:020}.json").write_text("".join(json.dumps(a) + "\n" for a in first))
    lab.model("silver.t", "mode: append\nincremental: bronze.e", "SELECT id, v, v + v AS twice FROM bronze.e")
    lab.write("bronze.e", [{"id": 1, "v": 1}, {"id": 2, "v": None}])
    lab.run()
    assert lab.query("SELECT * FROM silver.t ORDER BY id") == [{"id": 1, "v": 1, "twice": 2}, {"id": 2, "v": None, "twice": None}]
    lab.write("bronze.e", [{"id": -1, "v": 1}])
    assert "CHECK constraint 'id' (id > 0) does not hold in 1 row" in lab.run(code=6)["silver.t"]["error"]["message"]
    lab.model("silver.t", "mode: append\nincremental: bronze.e", "SELECT abs(id) AS id, v, 3::BIGINT AS twice FROM bronze.e")
    assert "'value of twice'" in lab.run(code=6)["silver.t"]["error"]["message"]


def generated(lab, columns, by=(), conf=None, protocol=None):
    """A table as Spark makes it, with the columns (name, type, expression or None)."""
    fields = [{"name": n, "type": t, "nullable": True, "metadata": {"delta.generationExpression": x} if x else {}}
              for n, t, x in columns]
    log = lab.table("silver.t") / "_delta_log"
    log.mkdir(parents=True)
    first = [{"protocol": protocol or {"minReaderVersion": 1, "minWriterVersion": 4}},
             {"metaData": {"id": "x", "format": {"provider": "parquet", "options": {}},
                           "schemaString": json.dumps({"type": "struct", "fields": fields}),
                           "partitionColumns": list(by), "configuration": conf or {}, "createdTime": 1}}]
    (log / f"{0:020}.json").write_text("".join(json.dumps(a) + "\n" for a in first))


@pytest.mark.parametrize("mode", ["mode: append", "mode: merge\nkey: id", "mode: append\nschema: freeze", "mode: replace\nschema: freeze",
                                  "mode: replace"])
def test_generated_columns_are_computed(lab, mode):
    generated(lab, [("id", "long", None), ("at", "timestamp", None), ("day", "date", "CAST(`at` AS DATE)"), ("y", "integer", "YEAR(`at`)"),
                    ("v", "long", None), ("big", "string", "CASE WHEN (v + 1) * 2 > 10 THEN \"yes\" ELSE 'no' END")],
              by=["day"] if "replace" not in mode else [])
    sql = "SELECT id, '2026-11-20 23:00:00+00'::TIMESTAMPTZ + to_hours(id::INTEGER) AS at, v FROM bronze.e"
    incremental = "" if "replace" in mode else "\nincremental: bronze.e"
    lab.model("silver.t", mode + incremental + "\nchecks:\n  - row: id < 100\npassing: 0%", sql)
    lab.write("bronze.e", [{"id": 0, "v": 1}, {"id": 1, "v": 9}, {"id": 100, "v": 1}])
    assert lab.run()["silver.t"]["quarantined"] == 1
    lab.write("bronze.e", [{"id": 2, "v": None}])
    lab.run()
    rows = "SELECT id, day::VARCHAR AS day, y, big FROM silver.t ORDER BY id"
    assert lab.query(rows) == [{"id": 0, "day": "2026-11-20", "y": 2026, "big": "no"}, {"id": 1, "day": "2026-11-21", "y": 2026, "big": "yes"},
                               {"id": 2, "day": "2026-11-21", "y": 2026, "big": "no"}]
    fields = {f["name"]: f["metadata"] for f in json.loads(lab.delta("silver.t").schema().to_json())["fields"]}
    assert fields["y"] == {"delta.generationExpression": "YEAR(`at`)"} and len(fields) == 6


@pytest.mark.parametrize("expression", ["concat(s, 'x')", "CAST(v / 2 AS BIGINT)", "v / 2", "dayofweek(s)", "CAST(s AS INT)", "upper(s)", "v * 1.5",
                                        "CAST(v AS STRING)", "'it\\'s'", "spark_only(v)"])
def test_what_may_mean_something_else_is_not_computed(lab, expression):
    generated(lab, [("id", "long", None), ("v", "long", None), ("s", "string", None), ("x", "string", expression)])
    lab.model("silver.t", "mode: append\nincremental: bronze.e", "SELECT id, v, s FROM bronze.e")
    lab.write("bronze.e", [{"id": 1, "v": 1, "s": "a"}])
    said = lab.run(code=6)["silver.t"]
    assert f"has the generated column 'x' ({expression}), which the rows do not have and which cannot be computed here" in said["error"]["message"]
    assert "have the SELECT give it" in said["error"]["hint"]
    assert sorted(p.name for p in lab.table("silver.t").iterdir()) == ["_delta_log"]


@pytest.mark.parametrize("kind, default, value", [
    ("long", "-7", -7), ("string", "'it''s'", "it's"), ("double", "0.25", 0.25), ("string", '"x"', "x"), ("boolean", "TRUE", True),
    ("long", "uuid()", None), ("string", "spark_word", None), ("long", "1 / 2", None)])
def test_defaults_are_filled_in(lab, kind, default, value):
    defaults = {"minReaderVersion": 1, "minWriterVersion": 7, "writerFeatures": ["allowColumnDefaults"]}
    generated(lab, [("id", "long", None), ("x", kind, None)], protocol=defaults)
    log = lab.table("silver.t") / "_delta_log" / f"{0:020}.json"
    log.write_text(log.read_text().replace('\\"nullable\\": true, \\"metadata\\": {}}]',
                                           '\\"nullable\\": false, \\"metadata\\": ' + json.dumps(json.dumps({"CURRENT_DEFAULT": default}))[1:-1] + "}]"))
    lab.model("silver.t", "mode: append\nincremental: bronze.e\nschema: freeze", "SELECT id FROM bronze.e")
    lab.write("bronze.e", [{"id": 1}])
    if value is None:
        failed = lab.run(code=6)["silver.t"]["error"]["message"]
        assert f"has the default of column 'x' ({default}), which the rows do not have and which cannot be computed here" in failed
        return
    lab.run()
    assert lab.query("SELECT * FROM silver.t") == [{"id": 1, "x": value}]
    lab.model("silver.t", "mode: append\nincremental: bronze.e\nschema: freeze", f"SELECT id, NULL::{'VARCHAR' if kind == 'string' else kind.replace('long', 'BIGINT')} AS x FROM bronze.e")
    lab.write("bronze.e", [{"id": 2}])
    assert "NOT NULL of column 'x'" in lab.run(code=6)["silver.t"]["error"]["message"]


def test_a_generated_column_of_a_column_that_went(lab):
    generated(lab, [("id", "long", None), ("v", "long", None), ("x", "long", "v + 1")])
    lab.model("silver.t", "mode: replace", "SELECT id FROM bronze.e")
    lab.write("bronze.e", [{"id": 1, "v": 1}])
    assert "'value of x' (`x` IS NOT DISTINCT FROM (v + 1)), which cannot be checked here: unknown column 'v'" in lab.run(code=6)["silver.t"]["error"]["message"]


@pytest.mark.parametrize("protocol, field, name", [
    ({"minReaderVersion": 1, "minWriterVersion": 6}, {"delta.identity.start": 1, "delta.identity.step": 1}, "identityColumns"),
    ({"minReaderVersion": 1, "minWriterVersion": 7, "writerFeatures": ["rowTracking", "domainMetadata"]}, {}, "rowTracking"),
])
def test_what_cannot_be_honoured_is_refused_before_anything_is_written(lab, protocol, field, name):
    schema = json.dumps({"type": "struct", "fields": [{"name": "id", "type": "long", "nullable": True, "metadata": field}]})
    log = lab.table("silver.t") / "_delta_log"
    log.mkdir(parents=True)
    first = [{"protocol": protocol},
             {"metaData": {"id": "x", "format": {"provider": "parquet", "options": {}}, "schemaString": schema,
                           "partitionColumns": [], "configuration": {}, "createdTime": 1}}]
    (log / f"{0:020}.json").write_text("".join(json.dumps(a) + "\n" for a in first))
    lab.model("silver.t", "mode: append\nincremental: bronze.e", "SELECT id FROM bronze.e")
    lab.write("bronze.e", [{"id": 1}])
    assert f"needs writer feature '{name}'" in lab.run(code=6)["silver.t"]["error"]["message"]
    assert sorted(p.name for p in lab.table("silver.t").iterdir()) == ["_delta_log"]
