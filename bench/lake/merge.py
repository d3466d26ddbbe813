#!/usr/bin/env python3
"""bench/lake/merge.py CUPEL [-n ROUNDS] [--rows N] [--changes N] [--files N] [--header LINE]... [--peer]: a merge.

A table of N rows in as many files gets its changes, half of them new rows, half spread over all files: `cupel run` of
a project of one model, start of the process included; delta-rs (--peer) does the same in a fresh process of Python,
its import not counted. Wall time, processor time and peak resident memory of each, and that both end with the same rows.
Needs deltalake and pyarrow: the tests' Python has them.
"""
import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

MODEL = """/*---
mode: merge
key: id
incremental: bronze.orders
{}---*/
SELECT * FROM bronze.orders
"""
INPUT = """/*---
mode: append
tags: [outside]
---*/
SELECT NULL::BIGINT AS id, NULL::VARCHAR AS name, NULL::DOUBLE AS amount, NULL::INTEGER AS city, NULL::TIMESTAMPTZ AS at
WHERE false
"""


def rows(ids, salt):
    import pyarrow as pa
    import pyarrow.compute as pc
    n = len(ids)
    ids = pa.array(ids, pa.int64())
    return pa.table({
        "id": ids,
        "name": pc.binary_join_element_wise("customer", pc.cast(ids, pa.string()), "-"),
        "amount": pc.divide(pc.cast(pc.multiply(ids, salt), pa.float64()), 7.0),
        "city": pa.array([(i * salt) % 1000 for i in range(n)], pa.int32()),
        "at": pa.array([1_790_000_000_000_000 + i * 1000 for i in range(n)], pa.timestamp("us", "UTC")),
    })


def changes(args):
    total, n = args.rows, args.changes
    step = total // (n // 2)
    return rows([i * step for i in range(n // 2)] + [total + i for i in range(n - n // 2)], 13)


# --- steps in processes of their own, so that this one stays small: a child's peak begins with its parent's ---

def prepare(args):
    import deltalake
    folder = pathlib.Path(args.path)
    (folder / "models/bronze").mkdir(parents=True)
    (folder / "models/silver").mkdir(parents=True)
    (folder / "cupel.yaml").write_text("name: merge\n")
    (folder / "models/bronze/orders.sql").write_text(INPUT)
    (folder / "models/silver/orders.sql").write_text(MODEL.format("".join(f"{h}\n" for h in args.header)))
    table = folder / "lake/bronze/orders"
    per = args.rows // args.files
    for i in range(args.files):
        deltalake.write_deltalake(str(table), rows(range(i * per, (i + 1) * per), 7), mode="append")
        subprocess.run([args.cupel, "-C", folder, "run", "-s", "silver.orders"], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
    deltalake.write_deltalake(str(table), changes(args), mode="append")


def peer(args):
    import deltalake
    data = changes(args)
    start, cpu = time.perf_counter(), time.process_time()
    (deltalake.DeltaTable(args.path).merge(data, "s.id = t.id", source_alias="s", target_alias="t")
     .when_matched_update_all().when_not_matched_insert_all().execute())
    print(time.perf_counter() - start, time.process_time() - cpu)


def digest(args):
    """By cupel, since delta-rs reads no deletion vectors; a sum that does not mind the order."""
    sql = f"SELECT count(*), sum(id), sum(round(amount * 7)::BIGINT) FROM delta.`{args.path}`"
    done = subprocess.run([args.cupel, "query", sql, "-o", "csv"], check=True, capture_output=True, text=True)
    print(done.stdout.splitlines()[1].replace(",", " "))


def step(name, path):
    return [sys.executable, __file__, *sys.argv[1:], "--step", name, "--path", path]


def measured(command):
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    out = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    took = time.perf_counter() - start
    if child.returncode:
        sys.exit(f"{command}: exit code {child.returncode}")
    return took, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, out


def ours(folder, args):
    return measured([args.cupel, "-C", folder, "run", "-s", "silver.orders"])[:3]


def theirs(folder, args):
    *_, mb, out = measured(step("peer", folder / "lake/silver/orders"))
    took, cpu = map(float, out.split())
    return took, cpu, mb


def rounds(args, scratch):
    works = {"cupel": ours, "delta-rs": theirs} if args.peer else {"cupel": ours}
    results = {name: [] for name in works}
    subprocess.run(step("prepare", scratch / "base"), check=True)
    for _ in range(args.n):
        ends = set()
        for name, work in works.items():
            folder = scratch / name
            shutil.copytree(scratch / "base", folder)
            os.sync()
            results[name].append(work(folder, args))
            ends.add(measured(step("digest", folder / "lake/silver/orders"))[3])
            shutil.rmtree(folder)
        want = args.rows + args.changes - args.changes // 2
        assert len(ends) == 1 and ends.pop().startswith(f"{want} "), f"they do not end with the same {want} rows"
    return results


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("cupel")
    p.add_argument("-n", type=int, default=5)
    p.add_argument("--rows", type=int, default=1_000_000)
    p.add_argument("--changes", type=int, default=10_000)
    p.add_argument("--files", type=int, default=10)
    p.add_argument("--header", action="append", default=[], help="a line for the model's header")
    p.add_argument("--peer", action="store_true")
    p.add_argument("--step", choices=["prepare", "peer", "digest"], help=argparse.SUPPRESS)
    p.add_argument("--path", help=argparse.SUPPRESS)
    args = p.parse_args()
    if args.step:
        return {"prepare": prepare, "peer": peer, "digest": digest}[args.step](args)
    with tempfile.TemporaryDirectory() as scratch:
        for name, v in rounds(args, pathlib.Path(scratch)).items():
            times = [t for t, *_ in v]
            print(f"{name}: {args.changes} rows into {args.rows} in {args.files} files: median {statistics.median(times):.3f} s "
                  f"({min(times):.3f} to {max(times):.3f} of {len(v)}), processor {statistics.median(cpu for _, cpu, _ in v):.2f} s, "
                  f"peak {max(mb for *_, mb in v):.0f} MiB")


if __name__ == "__main__":
    main()
