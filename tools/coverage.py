#!/usr/bin/env python3
"""coverage.py BUILD FOLDER...: lines of src/FOLDER that ran in a build with -Db_coverage=true, and those that did not.

`./dev test coverage` makes that build and runs the unit tests and the suites on it first. What a killed process ran is not counted.
A line with GCOVR_EXCL_LINE is left out."""
import collections
import json
import os
import pathlib
import subprocess
import sys


def counts(build, folder):
    """{file: {line: how often}} over all objects of a layer."""
    lines = collections.defaultdict(lambda: collections.defaultdict(int))
    for data in sorted((build / f"src/lib{folder}.a.p").glob("*.gcno")):
        out = subprocess.run(["gcov", "--json-format", "--stdout", data.name], cwd=data.parent, capture_output=True, text=True).stdout
        for document in out.splitlines():
            for file in json.loads(document)["files"]:
                name = os.path.normpath(os.path.join(build, file["file"]))
                if f"/src/{folder}/" in name:
                    for line in file["lines"]:
                        lines[name][line["line_number"]] += line["count"]
    return lines


def ranges(numbers):
    out = []
    for n in numbers:
        if out and n == out[-1][1] + 1:
            out[-1][1] = n
        else:
            out.append([n, n])
    return " ".join(str(a) if a == b else f"{a}-{b}" for a, b in out)


def main(build, *folders):
    for folder in folders:
        ran = total = 0
        for name, lines in sorted(counts(pathlib.Path(build).resolve(), folder).items()):
            text = pathlib.Path(name).read_text().splitlines()
            wanted = {n: c for n, c in lines.items() if "GCOVR_EXCL_LINE" not in text[n - 1]}
            missed = [n for n, c in sorted(wanted.items()) if c == 0]
            ran += len(wanted) - len(missed)
            total += len(wanted)
            share = 100 * (len(wanted) - len(missed)) / max(1, len(wanted))
            print(f"{share:6.1f} %  {len(wanted):5}  {name.split('/src/')[1]}  {ranges(missed)}")
        print(f"{100 * ran / max(1, total):6.1f} %  {total:5}  src/{folder}: all\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
