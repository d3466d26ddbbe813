#!/usr/bin/env python3
"""make_table.py FOLDER [FILES [COMMITS]]: a Delta table of many small files, as many appends leave it; its log is
written here line by line, with the statistics that writers give. FOLDER/plain has the JSON log alone, FOLDER/checkpoint
the same with a checkpoint of a version 50 commits before the last (by delta-rs). Every file holds ten rows; the files
are hard links of one for each partition, so the rows of a partition repeat.

make_table.py flat FOLDER FILES: FOLDER/plain has one commit, no partitions, and files of a hundred rows, no two of
them alike."""
import json
import os
import pathlib
import random
import shutil
import sys
import uuid

import deltalake
import pyarrow as pa
import pyarrow.parquet as pq

PARTITIONS = 50
SCHEMA = {"type": "struct", "fields": [{"name": n, "type": t, "nullable": True, "metadata": {}} for n, t in
                                       (("id", "long"), ("name", "string"), ("amount", "double"), ("at", "timestamp"), ("day", "string"))]}


def templates(folder):
    folder.mkdir(parents=True)
    sizes = []
    for p in range(PARTITIONS):
        ids = list(range(p * 10, p * 10 + 10))
        pq.write_table(pa.table({"id": pa.array(ids, pa.int64()), "name": [f"name of number {i}" for i in ids],
                                 "amount": [i * 1.25 for i in ids],
                                 "at": pa.array([1_700_000_000_000_000 + i for i in ids], pa.timestamp("us", "UTC"))}), folder / f"{p}")
        sizes.append((folder / f"{p}").stat().st_size)
    return sizes


def add(p, size, when):
    low, high = p * 10, p * 10 + 9
    stats = {"numRecords": 10,
             "minValues": {"id": low, "name": f"name of number {low}", "amount": low * 1.25, "at": "2023-11-14T22:13:20.000Z"},
             "maxValues": {"id": high, "name": f"name of number {high}", "amount": high * 1.25, "at": "2023-11-14T22:13:20.001Z"},
             "nullCount": {"id": 0, "name": 0, "amount": 0, "at": 0}}
    return {"add": {"path": f"day={p:02}/part-00000-{uuid.uuid4()}-c000.snappy.parquet", "partitionValues": {"day": f"{p:02}"},
                    "size": size, "modificationTime": when, "dataChange": True, "stats": json.dumps(stats, separators=(",", ":"))}}


def first_lines(when, partition_columns):
    return [{"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}},
            {"metaData": {"id": str(uuid.uuid4()), "format": {"provider": "parquet", "options": {}},
                          "schemaString": json.dumps(SCHEMA), "partitionColumns": partition_columns, "configuration": {},
                          "createdTime": when}}]


def main(folder, files, commits):
    shutil.rmtree(folder, ignore_errors=True)
    table = folder / "plain"
    log = table / "_delta_log"
    log.mkdir(parents=True)
    sizes = templates(folder / "templates")
    for p in range(PARTITIONS):
        (table / f"day={p:02}").mkdir()
    done = 0
    for version in range(commits):
        when = 1_700_000_000_000 + version * 1000
        lines = [{"commitInfo": {"timestamp": when, "operation": "WRITE", "operationParameters": {"mode": "Append"},
                                 "isBlindAppend": True, "engineInfo": "make_table"}}]
        if version == 0:
            lines += first_lines(when, ["day"])
        while done < files * (version + 1) // commits:
            p = done % PARTITIONS
            lines.append(add(p, sizes[p], when))
            os.link(folder / "templates" / str(p), table / lines[-1]["add"]["path"])
            done += 1
        (log / f"{version:020}.json").write_text("".join(json.dumps(x, separators=(",", ":")) + "\n" for x in lines))
    other = folder / "checkpoint"
    shutil.copytree(table, other, copy_function=os.link)
    deltalake.DeltaTable(str(other), version=max(0, commits - 51)).create_checkpoint()


def flat(folder, files):
    shutil.rmtree(folder, ignore_errors=True)
    table, dice, when = folder / "plain", random.Random(1), 1_700_000_000_000
    (table / "_delta_log").mkdir(parents=True)
    lines = first_lines(when, [])
    for i in range(files):
        ids = range(i * 100, i * 100 + 100)
        name = f"part-00000-{uuid.uuid4()}-c000.snappy.parquet"
        pq.write_table(pa.table({"id": pa.array(ids, pa.int64()), "name": [f"name {dice.random()}" for _ in ids],
                                 "amount": [dice.random() for _ in ids],
                                 "at": pa.array([1_700_000_000_000_000 + k for k in ids], pa.timestamp("us", "UTC")),
                                 "day": [f"{k % 7}" for k in ids]}), table / name)
        stats = {"numRecords": 100, "minValues": {"id": ids[0]}, "maxValues": {"id": ids[-1]}, "nullCount": {"id": 0}}
        lines.append({"add": {"path": name, "partitionValues": {}, "size": (table / name).stat().st_size,
                              "modificationTime": when, "dataChange": True, "stats": json.dumps(stats)}})
    (table / "_delta_log" / f"{0:020}.json").write_text("".join(json.dumps(x, separators=(",", ":")) + "\n" for x in lines))


if __name__ == "__main__":
    if sys.argv[1] == "flat":
        flat(pathlib.Path(sys.argv[2]), int(sys.argv[3]))
    else:
        main(pathlib.Path(sys.argv[1]), *map(int, sys.argv[2:4] or [100_000, 5_000]))
