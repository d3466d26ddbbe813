"""Tables that Spark wrote, damaged: a byte or a block of a file of the log (commits, classic, multi-part and v2 checkpoints in
JSON and Parquet, sidecars, hints, deletion vectors) is changed, cut off, doubled or swapped. Each is read or refused: no crash,
no hang; where delta-rs reads it too, both find the same files; a damaged deletion vector takes no other rows away.

CUPEL_TORTURE=long goes on for ten minutes (CUPEL_SECONDS says otherwise)."""
import collections
import json
import os
import pathlib
import random
import shutil
import subprocess
import time
import urllib.parse

import pytest

import small_lake as lake

deltalake = pytest.importorskip("deltalake")
SEED = int(os.environ.get("CUPEL_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 30)
SECONDS = float(os.environ.get("CUPEL_SECONDS", "600" if lake.LONG else "25"))
SHARED = pathlib.Path(os.environ.get("CUPEL_SHARED", lake.BUILD.parent.parent / "shared"))
NAMES = ["checkpoint", "basic-with-inserts-deletes-checkpoint", "multi-part-checkpoint", "only-checkpoint-files", "v2-checkpoint-json",
         "v2-checkpoint-parquet", "dv-partitioned-with-checkpoint", "log-replay-dv-key-cases", "log-replay-special-characters-a",
         "data-skipping-basic-stats-all-types-checkpoint", "table-with-columnmapping-mode-name", "basic-with-inserts-merge",
         "data-reader-partition-values", "deltalog-getChanges"]


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    lake.need_tools()
    archive = SHARED / "data/delta/golden_tables.tar.zst"
    if not archive.exists():
        lake.absent(f"{archive} is not there")
    folder = tmp_path_factory.mktemp("golden")
    subprocess.run(["tar", "--zstd", "-xf", archive, "-C", folder], check=True)
    found = []
    for name in NAMES:
        source = next(folder.glob(f"*/{name}.tar.zst"))
        subprocess.run(["tar", "--zstd", "--warning=no-unknown-keyword", "-xf", source, "-C", folder], check=True)
        log = sorted((folder / name).glob("**/_delta_log"))
        found += [p.parent for p in log if ours(p.parent)[0] == 0]
    assert len(found) >= 10, found
    return found


def ours(table):
    """Exit code; the files, version and their number, or the error. A path that is no UTF-8 is None."""
    done = lake.run("lake_tool", "show", table, timeout=30)
    if done.returncode:
        return done.returncode, done.stderr
    shown = json.loads(done.stdout)
    return 0, {f.get("path") for f in shown["files"]}, shown["version"], len(shown["files"])


def vectors(table):
    """Exit code; of each file how many rows its deletion vector takes away, and a hash of them; or the error."""
    done = lake.run("lake_tool", "vectors", table, timeout=30)
    return done.returncode, json.loads(done.stdout) if done.returncode == 0 else done.stderr


def is_told(code, words):
    return code in (4, 5, 6, 8) or (code == 2 and words.startswith("error: "))


def theirs(table):
    try:
        t = deltalake.DeltaTable(str(table))
        paths = [urllib.parse.unquote(p) for p in t.get_add_actions().column("path").to_pylist()]
        return {p[5:] if p.startswith("file:/") else p for p in paths}, t.version(), len(paths)
    except BaseException as e:  # a panic of theirs is no Exception
        if isinstance(e, KeyboardInterrupt):
            raise
        return None


def contradicts_itself(table):
    """One commit both adds and removes a file: the protocol forbids it, and says nothing of what it would mean."""
    for path in (table / "_delta_log").glob("*.json"):
        seen = {"add": set(), "remove": set()}
        for line in path.read_bytes().splitlines():
            try:
                action = json.loads(line)
            except ValueError:
                continue
            for kind in seen:
                if isinstance(action, dict) and isinstance(action.get(kind), dict):
                    seen[kind].add(json.dumps([action[kind].get("path"), action[kind].get("deletionVector")]))
        if seen["add"] & seen["remove"]:
            return True
    return False


def damage(data, dice, other):
    """Some other bytes, and what was done to them."""
    n = len(data)
    at = dice.randrange(n + 1)
    size = dice.choice([1, 1, 4, 64, 512])
    what = dice.choice(["flip", "flip", "cut", "zeros", "drop", "double", "swap", "digit", "splice"])
    if what == "flip" and n:
        at = min(at, n - 1)
        return data[:at] + bytes([data[at] ^ (1 << dice.randrange(8))]) + data[at + 1:], f"flip at {at}"
    if what == "cut":
        return data[:at], f"cut at {at}"
    if what == "zeros":
        return data[:at] + bytes(len(data[at:at + size])) + data[at + size:], f"{size} zeros at {at}"
    if what == "drop":
        return data[:at] + data[at + size:], f"drop {size} at {at}"
    if what == "double":
        return data[:at] + data[at:at + size] * 2 + data[at + size:], f"double {size} at {at}"
    if what == "swap":
        k = dice.randrange(n + 1)
        x, y = sorted((at, k))
        return data[:x] + data[y:y + size] + data[x + size:y] + data[x:x + size] + data[y + size:], f"swap {x} {y}"
    if what == "digit":
        digits = [i for i, c in enumerate(data) if 0x30 <= c <= 0x39]
        if digits:
            i = dice.choice(digits)
            return data[:i] + dice.choice([b"9", b"-1", b"99999999999999999999", b"1e3", b""]) + data[i + 1:], f"digit at {i}"
    return data[:at] + other[dice.randrange(len(other) + 1):][:size] + data[at:], f"splice at {at}"


def files_to_damage(table):
    files = [p for p in table.rglob("*") if p.is_file() and ("_delta_log" in p.parts or p.suffix == ".bin")]
    return sorted(p.relative_to(table) for p in files if not p.name.endswith(".crc") and not p.name.startswith("."))


def kind_of(name):
    return "vector" if name.suffix == ".bin" else "sidecar" if "_sidecars" in name.parts else "log"


def clean_up(table):
    """As log clean-up leaves it: the newest checkpoint is all that tells of the commits before it."""
    log = table / "_delta_log"
    versions = [int(p.name[:20]) for p in log.glob("*.checkpoint.*") if p.suffix in (".parquet", ".json")]
    for path in log.glob("*.json"):
        if versions and len(path.name) == 25 and int(path.name[:20]) < max(versions):
            path.unlink()


def told_by(table):
    """What others find by the checkpoint, and by the commits alone if they are there: of a damaged log these may be two answers,
    and each is as good as the other. Nothing when they refuse the log in one of these ways."""
    found = [theirs(table)]
    for path in [*(table / "_delta_log").glob("*.checkpoint.*"), table / "_delta_log/_last_checkpoint"]:
        path.unlink(missing_ok=True)
    if (table / "_delta_log" / f"{0:020}.json").exists():
        found.append(theirs(table))
    return found if None not in found else []


def test_damaged_tables_are_read_as_others_do_or_refused(tables, tmp_path):
    print(f"seed {SEED}")
    dice = random.Random(SEED)
    end = time.monotonic() + SECONDS
    tried, refused, agreed, whole = collections.Counter(), 0, 0, {}
    while time.monotonic() < end:
        table = dice.choice(tables)
        mutant = tmp_path / "t"
        shutil.copytree(table, mutant, ignore=shutil.ignore_patterns("part-*"))
        if dice.random() < 0.5:
            clean_up(mutant)
        names = files_to_damage(mutant)
        kind = dice.choice(sorted({kind_of(n) for n in names}))
        name = dice.choice([n for n in names if kind_of(n) == kind])
        data, what = damage((table / name).read_bytes(), dice, (table / dice.choice(names)).read_bytes())
        (mutant / name).write_bytes(data)
        label = f"seed {SEED}, {table.name} number {tried.total()}: {what} of {name}"
        got = ours(mutant)
        tried[kind] += 1
        assert got[0] == 0 or is_told(*got), f"{label}: {got}"
        if got[0] == 0 and any(n.suffix == ".bin" for n in names):
            code, rows = vectors(mutant)
            assert code == 0 or is_told(code, rows), f"{label}: {rows}"
            if table not in whole:
                whole[table] = vectors(table)
            assert kind != "vector" or code or (code, rows) == whole[table], f"{label}: other rows are deleted"
            refused += kind == "vector" and code != 0
        if got[0]:
            refused += 1
        else:
            clear = None not in got[1] and not contradicts_itself(mutant)
            # Names with a zero byte are no files, which delta-rs does not mind; ours looks for another way.
            wants = [w for w in told_by(mutant) if clear and got[2] == w[1] and not any("\0" in p for p in w[0])]
            if wants:
                assert any((got[1], got[3]) == (w[0], w[2]) for w in wants), f"{label}: {got[1] ^ wants[0][0]}"
                agreed += 1
        shutil.rmtree(mutant)
    print(f"{tried.total()} damaged tables {dict(tried)}, {refused} refused, {agreed} read as delta-rs reads them")
    assert refused and agreed and len(tried) == 3
