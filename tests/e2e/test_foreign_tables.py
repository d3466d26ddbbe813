"""Tables as other writers may leave them, made by hand: whatever the protocol allows a log and its files to be."""
import datetime as dt
import decimal
import json
import struct
import uuid
import zlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

Z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"


def z85(data):
    out = ""
    for i in range(0, len(data), 4):
        value, part = int.from_bytes(data[i:i + 4], "big"), ""
        for _ in range(5):
            part, value = Z85[value % 85] + part, value // 85
        out += part
    return out


def bitmap(rows):
    """A RoaringBitmapArray of one list."""
    return struct.pack("<IqIIIHHI", 1681511377, 1, 0, 12346, 1, 0, len(rows) - 1, 16) + struct.pack(f"<{len(rows)}H", *rows)


def field(name, kind, nullable=True, **metadata):
    return {"name": name, "type": kind, "nullable": nullable, "metadata": metadata}


def mapped(name, kind, physical, number):
    return field(name, kind, **{"delta.columnMapping.physicalName": physical, "delta.columnMapping.id": number})


def fields(*members):
    return {"type": "struct", "fields": list(members)}


class Foreign:
    def __init__(self, path, cupel):
        self.path, self.cupel = path, cupel
        (path / "_delta_log").mkdir(parents=True)

    def log(self, version, *actions, name=None):
        lines = "".join(json.dumps(a) + "\n" for a in actions)
        (self.path / "_delta_log" / (name or f"{version:020}.json")).write_text(lines)

    def begin(self, schema, by=(), conf=None, features=(), reader=1, writer=2, version=0, more=()):
        protocol = {"minReaderVersion": reader, "minWriterVersion": writer}
        if reader == 3:
            protocol |= {"readerFeatures": list(features), "writerFeatures": list(features)}
        meta = {"id": "x", "format": {"provider": "parquet", "options": {}}, "schemaString": json.dumps(schema),
                "partitionColumns": list(by), "configuration": conf or {}, "createdTime": 1}
        self.log(version, {"protocol": protocol}, {"metaData": meta}, *more)

    def add(self, name, table, values=None, **more):
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, file)
        return {"add": {"path": name, "partitionValues": values or {}, "size": file.stat().st_size, "modificationTime": 1,
                        "dataChange": True, "stats": json.dumps({"numRecords": table.num_rows}), **more}}

    def rows(self, sql="SELECT * FROM {} ORDER BY ALL", at=""):
        said = self.cupel(["query", "-o", "json", sql.format(f"delta.`{self.path}{at}`")], self.path)
        return [tuple(r.values()) for r in json.loads(said.stdout)]

    def types(self):
        return dict(self.rows("SELECT column_name, column_type FROM (DESCRIBE {})"))

    def refusal(self, sql="SELECT * FROM {}"):
        r = self.cupel(["query", sql.format(f"delta.`{self.path}`")], self.path, code=None)
        assert r.returncode in (2, 6, 8), r
        return r.stderr


@pytest.fixture
def foreign(tmp_path, cupel):
    return Foreign(tmp_path / "table", cupel)


def test_types_that_were_widened(foreign):
    wide = {"i": "long", "s": "integer", "f": "double", "d": "decimal(20,4)", "n": "decimal(12,1)", "t": "timestamp_ntz",
            "x": "double", "l": {"type": "array", "elementType": "long", "containsNull": True}}
    foreign.begin(fields(*[field(k, v) for k, v in wide.items()]), reader=3, writer=7, features=["typeWidening", "timestampNtz"])
    old = pa.table({"i": pa.array([1], pa.int8()), "s": pa.array([2], pa.int16()), "f": pa.array([0.5], pa.float32()),
                    "d": pa.array([decimal.Decimal("1.25")], pa.decimal128(5, 2)), "n": pa.array([7], pa.int32()),
                    "t": pa.array([dt.date(2026, 1, 2)]), "x": pa.array([3], pa.int32()), "l": pa.array([[4]], pa.list_(pa.int32()))})
    new = pa.table({"i": pa.array([1 << 40]), "s": pa.array([1 << 20], pa.int32()), "f": pa.array([1e300]),
                    "d": pa.array([decimal.Decimal("1234567890123456.0001")], pa.decimal128(20, 4)),
                    "n": pa.array([decimal.Decimal("12345678901.5")], pa.decimal128(12, 1)),
                    "t": pa.array([dt.datetime(2026, 1, 2, 3, 4, 5, 6)], pa.timestamp("us")), "x": pa.array([0.25]),
                    "l": pa.array([[1 << 33, None]])})
    foreign.log(1, foreign.add("old.parquet", old), foreign.add("new.parquet", new))
    assert foreign.rows("SELECT i, s, f, d::VARCHAR, n::VARCHAR, t::VARCHAR, x, l FROM {} ORDER BY i") == [
        (1, 2, 0.5, "1.2500", "7.0", "2026-01-02 00:00:00", 3.0, [4]),
        (1 << 40, 1 << 20, 1e300, "1234567890123456.0001", "12345678901.5", "2026-01-02 03:04:05.000006", 0.25, [1 << 33, None])]
    assert foreign.types() == {"i": "BIGINT", "s": "INTEGER", "f": "DOUBLE", "d": "DECIMAL(20,4)", "n": "DECIMAL(12,1)",
                               "t": "TIMESTAMP", "x": "DOUBLE", "l": "BIGINT[]"}


def test_structs_that_grew(foreign):
    inner = fields(field("a", "long"), field("b", "string"))
    foreign.begin(fields(field("id", "long"), field("s", fields(field("deep", inner), field("c", "date"))),
                         field("l", {"type": "array", "elementType": inner, "containsNull": True}),
                         field("m", {"type": "map", "keyType": "string", "valueType": inner, "valueContainsNull": True}),
                         field("late", inner)))
    small = pa.struct([("a", pa.int64())])
    old = pa.table({"id": [1], "s": pa.array([{"deep": {"a": 5}}], pa.struct([("deep", small)])),
                    "l": pa.array([[{"a": 6}, None]], pa.list_(small)), "m": pa.array([[("k", {"a": 7})]], pa.map_(pa.string(), small)),
                    "dropped": ["x"]})
    foreign.log(1, foreign.add("old.parquet", old))
    assert foreign.rows() == [(1, {"deep": {"a": 5, "b": None}, "c": None}, [{"a": 6, "b": None}, None],
                               {"k": {"a": 7, "b": None}}, None)]


def test_partition_values_of_every_type(foreign):
    kinds = {"s": "string", "i": "integer", "b": "boolean", "d": "date", "t": "timestamp", "n": "timestamp_ntz", "x": "decimal(5,2)",
             "y": "binary", "f": "double"}
    foreign.begin(fields(*[field(k, v) for k, v in kinds.items()], field("id", "long")), by=list(kinds), reader=3, writer=7,
                  features=["timestampNtz"])
    values = {"s": "a b/c=d%%é", "i": "-7", "b": "true", "d": "2026-02-03", "t": "2026-02-03T04:05:06.789000Z",
              "n": "2026-02-03 04:05:06.5", "x": "-1.25", "y": "\u0001é", "f": "1.5E300"}
    foreign.log(1, foreign.add("one.parquet", pa.table({"id": [1]}), values),
                foreign.add("two.parquet", pa.table({"id": [2]}), dict.fromkeys(values)),
                foreign.add("s=null/three.parquet", pa.table({"id": [3]}), {**dict.fromkeys(values, ""), "s": "null"}))
    said = "SELECT id, s, i, b, d::VARCHAR, t::VARCHAR, n::VARCHAR, x::VARCHAR, hex(y), f FROM {} ORDER BY id"
    assert foreign.rows(said) == [
        (1, "a b/c=d%%é", -7, True, "2026-02-03", "2026-02-03 04:05:06.789+00", "2026-02-03 04:05:06.5", "-1.25", "01C3A9", 1.5e300),
        (2, *[None] * 9), (3, "null", *[None] * 8)]
    assert foreign.rows("SELECT id FROM {} WHERE t = '2026-02-03 04:05:06.789+00'") == [(1,)]


def test_columns_that_were_renamed_and_dropped(foreign):
    inner = fields(mapped("b", "long", "col-b", 3))
    schema = fields(mapped("ID", "long", "id", 1), mapped("s t", inner, "col-s", 2), mapped("p", "string", "col-p", 4),
                    mapped("id", "string", "col-new", 5))
    schema["fields"][3]["name"] = "other"
    foreign.begin(schema, by=["p"], reader=2, writer=5, conf={"delta.columnMapping.mode": "name"})
    table = pa.table({"id": [1, 2], "col-s": pa.array([{"col-b": 4, "col-gone": 5}, None]), "col-gone": ["x", "y"],
                      "other": ["not", "mine"]})
    foreign.log(1, foreign.add("aB/f.parquet", table, {"col-p": "v"}))
    assert foreign.rows() == [(1, {"b": 4}, "v", None), (2, None, "v", None)]


def test_columns_by_their_ids(foreign):
    schema = fields(mapped("a", "long", "col-a", 1), mapped("b", "string", "col-b", 2), mapped("c", "long", "col-c", 3))
    foreign.begin(schema, reader=3, writer=7, features=["columnMapping"], conf={"delta.columnMapping.mode": "id"})

    def number(name, kind, n):
        return pa.field(name, kind, metadata={"PARQUET:field_id": str(n)})

    spark = pa.table([[1], ["x"], [2]], schema=pa.schema(
        [number("col-a", pa.int64(), 1), number("col-b", pa.string(), 2), number("col-c", pa.int64(), 3)]))
    iceberg = pa.table([["y"], [3], [9]], schema=pa.schema(  # the old names of its own, another order
        [number("b_was", pa.string(), 2), number("col-c", pa.int64(), 1), number("a", pa.int64(), 7)]))
    foreign.log(1, foreign.add("spark.parquet", spark), foreign.add("iceberg.parquet", iceberg))
    assert foreign.rows() == [(1, "x", 2), (3, "y", None)]


def test_fields_within_columns_by_their_ids(foreign):
    inner = fields(mapped("b", "long", "col-b", 2))
    schema = fields(mapped("a", {"type": "array", "elementType": inner, "containsNull": True}, "col-a", 1))
    foreign.begin(schema, reader=2, writer=5, conf={"delta.columnMapping.mode": "id"})

    def file(name):
        element = pa.field("element", pa.struct([pa.field(name, pa.int64(), metadata={"PARQUET:field_id": "2"})]))
        whole = pa.field("col-a", pa.list_(element), metadata={"PARQUET:field_id": "1"})
        return pa.table([pa.array([[{name: 3}]], whole.type)], schema=pa.schema([whole]))

    foreign.log(1, foreign.add("spark.parquet", file("col-b")))
    assert foreign.rows() == [([{"b": 3}],)]
    foreign.log(2, foreign.add("iceberg.parquet", file("was")))
    assert "iceberg.parquet' has field 2 of a struct under another name, 'was'" in foreign.refusal()


def test_deleted_rows(foreign, tmp_path):
    foreign.begin(fields(field("id", "long"), field("p", "string")), by=["p"], reader=3, writer=7, features=["deletionVectors"])
    few, more, name = bitmap([0, 2]), bitmap([1]), uuid.uuid4()
    file = b"\x01"
    for b in (few, more):
        file += struct.pack(">I", len(b)) + b + struct.pack(">I", zlib.crc32(b))
    (foreign.path / "ab").mkdir()
    (foreign.path / "ab" / f"deletion_vector_{name}.bin").write_bytes(file)
    table = pa.table({"id": [10, 11, 12]})

    def vector(storage, where, data, n, **offset):
        return {"storageType": storage, "pathOrInlineDv": where, "sizeInBytes": len(data), "cardinality": n, **offset}

    adds = [foreign.add("p=1/f.parquet", table, {"p": "1"}), foreign.add("p=2/f.parquet", table, {"p": "2"}),
            foreign.add("p=3/f.parquet", table, {"p": "3"})]
    foreign.log(1, *adds)
    one = {**adds[0]["add"], "deletionVector": vector("u", "ab" + z85(name.bytes), few, 2, offset=1)}
    two = {**adds[1]["add"], "deletionVector": vector("i", z85(more + b"\0" * (-len(more) % 4)), more, 1)}
    three = {**adds[2]["add"], "deletionVector": vector("p", f"file:{foreign.path}/ab/deletion_vector_{name}.bin", more, 1,
                                                        offset=1 + 8 + len(few))}
    foreign.log(2, *[{"remove": {"path": a["add"]["path"], "deletionTimestamp": 1, "dataChange": True}} for a in adds],
                {"add": one}, {"add": two}, {"add": three})
    assert foreign.rows() == [(10, "2"), (10, "3"), (11, "1"), (12, "2"), (12, "3")]
    assert foreign.rows("SELECT count(*) FROM {}", "@v1") == [(9,)]
    assert foreign.rows("SELECT sum(id)::BIGINT FROM {} WHERE p = '1'") == [(11,)]
    # The same file with another vector, and without any again.
    foreign.log(3, {"remove": {"path": "p=1/f.parquet", "deletionTimestamp": 2, "dataChange": True,
                               "deletionVector": one["deletionVector"]}}, adds[0])
    assert foreign.rows("SELECT count(*) FROM {} WHERE p = '1'") == [(3,)]
    (foreign.path / "ab" / f"deletion_vector_{name}.bin").write_bytes(file[:-6] + b"?" + file[-5:])
    assert "its checksum does not match" in foreign.refusal()


def test_checkpoints_of_the_second_kind(foreign):
    foreign.begin(fields(field("id", "long")), reader=3, writer=7, features=["v2Checkpoint"])
    adds = [foreign.add(f"f{i}.parquet", pa.table({"id": [i]})) for i in range(4)]
    foreign.log(1, *adds[:2])
    foreign.log(2, adds[2], {"domainMetadata": {"domain": "d", "configuration": "{}", "removed": False}})
    side = foreign.path / "_delta_log" / "_sidecars"
    side.mkdir()
    kind = pa.struct([("path", pa.string()), ("partitionValues", pa.map_(pa.string(), pa.string())), ("size", pa.int64()),
                      ("modificationTime", pa.int64()), ("dataChange", pa.bool_()), ("stats", pa.string())])
    for i, a in enumerate(adds[:3]):
        row = {**a["add"], "partitionValues": []}
        pq.write_table(pa.table({"add": pa.array([row], kind)}), side / f"part{i}.parquet")
    first = [json.loads(line) for line in (foreign.path / "_delta_log" / f"{0:020}.json").read_text().splitlines()]
    foreign.log(2, {"checkpointMetadata": {"version": 2}}, *first,
                *[{"sidecar": {"path": f"part{i}.parquet", "sizeInBytes": 1, "modificationTime": 1}} for i in range(3)],
                name=f"{2:020}.checkpoint.{uuid.uuid4()}.json")
    (foreign.path / "_delta_log" / "_last_checkpoint").write_text(json.dumps({"version": 2, "size": 6, "v2Checkpoint": {"path": "x"}}))
    foreign.log(3, adds[3])
    assert foreign.rows() == [(0,), (1,), (2,), (3,)]
    for v in (0, 1, 2):  # cleaned up: only the checkpoint has them
        (foreign.path / "_delta_log" / f"{v:020}.json").unlink()
    assert foreign.rows() == [(0,), (1,), (2,), (3,)]
    (side / "part1.parquet").unlink()
    assert "'part1.parquet' of table" in foreign.refusal()


def test_time_travel_by_in_commit_timestamps(foreign):
    conf = {"delta.enableInCommitTimestamps": "true"}

    def info(ms, wrong):
        return {"commitInfo": {"inCommitTimestamp": ms, "timestamp": wrong, "operation": "WRITE"}}

    foreign.begin(fields(field("id", "long")), conf=conf, reader=1, writer=7, more=[info(1000, 9_999_999)])
    foreign.log(1, info(2000, 5), foreign.add("a.parquet", pa.table({"id": [1]})))
    foreign.log(2, info(3000, 1), foreign.add("b.parquet", pa.table({"id": [2]})))
    assert foreign.rows(at="@1970-01-01T00:00:02.999Z") == [(1,)]
    assert foreign.rows(at="@1970-01-01T00:00:03Z") == [(1,), (2,)]
    assert foreign.rows(at="@1970-01-01T00:00:01.500Z") == []
    history = json.loads(foreign.cupel(["history", "--json", foreign.path], foreign.path).stdout)["history"]
    assert [h["timestamp"] for h in history] == [f"1970-01-01T00:00:0{s}Z" for s in (3, 2, 1)]


@pytest.mark.parametrize("feature", ["variantType", "catalogManaged", "spiral"])
def test_features_of_others_are_refused_by_name(foreign, feature):
    foreign.begin(fields(field("id", "long")), reader=3, writer=7, features=["timestampNtz", feature])
    assert f"needs reader feature '{feature}' (protocol 3, 7), which this version does not read" in foreign.refusal()


def test_features_that_only_writers_mind_are_read(foreign):
    features = ["appendOnly", "invariants", "checkConstraints", "changeDataFeed", "generatedColumns", "allowColumnDefaults",
                "identityColumns", "rowTracking", "domainMetadata", "icebergCompatV2", "clustering", "inCommitTimestamp",
                "checkpointProtection", "icebergWriterCompatV1"]
    meta = {"delta.generationExpression": "id + 1", "delta.identity.start": 1, "CURRENT_DEFAULT": "7"}
    foreign.begin(fields(field("id", "long"), field("g", "long", **meta)), reader=3, writer=7, features=[])
    lines = [json.loads(line) for line in (foreign.path / "_delta_log" / f"{0:020}.json").read_text().splitlines()]
    lines[0]["protocol"]["writerFeatures"] = features
    foreign.log(0, *lines, foreign.add("a.parquet", pa.table({"id": [1], "g": [2]}), baseRowId=0, defaultRowCommitVersion=0,
                                       tags={"a": "b"}, clusteringProvider="liquid"))
    assert foreign.rows() == [(1, 2)]


def test_a_table_without_columns(foreign):
    foreign.begin(fields())
    assert "has no columns" in foreign.refusal()


def test_damage_is_named(foreign):
    foreign.begin(fields(field("id", "long")))
    add = foreign.add("a.parquet", pa.table({"id": [1]}))
    foreign.log(1, add)
    foreign.log(2, foreign.add("b.parquet", pa.table({"id": [2]})))
    log = foreign.path / "_delta_log"
    (log / f"{1:020}.checkpoint.parquet").write_bytes(b"PAR1 no PAR1")
    (log / "_last_checkpoint").write_text('{"version":1,"size":3}')
    assert foreign.rows() == [(1,), (2,)]  # the commits tell it all
    whole = (log / f"{2:020}.json").read_bytes()
    (log / f"{2:020}.json").write_bytes(whole[:-30])
    assert f"'{2:020}.json' of table '{foreign.path}' is cut off" in foreign.refusal()
    (log / f"{2:020}.json").write_bytes(b"")
    assert f"'{2:020}.json' of table '{foreign.path}' is empty" in foreign.refusal()
    (log / f"{2:020}.json").write_bytes(whole)
    (log / f"{1:020}.json").unlink()
    assert f"{1:020}.checkpoint.parquet' of table" in foreign.refusal()
    (log / f"{1:020}.checkpoint.parquet").unlink()
    assert "has a hole: version 1 is missing, later ones are there" in foreign.refusal()
