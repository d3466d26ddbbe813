#!/usr/bin/env python3
"""first_chart.py PAGE.html... [-n TIMES]: how soon after navigation headless Chromium has drawn a page and its first chart, in ms.

The page's own marks are read: `chart` is set whenever one has been drawn live."""
import argparse
import os
import statistics
import sys

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tests", d) for d in ("", "e2e")]
from browser import Browser

options = argparse.ArgumentParser()
options.add_argument("pages", nargs="+")
options.add_argument("-n", type=int, default=5)
options = options.parse_args()
SEEN = """new Promise(done => {
  const figures = document.querySelectorAll("figure.chart").length;
  const look = () => {
    const marks = performance.getEntriesByName("chart").map(m => m.startTime);
    const paint = performance.getEntriesByName("first-contentful-paint")[0]?.startTime;
    if (!paint || !marks.length) return setTimeout(look, 10);
    done({figures, drawn: marks[0], shown: Math.max(paint, marks[0])});
  };
  look();
})"""
for page in options.pages:
    seen = []
    for _ in range(options.n):
        browser = Browser()
        browser.open(os.path.abspath(page))
        seen.append(browser.ask(SEEN))
        browser.close()
    said = ", ".join(f"{name} {statistics.median(s[key] for s in seen):.0f}" for name, key in (
        ("first chart drawn", "drawn"), ("and on the screen", "shown")))
    print(f"{os.path.basename(page)}, {os.path.getsize(page) / 1e6:.2f} MB, {seen[0]['figures']} charts: {said} ms after navigation (medians of {options.n})")
