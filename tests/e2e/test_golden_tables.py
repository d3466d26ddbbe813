"""Tables that Spark wrote: 89 archives, 71 with the rows that a reader must find. Each is read by its path, row for row
and type for type, or refused for the reason that stands here."""
import json
import shutil
import subprocess

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conftest import absent, shared

# Broken on purpose.
REFUSED = {
    "data-reader-absolute-paths-escaped-chars": "has no metaData",
    "deltalog-commit-info": "has no schema",
    "deltalog-invalid-protocol-version": "needs reader version 99 (protocol 99, 7): this version reads up to 3",
    "deltalog-state-reconstruction-from-checkpoint-missing-metadata": "has no metaData up to version 10",
    "deltalog-state-reconstruction-from-checkpoint-missing-protocol": "has no protocol up to version 10",
    "deltalog-state-reconstruction-without-metadata": "has no metaData up to version 0",
    "deltalog-state-reconstruction-without-protocol": "has no protocol up to version 0",
    "no-delta-log-folder": "there is no table",
    "update-deleted-directory": "has no schema",
    "versions-not-contiguous": "has a hole: version 1 is missing, later ones are there",
}
# Logs without their data files: the tables open, and what is missing is told by its name.
LOGS_ONLY = {
    "checkpoint": (1, "delta/15"),
    "delete-re-add-same-file-different-transactions": (2, "delta/bar"),
    "log-replay-special-characters-b": (1, "special p@#h"),
}


@pytest.fixture(scope="module")
def golden(tmp_path_factory):
    if not shutil.which("zstd"):
        absent("there is no zstd to unpack the tables with")
    archive = shared("data/delta/golden_tables.tar.zst")
    out = tmp_path_factory.mktemp("golden")
    unpack = "zstd -dcq -- \"$1\" | tar -x -C \"$2\" 2>/dev/null"
    subprocess.run(["sh", "-c", unpack, "sh", archive, out], check=True)
    for one in sorted(out.rglob("*.tar.zst")):
        subprocess.run(["sh", "-c", unpack, "sh", one, one.parent], check=True)
        one.unlink()
    return {p.parent.name: p.parent for p in out.rglob("delta") if p.is_dir() and p.parent.parent == one.parent}


def tables_of(folder):
    return sorted(p.parent for p in (folder / "delta").rglob("_delta_log")) or [folder / "delta"]


def expected(folder):
    files = sorted(p for p in (folder / "expected").rglob("*.parquet") if not p.name.startswith("."))
    if not files:
        return None
    return pa.concat_tables([pq.read_table(f, partitioning=None) for f in files], promote_options="permissive")


def kind(t):
    """The type, but for what Parquet files of Spark cannot say of timestamps: their unit and zone."""
    if pa.types.is_timestamp(t):
        return "timestamp"
    if pa.types.is_struct(t):
        return {t.field(i).name: kind(t.field(i).type) for i in range(t.num_fields)}
    if pa.types.is_map(t):
        return ("map", kind(t.key_type), kind(t.item_type))
    if pa.types.is_list(t):
        return [kind(t.value_type)]
    return str(t)


def plain(value):
    return value.hex() if isinstance(value, bytes) else str(value)


def canonical(table):
    """The rows as texts, sorted; instants without a zone are UTC."""
    rows = (json.dumps(r, default=plain, sort_keys=True) for r in table.to_pylist())
    return sorted(r.replace("+00:00", "") for r in rows)


def test_every_table_with_expected_rows_is_read_right(golden, cupel, tmp_path):
    equal, wrong = [], []
    assert len(golden) == 89
    for name, folder in sorted(golden.items()):
        want = expected(folder)
        if want is None:
            continue
        out = tmp_path / f"{name}.parquet"
        r = cupel(["query", "-o", "parquet", "--out", out, f"SELECT * FROM delta.`{folder}/delta`"], tmp_path, code=None)
        if r.returncode:
            wrong.append((name, r.stderr))
            continue
        got = pq.read_table(out)
        if name == "data-reader-partition-values":
            # The texts of its timestamps have no zone: the writer was in Los Angeles, we say UTC, as others do.
            i = want.column_names.index("as_timestamp")
            seen = {str(v) for v in got["as_timestamp"].to_pylist()}
            assert seen == {"2021-09-08 11:11:11+00:00", "None"}
            want, got = want.remove_column(i), got.remove_column(i)
        if got.column_names != want.column_names:
            wrong.append((name, got.column_names, want.column_names))
        elif [kind(t) for t in got.schema.types] != [kind(t) for t in want.schema.types]:
            wrong.append((name, got.schema, want.schema))
        elif canonical(got) != canonical(want):
            wrong.append((name, canonical(got)[:3], canonical(want)[:3]))
        else:
            equal.append(name)
    assert not wrong
    assert len(equal) == 71


def test_the_others_open_or_say_why_not(golden, cupel, tmp_path):
    opened, refused = [], []
    for name, folder in sorted(golden.items()):
        if expected(folder) is not None:
            continue
        for table in tables_of(folder):
            r = cupel(["show", table, "--json"], tmp_path, code=None)
            if name in REFUSED:
                assert r.returncode in (2, 6) and REFUSED[name] in r.stderr, (name, r.stderr)
                refused.append(name)
                continue
            assert r.returncode == 0, (name, r.stderr)
            opened.append(name)
            if name in LOGS_ONLY:
                files, missing = LOGS_ONLY[name]
                assert json.loads(r.stdout)["files"] == files, name
                read = cupel(["query", f"SELECT * FROM delta.`{table}`"], tmp_path, code=8)
                assert "no files found that match the pattern" in read.stderr and missing in read.stderr
    assert set(refused) == set(REFUSED)
    assert len(set(opened)) == 89 - 71 - len(REFUSED)


def test_older_versions_are_read(golden, cupel, tmp_path):
    """Some archives are the same table at a later version: its older versions are the others' rows."""
    cases = [
        ("snapshot-data3@v0", "snapshot-data0"),
        ("snapshot-data3@v1", "snapshot-data1"),
        ("snapshot-data3@v2", "snapshot-data2"),
        ("time-travel-start-start20-start40@v0", "time-travel-start"),
        ("time-travel-start-start20-start40@v1", "time-travel-start-start20"),
        ("time-travel-schema-changes-b@v0", "time-travel-schema-changes-a"),
        ("time-travel-partition-changes-b@v0", "time-travel-partition-changes-a"),
    ]
    for at, same in cases:
        name, version = at.split("@")
        out = tmp_path / f"{at}.parquet"
        cupel(["query", "-o", "parquet", "--out", out, f"SELECT * FROM delta.`{golden[name]}/delta@{version}`"], tmp_path)
        got, want = pq.read_table(out), expected(golden[same])
        assert got.column_names == want.column_names and canonical(got) == canonical(want), at
