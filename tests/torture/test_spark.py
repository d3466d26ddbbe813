"""Spark with Delta at the same time as ours and delta-rs on one table; then Spark, delta-rs, DuckDB's delta extension and ours
find the same rows.

It needs a JVM, PySpark and Delta's jars (half a gigabyte) and minutes of two cores, so it runs only where CUPEL_SPARK=1 asks
for it: CUPEL_SPARK=1 ./dev test torture.

On a local disk Spark looks whether a version is free and then renames over it, so that a commit of another program between the
two could be lost; that is Spark's, and said in Delta's documentation. Ours come at a walking pace here to keep that unlikely, and
a version that Spark took in this way is told apart from one that we lost."""
import ast
import json
import os
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import small_lake as lake
from lab import Lab, canonical
from test_checkpoints import many_files
from test_writers import RS_WRITER, SEED, Writer, by_delta_rs, by_duckdb, txns_of_versions

HOME = os.environ.get("CUPEL_SPARK_HOME", "")
pytestmark = pytest.mark.skipif(os.environ.get("CUPEL_SPARK") != "1", reason="CUPEL_SPARK=1 asks for it")

SESSION = """
import glob, json, sys
from pyspark.sql import SparkSession
jars = sys.argv[1]
s = (SparkSession.builder.master("local[2]").config("spark.jars", ",".join(glob.glob(jars + "/*.jar")))
     .config("spark.ui.enabled", "false").config("spark.ui.showConsoleProgress", "false")
     .config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1")
     .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
     .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
     .config("spark.sql.catalogImplementation", "in-memory").config("spark.sql.shuffle.partitions", "1")
     .config("spark.databricks.delta.snapshotPartitions", "1").config("spark.driver.memory", "1g")
     .config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC").getOrCreate())
s.sparkContext.setLogLevel("OFF")
"""
SPARK = SESSION + """
table, n = sys.argv[2], int(sys.argv[3])
s.sql(f"SELECT count(*) FROM delta.`{table}`").collect()
print("ready", flush=True)
def through(sql):
    for attempt in range(200):
        try:
            return s.sql(sql).collect()
        except Exception as e:
            if "concurrent" not in str(e).lower():
                raise
    raise SystemExit("never came through")
sys.stdin.readline()
for seq in range(1, n + 1):
    through(f"INSERT INTO delta.`{table}` VALUES (7, 'spark', {seq})")
    if seq % 3 == 1:
        through(f'''MERGE INTO delta.`{table}` t USING (SELECT {seq}L v, 'sparkmerge' writer, 1L seq) u
            ON t.writer = 'sparkmerge' AND t.writer = u.writer AND t.seq = u.seq
            WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *''')
print("done", flush=True)
sys.stdin.readline()
print(json.dumps(sorted(tuple(r) for r in s.sql(f"SELECT v, writer, seq FROM delta.`{table}`").collect())), flush=True)
"""


STATEMENTS = SESSION + """
for sql in json.loads(sys.argv[2]):
    print(s.sql(sql).toJSON().collect().__repr__() if sql.startswith("SELECT") else (s.sql(sql).collect(), "[]")[1], flush=True)
"""


def need_spark():
    if not os.path.exists(f"{HOME}/jars"):
        lake.absent("CUPEL_SPARK_HOME has no Spark: ./dev setup spark")


def spark_sql(*statements):
    """The rows of each."""
    done = subprocess.run([f"{HOME}/venv/bin/python", "-c", STATEMENTS, f"{HOME}/jars", json.dumps(statements)], capture_output=True,
                          text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return [[json.loads(row) for row in ast.literal_eval(line)] for line in done.stdout.splitlines()]


@pytest.mark.parametrize("mode", ["name", "id"])
def test_spark_and_a_mapped_table(tmp_path, cupel_bin, mode):
    """Made here, read and written by Spark, written here again."""
    need_spark()
    lab = Lab(tmp_path / "lab", cupel_bin)
    lab.input("bronze.e", "id BIGINT, v BIGINT, s VARCHAR")
    lab.model("silver.t", f"""mode: merge
key: id
incremental: bronze.e
partition_by: [s]
properties:
  delta.columnMapping.mode: {mode}
  delta.enableChangeDataFeed: true
  delta.checkpointInterval: 2""", "SELECT id, s, v, {a: v, l: [{q: v}]} AS st, MAP {'k': {z: v}} AS m FROM bronze.e")
    lab.write("bronze.e", [{"id": i, "v": i, "s": "xy"[i % 2]} for i in range(9)] + [{"id": 9}])
    lab.run()
    for i in range(2):
        lab.write("bronze.e", [{"id": i, "v": 100 + i, "s": "y"}])
        lab.run()
    table = f"delta.`{lab.table('silver.t')}`"
    ours = canonical(lab.query("SELECT * FROM silver.t"))
    plain = f"SELECT to_json(struct(*), map('ignoreNullFields', 'false')) AS row FROM {table}"
    rows, by_key, changes, _, _, _, after = spark_sql(
        plain, f"SELECT v FROM {table} WHERE id = 1 AND s = 'y'",
        f"SELECT id, _change_type FROM table_changes_by_path('{lab.table('silver.t')}', 2, 2)",
        f"INSERT INTO {table} SELECT 50L, 'z', 50L, struct(50L, array(struct(50L))), map('k', struct(50L))",
        f"UPDATE {table} SET v = 70 WHERE id = 7", f"ALTER TABLE {table} RENAME COLUMN v TO worth", plain)
    assert canonical(json.loads(r["row"]) for r in rows) == ours and by_key == [{"v": 101}]
    assert {(r["id"], r["_change_type"]) for r in changes} == {(1, "update_preimage"), (1, "update_postimage")}
    assert canonical(json.loads(r["row"]) for r in after) == canonical(lab.query("SELECT * FROM silver.t"))
    lab.model("silver.t", "mode: merge\nkey: id\nincremental: bronze.e",
              "SELECT id, s, v AS worth, {a: v, l: [{q: v}]} AS st, MAP {'k': {z: v}} AS m FROM bronze.e")
    lab.write("bronze.e", [{"id": 7, "v": 77, "s": "y"}, {"id": 51, "v": 51, "s": "z"}])
    lab.run()
    rows, = spark_sql(plain)
    assert canonical(json.loads(r["row"]) for r in rows) == canonical(lab.query("SELECT * FROM silver.t"))
    worth = {r["id"]: r["worth"] for r in lab.query("SELECT id, worth FROM silver.t")}
    assert len(worth) == 12 and (worth[0], worth[1], worth[7], worth[50], worth[51]) == (100, 101, 77, 50, 51)


def test_spark_opens_v2_checkpoints(tmp_path, cupel_bin):
    """One that has its files in it, and one that has them in a sidecar; the commits before are gone."""
    need_spark()
    lab = Lab(tmp_path / "lab", cupel_bin)
    lab.input("bronze.e", "id BIGINT, v BIGINT, s VARCHAR")
    many_files(lab, 10_001)
    lab.model("silver.t", "mode: append\nincremental: bronze.e", "SELECT * FROM bronze.e")
    lab.model("silver.u", """mode: append
incremental: bronze.e
partition_by: [s]
properties: {delta.checkpointPolicy: v2, delta.checkpointInterval: 1}""", "SELECT * FROM bronze.e")
    for i in range(2):
        lab.write("bronze.e", [{"id": 2 + i, "v": 2, "s": "y"}])
        lab.run()
    for name, last in (("t", 2), ("u", 1)):
        for version in range(last):  # Spark wants the commit of the checkpoint itself
            (lab.table(f"silver.{name}") / "_delta_log" / f"{version:020}.json").unlink()
    t, u = (f"delta.`{lab.table(name)}`" for name in ("silver.t", "silver.u"))
    many, few, _, after = spark_sql(f"SELECT count(*) AS n, sum(id) AS s FROM {t}", f"SELECT id, v, s FROM {u} ORDER BY id",
                                    f"INSERT INTO {u} VALUES (9, 9, 'z')", f"SELECT count(*) AS n FROM {u}")
    assert many == [{"n": 10_003, "s": 10_006}] and after == [{"n": 3}]
    assert few == [{"id": 2, "v": 2, "s": "y"}, {"id": 3, "v": 2, "s": "y"}]
    assert len(lab.query("SELECT * FROM silver.u")) == 3


def test_spark_writes_at_the_same_time(tmp_path):
    lake.need_tools()
    need_spark()
    print(f"seed {SEED}")
    table = tmp_path / "table"
    lake.create(table)
    template = lake.template(tmp_path)
    n = 30 if lake.LONG else 6
    spark = subprocess.Popen([f"{HOME}/venv/bin/python", "-c", SPARK, f"{HOME}/jars", str(table), str(n)], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, text=True, bufsize=1)
    rust = subprocess.Popen([sys.executable, "-c", RS_WRITER, str(table), "append", str(n)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            text=True, bufsize=1)
    ours, acks = 0, []
    try:
        assert spark.stdout.readline() == "ready\n" and rust.stdout.readline() == "ready\n"
        spark.stdin.write("\n")
        rust.stdin.write("\n")
        # One commit of ours after the other, until the others have done theirs.
        os.set_blocking(spark.stdout.fileno(), False)
        while True:
            if "done\n" in (spark.stdout.readline() or ""):
                break
            assert spark.poll() is None, "Spark ended early"
            ours += 1
            done = lake.run("lake_writer", table, template, "o", ours, ours, *(["rewrite"] if ours % 5 == 0 else []))
            assert done.returncode == 0, done.stderr
            acks += [tuple(map(int, line.split()[:2])) for line in done.stdout.splitlines()]
            lake.run("lake_tool", "show", table, timeout=60)
        os.set_blocking(spark.stdout.fileno(), True)
        assert rust.wait(timeout=300) == 0
        spark.stdin.write("\n")
        by_spark = [tuple(r) for r in json.loads(spark.stdout.readline())]
        assert spark.wait(timeout=120) == 0
    finally:
        spark.kill()
        rust.kill()
    assert len(acks) == ours > 5
    versions = txns_of_versions(table)
    lost = [v for seq, v in acks if ("writer-o", seq) not in versions[v]]
    for v in lost:
        assert "Apache-Spark" in (table / f"_delta_log/{v:020}.json").read_text(), f"version {v} is lost"
    if lost:
        pytest.skip(f"Spark renamed over versions {lost} of ours")
    assert by_delta_rs(table) == by_duckdb(table) == by_spark
    rows = {(w, s) for _, w, s in by_spark}
    assert len(rows) == len(by_spark)
    assert {("spark", s) for s in range(1, n + 1)} | {("append", s) for s in range(1, n + 1)} <= rows
    assert (max(s for s in range(1, n + 1) if s % 3 == 1), "sparkmerge", 1) in by_spark
    assert len([1 for w, _ in rows if w == "o"]) == ours - ours // 5
    assert len(lake.show(table)["files"]) == len(by_spark)
