#!/usr/bin/env python3
"""first_chart.py PAGE.html... [-n TIMES]: how soon after navigation headless Chromium shows the first chart, and when it is live, in ms.

The page's own marks are read: `picture` is set when the first chart is there as a picture, `chart` whenever one has been drawn live."""
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
    const at = (name) => performance.getEntriesByName(name)[0]?.startTime;
    const paint = at("first-contentful-paint"), live = at("chart");
    if (!paint || !live) return setTimeout(look, 10);
    done({figures, live, shown: Math.max(paint, at("picture") ?? live)});
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
        ("first chart on the screen", "shown"), ("live", "live")))
    print(f"{os.path.basename(page)}, {os.path.getsize(page) / 1e6:.2f} MB, {seen[0]['figures']} charts: {said} ms after navigation (medians of {options.n})")
