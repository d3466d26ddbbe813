#!/usr/bin/env python3
"""Adds up the JUnit reports of a folder: sum_tests.py FOLDER [SUITE-THAT-BROKE...]

Prints a line for each suite, the failures by name, and "N passed, N failed, N skipped" alone on the last
line. A suite that broke without a failed test of its own (it did not compile, its runner crashed) counts
as one failure; so does, when CI=true, a suite in which nothing but skips happened.
"""

import os
import sys
import xml.etree.ElementTree as ET
from pathlib import Path


def outcome(case):
    kinds = {child.tag for child in case}
    if kinds & {"failure", "error"}:
        return "failed"
    return "skipped" if "skipped" in kinds else "passed"


def main(folder, *broken):
    total = {"passed": 0, "failed": 0, "skipped": 0}
    failures, failed_parts = [], set()
    for report in sorted(Path(folder).glob("*.xml")):
        count = dict.fromkeys(total, 0)
        try:
            cases = list(ET.parse(report).iter("testcase"))
        except ET.ParseError:
            cases = []
        for case in cases:
            count[outcome(case)] += 1
            if outcome(case) == "failed":
                failures.append(f"{report.stem}: {case.get('classname') or ''} {case.get('name')}")
        idle = not count["passed"] and not count["failed"]
        if not cases or (idle and os.environ.get("CI") == "true"):
            count["failed"] += 1
            failures.append(f"{report.stem}: nothing in it could run")
        if count["failed"]:
            failed_parts.add(report.stem)
        print(f"{report.stem:12} " + ", ".join(f"{n} {what}" for what, n in count.items()))
        for what, n in count.items():
            total[what] += n
    for part in broken:
        if not any(name == part or name.startswith(f"{part}-") for name in failed_parts):
            total["failed"] += 1
            failures.append(f"{part}: did not build or did not run to its end")
    for failure in failures:
        print(f"FAILED {failure}")
    if not any(total.values()):
        total["failed"] = 1
    print(", ".join(f"{n} {what}" for what, n in total.items()))
    return 1 if total["failed"] else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
