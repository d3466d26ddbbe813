"""Tables of a lake as comparable values."""
import json

import deltalake


def table_paths(lake):
    return sorted(p.parent.relative_to(lake).as_posix() for p in lake.glob("**/_delta_log"))


def rows(path, without=()):
    """Every row as canonical JSON, sorted: equal multisets of rows give equal lists."""
    table = deltalake.DeltaTable(str(path)).to_pyarrow_table()
    keep = [c for c in sorted(table.column_names) if c not in without]
    return sorted(json.dumps(r, default=str, sort_keys=True) for r in table.select(keep).to_pylist())


def tables(lake, volatile):
    got = {}
    for name in table_paths(lake):
        without = volatile.get(name, volatile.get(name.split("/")[0], ()))
        got[name] = rows(lake / name, without)
    return got
