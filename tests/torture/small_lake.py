"""The lake's own tools, and a reader of tables that shares nothing with them: slow, strict, for comparing."""
import json
import os
import pathlib
import subprocess
import urllib.parse

import pytest

BUILD = pathlib.Path(os.environ.get("CUPEL_BUILD", pathlib.Path(__file__).resolve().parents[2] / "build")).resolve()
TOOLS = BUILD / "tests/tools"
LONG = os.environ.get("CUPEL_TORTURE") == "long"


def absent(what):
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)


def need_tools():
    for name in ("lake_tool", "lake_writer", "callcount.so", "disktrace.so"):
        if not (TOOLS / name).exists():
            absent(f"{TOOLS / name} is not built")


def environment(engine=True, preload=None, **more):
    env = {k: v for k, v in os.environ.items() if k != "CUPEL_DUCKDB"}
    if engine:
        env["CUPEL_DUCKDB"] = str(BUILD / "libduckdb.so")
    if preload:
        env["LD_PRELOAD"] = str(TOOLS / preload)
        env["ASAN_OPTIONS"] = env.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
    return {**env, **{k: str(v) for k, v in more.items()}}


def run(*args, timeout=120, **env):
    return subprocess.run([str(TOOLS / args[0]), *map(str, args[1:])], env=environment(**env), capture_output=True, text=True,
                          timeout=timeout)


def show(table, engine=True):
    """lake_tool's idea of the table."""
    done = run("lake_tool", "show", table, engine=engine)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


SCHEMA = {"type": "struct", "fields": [{"name": n, "type": t, "nullable": True, "metadata": {}}
                                       for n, t in (("v", "long"), ("writer", "string"), ("seq", "long"))]}


def template(folder):
    """A Parquet file of one row, v = 7."""
    import pyarrow
    import pyarrow.parquet
    path = folder / "template.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"v": pyarrow.array([7], pyarrow.int64())}), path)
    return path


def create(table, by=("writer", "seq")):
    table.mkdir(parents=True, exist_ok=True)
    schema = table.parent / "schema.json"
    schema.write_text(json.dumps(SCHEMA))
    done = run("lake_tool", "create", table, schema, *by)
    assert done.returncode == 0, done.stderr


def slow_state(table):
    """version, {path: partition values}, {app: version} by the JSON commits alone, from the first on; any damage is an error."""
    log = sorted(p for p in (table / "_delta_log").iterdir() if p.suffix == ".json" and p.stem.isdigit())
    assert [int(p.stem) for p in log] == list(range(len(log))), [p.name for p in log]
    files, txns = {}, {}
    for commit in log:
        for line in commit.read_text().splitlines():
            action = json.loads(line)
            if "add" in action:
                files[urllib.parse.unquote(action["add"]["path"])] = action["add"]["partitionValues"]
            elif "remove" in action:
                del files[urllib.parse.unquote(action["remove"]["path"])]
            elif "txn" in action:
                txns[action["txn"]["appId"]] = action["txn"]["version"]
    return len(log) - 1, files, txns


def rows(table, bytes_of_file, engine=True):
    """version and the rows, (writer, seq) in order; every file is there and whole, and lake_tool says the same."""
    version, files, txns = slow_state(table)
    for path in files:
        assert (table / path).read_bytes() == bytes_of_file, f"{path} is torn"
    ours = show(table, engine)
    assert (ours["version"], ours["txns"]) == (version, txns)
    assert {f["path"]: f["values"] for f in ours["files"]} == {p: [v["writer"], v["seq"]] for p, v in files.items()}
    return version, sorted((v["writer"], int(v["seq"])) for v in files.values())
