"""What docs/delta.md says of every table feature: each is tried, as a name that a table lists and in use."""
import json
import pathlib
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from lab import Lab, by_delta_rs, by_duckdb, canonical

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs/delta.md"
FEATURES = {name: tuple(re.match("yes|refused|unless in use", cell.strip()).group() for cell in row[1:])
            for row in (line.strip("|").split("|") for line in DOCS.read_text().split("| feature | read | written |")[1].split("\n\n")[0]
                        .splitlines()[2:]) for name in re.findall("`([^`]+)`", row[0])}
# Those that readers must know, too.
READERS = {"catalogManaged", "catalogOwned-preview", "columnMapping", "deletionVectors", "geospatial", "timestampNtz", "typeWidening",
           "typeWidening-preview", "v2Checkpoint", "vacuumProtocolCheck", "variantType", "variantType-preview", "variantShredding",
           "variantShredding-preview"}
# How a feature comes into use: properties, metadata of the column x, its type.
USES = {
    "allowColumnDefaults": ({}, {"CURRENT_DEFAULT": "6"}, "long"),
    "appendOnly": ({"delta.appendOnly": "true"}, {}, "long"),
    "changeDataFeed": ({"delta.enableChangeDataFeed": "true"}, {}, "long"),
    "checkConstraints": ({"delta.constraints.c": "id > 0"}, {}, "long"),
    "columnMapping": ({"delta.columnMapping.mode": "name", "delta.columnMapping.maxColumnId": "2"},
                      {"delta.columnMapping.id": 2, "delta.columnMapping.physicalName": "col-x"}, "long"),
    "deletionVectors": ({"delta.enableDeletionVectors": "true"}, {}, "long"),
    "generatedColumns": ({}, {"delta.generationExpression": "id + 1"}, "long"),
    "identityColumns": ({}, {"delta.identity.start": 1, "delta.identity.step": 1, "delta.identity.allowExplicitInsert": True}, "long"),
    "icebergCompatV1": ({"delta.enableIcebergCompatV1": "true"}, {}, "long"),
    "icebergCompatV2": ({"delta.enableIcebergCompatV2": "true"}, {}, "long"),
    "inCommitTimestamp": ({"delta.enableInCommitTimestamps": "true"}, {}, "long"),
    "invariants": ({}, {"delta.invariants": json.dumps({"expression": {"expression": "x > 0"}})}, "long"),
    "rowTracking": ({"delta.enableRowTracking": "true", "delta.rowTracking.materializedRowIdColumnName": "_row_id"}, {}, "long"),
    "timestampNtz": ({}, {}, "timestamp_ntz"),
    "typeWidening": ({"delta.enableTypeWidening": "true"}, {"delta.typeChanges": [{"fromType": "integer", "toType": "long"}]}, "long"),
    "v2Checkpoint": ({"delta.checkpointPolicy": "v2", "delta.checkpointInterval": "1"}, {}, "long"),
    "variantType": ({}, {}, "variant"),
}
UNKNOWN_TO_DELTA_RS = {"typeWidening", "typeWidening-preview", "vacuumProtocolCheck"}
STATES = [(name, in_use) for name in FEATURES for in_use in (False, True) if not in_use or name in USES]


@pytest.fixture
def lab(tmp_path, cupel_bin):
    lab = Lab(tmp_path / "lab", cupel_bin)
    lab.input("bronze.e", "id BIGINT")
    return lab


def make(lab, name, in_use):
    """A table of one row, (1, 2), as another writer leaves it."""
    conf, more, kind = USES[name] if in_use else ({}, {}, "long")
    mapped = "columnMapping" == name and in_use
    first = {"delta.columnMapping.id": 1, "delta.columnMapping.physicalName": "col-id"} if mapped else {}
    fields = [{"name": "id", "type": "long", "nullable": True, "metadata": first}, {"name": "x", "type": kind, "nullable": True, "metadata": more}]
    table = lab.table("silver.t")
    (table / "_delta_log").mkdir(parents=True)
    prefix = "col-" if mapped else ""
    x = pa.array([2], pa.timestamp("us") if kind == "timestamp_ntz" else pa.int32() if "delta.typeChanges" in more else pa.int64())
    pq.write_table(pa.table({prefix + "id": pa.array([1], pa.int64()), prefix + "x": x}), table / "one.parquet")
    reader = {"minReaderVersion": 3, "readerFeatures": [name]} if name in READERS else {"minReaderVersion": 1}
    log = [{"commitInfo": {"timestamp": 1, "inCommitTimestamp": 1, "operation": "WRITE"}},
           {"protocol": {**reader, "minWriterVersion": 7, "writerFeatures": [name]}},
           {"metaData": {"id": "x", "format": {"provider": "parquet", "options": {}}, "configuration": conf, "createdTime": 1,
                         "schemaString": json.dumps({"type": "struct", "fields": fields}), "partitionColumns": []}},
           {"add": {"path": "one.parquet", "partitionValues": {}, "size": (table / "one.parquet").stat().st_size, "modificationTime": 1,
                    "dataChange": True, "stats": json.dumps({"numRecords": 1})}}]
    if name in ("domainMetadata", "clustering", "rowTracking"):
        log.append({"domainMetadata": {"domain": "theirs", "configuration": "{}", "removed": False}})
    (table / "_delta_log" / f"{0:020}.json").write_text("".join(json.dumps(a) + "\n" for a in log))


def test_the_list_is_one():
    assert len(FEATURES) > 30 and set(USES) <= set(FEATURES) and all(len(v) == 2 for v in FEATURES.values())


@pytest.mark.parametrize("name, in_use", STATES)
def test_a_feature_is_what_the_docs_say(lab, name, in_use):
    make(lab, name, in_use)
    read, write = FEATURES[name]
    zoneless = name == "timestampNtz" and in_use
    if read == "refused":
        assert f"needs reader feature '{name}'" in lab.query("SELECT * FROM silver.t", code=6)
        assert write == "refused"
    else:
        assert lab.query("SELECT id FROM silver.t WHERE x " + ("IS NOT NULL" if zoneless else "= 2")) == [{"id": 1}]
    x = "" if name in ("generatedColumns", "allowColumnDefaults") and in_use else ", TIMESTAMP '2026-01-02' AS x" if zoneless else ", 6 AS x"
    lab.model("silver.t", "mode: append\nincremental: bronze.e", f"SELECT id{x} FROM bronze.e")
    lab.write("bronze.e", [{"id": 5}])
    if write == "refused" or (write == "unless in use" and in_use):
        failed = lab.run(code=6)["silver.t"]["error"]["message"]
        assert f"needs {'reader' if read == 'refused' else 'writer'} feature '{name}'" in failed
        assert sorted(p.name for p in lab.table("silver.t").iterdir()) == ["_delta_log", "one.parquet"]
        return
    lab.run()
    ours = lab.query("SELECT * FROM silver.t ORDER BY id")
    assert [r["id"] for r in ours] == [1, 5] and [r["x"] for r in ours][1:] == (["2026-01-02T00:00:00.000000"] if zoneless else [6])
    log = [json.loads(line) for p in sorted((lab.table("silver.t") / "_delta_log").glob("*.json")) for line in p.read_text().splitlines()]
    assert len([a for a in log if "protocol" in a]) == 1
    theirs = by_duckdb(lab.table("silver.t"))
    assert canonical({**r, "x": r["x"].isoformat(timespec="microseconds") if zoneless else r["x"]} for r in theirs) == canonical(ours)
    if name not in UNKNOWN_TO_DELTA_RS:
        assert len(by_delta_rs(lab.table("silver.t"))) == 2
