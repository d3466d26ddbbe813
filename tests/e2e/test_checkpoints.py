"""Checkpoints of the second format: written here, opened by others when the commits before are gone."""
import json
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from lab import Lab, by_delta_rs, by_duckdb, canonical

OLD = 1_700_000_000


@pytest.fixture
def lab(tmp_path, cupel_bin):
    lab = Lab(tmp_path / "lab", cupel_bin)
    lab.input("bronze.e", "id BIGINT, v BIGINT, s VARCHAR")
    return lab


def test_others_open_a_table_by_its_v2_checkpoint(lab):
    lab.model("silver.t", """mode: merge
key: id
incremental: bronze.e
partition_by: [s]
properties:
  delta.checkpointPolicy: v2
  delta.checkpointInterval: 2
  delta.enableDeletionVectors: true""", "SELECT * FROM bronze.e")
    for i in range(3):
        lab.write("bronze.e", [{"id": k, "v": i, "s": "xy"[k % 2]} for k in range(i, 20, i + 1)])
        lab.run()
    log = lab.table("silver.t") / "_delta_log"
    checkpoint = pq.read_table(log / f"{2:020}.checkpoint.parquet").to_pylist()
    assert [r["checkpointMetadata"]["version"] for r in checkpoint if r["checkpointMetadata"]] == [2]
    ours = canonical(lab.query("SELECT * FROM silver.t"))
    for version in range(3):
        (log / f"{version:020}.json").unlink()
    assert canonical(lab.query("SELECT * FROM silver.t")) == ours
    assert canonical(by_delta_rs(lab.table("silver.t"))) == ours
    assert canonical(by_duckdb(lab.table("silver.t"))) == ours
    lab.write("bronze.e", [{"id": 1, "v": 100, "s": "y"}])
    lab.run()
    assert {r["id"]: r["v"] for r in by_delta_rs(lab.table("silver.t"))}[1] == 100


def many_files(lab, n):
    """Of one row each, in one commit."""
    table = lab.table("silver.t")
    (table / "_delta_log").mkdir(parents=True)
    pq.write_table(pa.table({"id": [1], "v": [1], "s": ["x"]}), table / "f0.parquet")
    size = (table / "f0.parquet").stat().st_size
    for i in range(1, n):
        os.link(table / "f0.parquet", table / f"f{i}.parquet")
    fields = [{"name": c, "type": t, "nullable": True, "metadata": {}} for c, t in (("id", "long"), ("v", "long"), ("s", "string"))]
    log = [{"protocol": {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["v2Checkpoint"], "writerFeatures": ["v2Checkpoint"]}},
           {"metaData": {"id": "x", "format": {"provider": "parquet", "options": {}}, "partitionColumns": [], "createdTime": 1,
                         "schemaString": json.dumps({"type": "struct", "fields": fields}),
                         "configuration": {"delta.checkpointPolicy": "v2", "delta.checkpointInterval": "1"}}}]
    log += [{"add": {"path": f"f{i}.parquet", "partitionValues": {}, "size": size, "modificationTime": 1, "dataChange": True,
                     "stats": json.dumps({"numRecords": 1})}} for i in range(n)]
    (table / "_delta_log" / f"{0:020}.json").write_text("".join(json.dumps(a) + "\n" for a in log))


def test_a_large_table_has_sidecars(lab):
    many_files(lab, 10_001)
    lab.model("silver.t", "mode: append\nincremental: bronze.e", "SELECT * FROM bronze.e")
    lab.write("bronze.e", [{"id": 2, "v": 2}])
    lab.run()
    log = lab.table("silver.t") / "_delta_log"
    side = log / "_sidecars"
    named = [r["sidecar"] for r in pq.read_table(log / f"{1:020}.checkpoint.parquet").to_pylist() if r["sidecar"]]
    assert [(s["path"], s["sizeInBytes"]) for s in named] == [(p.name, p.stat().st_size) for p in side.iterdir()] and len(named) == 1
    (log / f"{0:020}.json").unlink()
    (log / f"{1:020}.json").unlink()
    assert lab.query("SELECT count(*) AS n, sum(id) AS s FROM silver.t") == [{"n": 10_002, "s": 10_003}]
    assert len(lab.delta("silver.t").file_uris()) == 10_002
    assert len(by_duckdb(lab.table("silver.t"), "id")) == 10_002
    lab.write("bronze.e", [{"id": 3, "v": 3}])
    lab.run()
    assert len(list(side.iterdir())) == 2

    # Sidecars go when no checkpoint has them any more, not before, and never a new one.
    (side / "stray.parquet").write_bytes(b"x")
    (side / "young.parquet").write_bytes(b"x")
    for p in [*side.iterdir(), *log.glob("*.json"), *log.glob("*.parquet")]:
        if p.name != "young.parquet":
            os.utime(p, (OLD, OLD))
    lab.cupel("vacuum", "silver.t")
    left = [r["sidecar"]["path"] for r in pq.read_table(log / f"{2:020}.checkpoint.parquet").to_pylist() if r["sidecar"]]
    assert sorted(p.name for p in side.iterdir()) == sorted([*left, "young.parquet"])
    assert not (log / f"{1:020}.checkpoint.parquet").exists()
    assert lab.query("SELECT count(*) AS n FROM silver.t") == [{"n": 10_003}]
