#!/usr/bin/env python3
"""bench.py [open|append|optimize|growth]... [--rounds N] [--small]: the lake beside delta-rs and DuckDB's delta extension.

  open      a table of 10,000 files and 500 commits, and one of 100,000 and 5,000: every live file with its statistics
            is known; with a checkpoint 50 commits before the last, and from the JSON log alone
  append    batches of ten rows to one table: Parquet written, log read, version committed; ours with every fsync
            (delta-rs has none). Percentiles over 300 commits
  optimize  10,000 files of ten rows in 50 partitions into one file each; and 10,000 of a hundred rows, no two of them
            alike, in one folder, into one
  growth    ours alone: opening tables of more and more files and commits, start of the process included

Every measurement is a process of its own, ours and theirs in turn; the best of the rounds is told, with the largest
memory of the process. Tables are made in bench/out/lake. Run by `./dev bench lake`, with the tests' Python."""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
OUT = ROOT / "bench/out/lake"
TOOLS = ROOT / "build/tests/tools"
ENV = {**os.environ, "CUPEL_DUCKDB": str(ROOT / "build/libduckdb.so")}

DELTA_RS_OPEN = """
import sys, time, deltalake
began = time.perf_counter()
n = deltalake.DeltaTable(sys.argv[1]).get_add_actions().num_rows
print((time.perf_counter() - began) * 1e3, n)
"""
DUCKDB_OPEN = """
import importlib.util, pathlib, sys, time, duckdb
folder = pathlib.Path(list(importlib.util.find_spec("duckdb_extension_delta").submodule_search_locations)[0])
con = duckdb.connect(config={"allow_unsigned_extensions": "true"})
con.load_extension(str(next(folder.rglob("delta.duckdb_extension"))))
began = time.perf_counter()
con.execute("SELECT count(*) FROM delta_scan(?) WHERE day = 'none'", [sys.argv[1]]).fetchall()
print((time.perf_counter() - began) * 1e3, -1)
"""
DELTA_RS_APPEND = """
import sys, time, deltalake, pyarrow as pa
for seq in range(1, int(sys.argv[2]) + 1):
    rows = pa.table({"v": pa.array(range(10), pa.int64()), "writer": ["w"] * 10, "seq": pa.array([seq] * 10, pa.int64())})
    began = time.perf_counter()
    deltalake.write_deltalake(sys.argv[1], rows, mode="append")
    print((time.perf_counter() - began) * 1e3)
"""
DELTA_RS_OPTIMIZE = """
import sys, time, deltalake
began = time.perf_counter()
deltalake.DeltaTable(sys.argv[1]).optimize.compact()
print((time.perf_counter() - began) * 1e3, len(deltalake.DeltaTable(sys.argv[1]).file_uris()))
"""
SCHEMA = {"type": "struct", "fields": [{"name": n, "type": t, "nullable": True, "metadata": {}}
                                       for n, t in (("v", "long"), ("writer", "string"), ("seq", "long"))]}


def measured(*command):
    """What it printed, the largest memory in MB, wall time and processor time in s."""
    import time
    began = time.monotonic()
    p = subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE, env=ENV)
    out = p.stdout.read().decode()
    _, status, usage = os.wait4(p.pid, 0)
    p.returncode = os.waitstatus_to_exitcode(status)
    assert p.returncode == 0, command
    return out, usage.ru_maxrss / 1024, time.monotonic() - began, usage.ru_utime + usage.ru_stime


def python(text, *args):
    return measured(sys.executable, "-c", text, *args)


def best(rounds, *measures):
    """The best (ms, MB, files) of each, in turn."""
    got = [[m() for m in measures] for _ in range(rounds)]
    return [(min(r[i][0] for r in got), max(r[i][1] for r in got), got[0][i][2]) for i in range(len(measures))]


def opened(who, table):
    if who == "cupel":
        out, mb, *_ = measured(TOOLS / "lake_tool", "open", table)
        line = json.loads(out)
        return line["ms"], mb, line["files"]
    out, mb, *_ = python(DELTA_RS_OPEN if who == "delta-rs" else DUCKDB_OPEN, table)
    ms, files = out.split()
    return float(ms), mb, int(files)


def bench_open(args):
    for files, commits in [(10_000, 500)] + ([] if args.small else [(100_000, 5_000)]):
        folder = table_of_appends(files, commits).parent
        for kind in ("checkpoint", "plain"):
            whos = ["cupel", "delta-rs", "duckdb"]
            got = best(args.rounds, *[lambda who=who: opened(who, folder / kind) for who in whos])
            assert got[0][2] == got[1][2] == files
            name = f"open, {files:,} files, {commits:,} commits" + (", checkpoint" if kind == "checkpoint" else ", JSON alone")
            for who, (ms, mb, _) in zip(whos, got):
                yield name, who, f"{ms:.0f} ms", mb


def appended(who, n):
    table = OUT / "append"
    shutil.rmtree(table, ignore_errors=True)
    table.mkdir(parents=True)
    (OUT / "schema.json").write_text(json.dumps(SCHEMA))
    measured(TOOLS / "lake_tool", "create", table, OUT / "schema.json")
    if who == "cupel":
        out, mb, *_ = measured(TOOLS / "lake_writer", table, "engine", "w", 1, n)
        times = [float(line.split()[2]) for line in out.splitlines()]
    else:
        out, mb, *_ = python(DELTA_RS_APPEND, table, n)
        times = [float(line) for line in out.splitlines()]
    assert len(times) == n
    times.sort()
    return times[n // 2], mb, times[n * 99 // 100]


def bench_append(args):
    whos = ["cupel", "delta-rs"]
    runs = [[appended(who, 60 if args.small else 300) for who in whos] for _ in range(args.rounds)]
    for i, who in enumerate(whos):
        p50, mb, p99 = min(r[i] for r in runs)
        yield "append ten rows, p50 / p99", who, f"{p50:.1f} / {p99:.1f} ms", mb


def table_of(folder, *args):
    """The one that make_table.py makes with these arguments."""
    if not (folder / "plain").exists():
        subprocess.run([sys.executable, HERE / "make_table.py", *map(str, args)], check=True)
    return folder / "plain"


def table_of_appends(files, commits):
    folder = OUT / (f"open-{files}" if commits * 20 == files else f"open-{files}-{commits}")
    return table_of(folder, folder, files, commits)


def optimized(who, source):
    folder = OUT / "optimize"
    shutil.rmtree(folder, ignore_errors=True)
    table = folder / "lake/bronze/many"
    table.parent.mkdir(parents=True)
    shutil.copytree(source, table, copy_function=os.link)
    if who == "delta-rs":
        out, mb, *_ = python(DELTA_RS_OPTIMIZE, table)
        return float(out.split()[0]), mb, int(out.split()[1])
    (folder / "cupel.yaml").write_text("name: bench\n")
    _, mb, seconds, _ = measured(ROOT / "build/cupel", "-C", folder, "optimize", "bronze.many")
    out, *_ = measured(TOOLS / "lake_tool", "open", table)
    return seconds * 1e3, mb, json.loads(out)["files"]


def bench_optimize(args):
    files = 1_000 if args.small else 10_000
    whos = ["cupel", "delta-rs"]
    for what, source, want in [("50 partitions", table_of_appends(files, files // 20), 50),
                               ("one folder", table_of(OUT / f"flat-{files}", "flat", OUT / f"flat-{files}", files), 1)]:
        got = best(args.rounds, *[lambda who=who: optimized(who, source) for who in whos])
        for who, (ms, mb, left) in zip(whos, got):
            assert left == want, (who, left)
            yield f"optimize {files:,} small files, {what}", who, f"{ms / 1e3:.2f} s", mb


def bench_growth(args):
    points = [(100, 100), (1_000, 100), (1_000, 1_000), (10_000, 100), (10_000, 1_000)]
    for files, commits in points + ([] if args.small else [(100_000, 1_000), (10_000, 10_000), (100_000, 10_000)]):
        plain = table_of_appends(files, commits)
        for kind in ("checkpoint", "plain"):
            runs = [measured(TOOLS / "lake_tool", "open", plain.parent / kind) for _ in range(args.rounds)]
            cpu = min(r[3] for r in runs) * 1e3
            yield f"open, {files:,} files, {commits:,} commits, {kind}", "cupel", f"{cpu:.0f} ms of processor time", runs[0][1]


def main():
    works = {"open": bench_open, "append": bench_append, "optimize": bench_optimize, "growth": bench_growth}
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("works", nargs="*", metavar="WORK")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--small", action="store_true")
    args = p.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    print("| what | who | time | peak memory |\n|---|---|---|---|")
    for work in args.works or ["open", "append", "optimize"]:
        for what, who, time, mb in works[work](args):
            print(f"| {what} | {who} | {time} | {mb:.0f} MB |", flush=True)


if __name__ == "__main__":
    main()
