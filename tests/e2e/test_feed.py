"""The change data feed, as delta-rs reads it: what each commit did to the rows."""
import json

import pyarrow as pa
import pytest
from lab import Lab

HEADER = "mode: merge\nkey: id\nincremental: bronze.e\nproperties: {delta.enableChangeDataFeed: true}"


@pytest.fixture
def lab(tmp_path, cupel_bin):
    lab = Lab(tmp_path / "lab", cupel_bin)
    lab.input("bronze.e", "id BIGINT, v BIGINT, s VARCHAR")
    return lab


def fill(lab, *rows):
    lab.write("bronze.e", [dict(zip(("id", "v", "s"), r)) for r in rows])
    lab.run()


def feed(lab, version, columns="_change_type id v"):
    table = pa.table(lab.delta("silver.t").load_cdf(starting_version=version, ending_version=version))
    return sorted(tuple(r[c] for c in columns.split()) for r in table.to_pylist())


@pytest.mark.parametrize("by", ["", "\npartition_by: s"])
def test_merges_and_deletes_tell_what_they_did(lab, by):
    lab.model("silver.t", HEADER + by, "SELECT * FROM bronze.e")
    fill(lab, (1, 1, "a"), (2, 2, "a"), (3, 3, "b"))
    fill(lab, (2, 20, "b"), (4, 4, "a"))
    fill(lab, (5, 5, "c"))
    lab.cupel("delete", "silver.t", "--where", "id = 1 OR id = 3")
    assert feed(lab, 0) == [("insert", 1, 1), ("insert", 2, 2), ("insert", 3, 3)]
    assert feed(lab, 1, "_change_type id v s") == [("insert", 4, 4, "a"), ("update_postimage", 2, 20, "b"),
                                                   ("update_preimage", 2, 2, "a")]
    assert feed(lab, 2) == [("insert", 5, 5)]
    assert feed(lab, 3) == [("delete", 1, 1), ("delete", 3, 3)]
    assert lab.values("silver.t", "id", "v") == [(2, 20), (4, 4), (5, 5)]
    log = (lab.table("silver.t") / "_delta_log/00000000000000000002.json").read_text()
    assert '"cdc"' not in log  # an insert tells itself


def test_older_rows_and_groups(lab):
    lab.model("silver.t", HEADER + "\nsequence_by: v", "SELECT * FROM bronze.e")
    fill(lab, (1, 10, "a"), (2, 10, "a"))
    fill(lab, (1, 5, "old"), (2, 15, "new"))
    assert feed(lab, 1) == [("update_postimage", 2, 15), ("update_preimage", 2, 10)]


def test_rows_of_a_group_that_are_not_made_again_are_deletes(lab):
    lab.model("silver.t", HEADER.replace("incremental: bronze.e", "incremental: {bronze.e: id}").replace("key: id", "key: [id, v]"),
              "SELECT * FROM bronze.e QUALIFY row_number() OVER (PARTITION BY id ORDER BY v DESC) = 1")
    fill(lab, (1, 1, "a"), (2, 2, "a"))
    fill(lab, (1, 7, "b"))
    assert feed(lab, 1) == [("delete", 1, 1), ("insert", 1, 7)]


def test_vectors_and_the_feed(lab):
    lab.model("silver.t", HEADER.replace("true}", "true, delta.enableDeletionVectors: true}"), "SELECT * FROM bronze.e")
    fill(lab, *((i, i, "a") for i in range(20)))
    fill(lab, (1, 100, "b"))
    log = [json.loads(x) for x in (lab.table("silver.t") / "_delta_log/00000000000000000001.json").read_text().splitlines()]
    cdc = [a["cdc"] for a in log if "cdc" in a]
    assert len(cdc) == 1 and cdc[0]["dataChange"] is False
    path = str(lab.table("silver.t") / cdc[0]["path"])
    assert lab.query(f"SELECT id, v, _change_type AS c FROM '{path}' ORDER BY c") == [
        {"id": 1, "v": 100, "c": "update_postimage"}, {"id": 1, "v": 1, "c": "update_preimage"}]


def test_a_failed_run_leaves_no_feed(lab):
    lab.model("silver.t", HEADER + "\nchecks:\n  - row_count: {max: 3}", "SELECT * FROM bronze.e")
    fill(lab, (1, 1, "a"), (2, 2, "a"))
    lab.write("bronze.e", [{"id": 1, "v": 5}, {"id": 3, "v": 5}, {"id": 4, "v": 5}])
    lab.run(code=6)
    assert not list(lab.table("silver.t").glob("_change_data/*"))


def test_columns_of_the_feed_are_its_own(lab):
    lab.model("silver.t", HEADER, "SELECT *, 1 AS _change_type FROM bronze.e")
    lab.write("bronze.e", [{"id": 1}])
    assert "has a column '_change_type'" in lab.run(code=6)["silver.t"]["error"]["message"]
