"""A table in a remote store, and lake_writer on it: what must be true of it when they are done."""
import json
import os
import pathlib
import subprocess

import pyarrow
import pyarrow.parquet

SCHEMA = {"type": "struct", "fields": [{"name": n, "type": t, "nullable": True, "metadata": {}}
                                       for n, t in (("v", "long"), ("writer", "string"), ("seq", "long"))]}


class Table:
    def __init__(self, place, folder):
        build = pathlib.Path(os.environ.get("CUPEL_BUILD", "build")).resolve()
        self.place, self.tools = place, build / "tests/tools"
        self.env = {**place.env, "CUPEL_DUCKDB": str(build / "libduckdb.so")}
        self.template = folder / "template.parquet"
        pyarrow.parquet.write_table(pyarrow.table({"v": pyarrow.array([7], pyarrow.int64())}), self.template)
        (folder / "schema.json").write_text(json.dumps(SCHEMA))
        self.tool("lake_tool", "create", place.uri, folder / "schema.json", "writer", "seq")

    def tool(self, name, *args):
        done = subprocess.run([self.tools / name, *map(str, args)], env=self.env, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start_writer(self, uri, env, name, first, last):
        return subprocess.Popen([self.tools / "lake_writer", uri, self.template, name, str(first), str(last)], text=True,
                                env={**self.env, **env}, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def check(self, acknowledged, done):
        """{(writer, seq): version}, which were said to be committed; {writer: its last seq}."""
        names = [n for n in self.place.names("_delta_log") if n.endswith(".json") and n[:20].isdigit()]
        assert names == [f"{v:020}.json" for v in range(len(names))]
        said = {}
        for version, name in enumerate(names):
            for line in self.place("read", f"_delta_log/{name}").decode().splitlines():
                txn = json.loads(line).get("txn")
                if txn:
                    key = txn["appId"], txn["version"]
                    assert key not in said, f"{key} is in {said[key]} and {version}"
                    said[key] = version
        assert sorted(said) == sorted((f"writer-{name}", seq) for name, last in done.items() for seq in range(1, last + 1))
        for key, version in acknowledged.items():
            assert said[key] == version
        shown = json.loads(self.tool("lake_tool", "show", self.place.uri))
        assert len(shown["files"]) == sum(done.values())
        content = self.template.read_bytes()
        assert self.place("fetch", len(content), *(f["path"] for f in shown["files"])) == content * len(shown["files"])
