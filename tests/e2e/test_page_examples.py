"""Vega-Lite's published examples in HTML pages, drawn live in a browser: the same picture as the program's own, nothing on the console.

A sample of them; CUPEL_EXAMPLES=all takes all.
"""
import json
import os
import pathlib
import re
import subprocess
import tarfile
import time

import pytest

from browser import Browser
from conftest import absent, shared

WITHOUT = {  # not in the schema, or on the network
    "bar_tooltip_filter", "facet_column_facet_column_point_future", "facet_column_facet_row_point_future", "facet_row_facet_row_point_future",
    "layer_line_exponential", "point_constant_legend_domain", "selection_type_point_zorder", "stocks-2009-layered-line-point",
}
MOVING = {"animated_gapminder", "animated_hop"}  # a picture has all their rows, a page one after the other
BRUSHED = {"interactive_airport_crossfilter"}  # a brush that a timer puts on the map in a page
THINNED = {"layer_line_window", "line_color_binned", "point_binned_color"}  # of labels that nearly overlap others are left out
SAID = ("Symbol legend count exceeds limit", "Detected faceted independent scales", "the picture data/")
ALWAYS = {"joinaggregate_mean_difference", "bar_count_minimap", "histogram_nonlinear", "line_timestamp_domain", "area_gradient", "layer_likert", "scatter_image", "interactive_bin_extent", "point_href"}


def with_data(spec, folder):
    """The spec with its files written into it."""
    if isinstance(spec, list):
        return [with_data(x, folder) for x in spec]
    if not isinstance(spec, dict):
        return spec
    if not str(spec.get("url", "")).startswith("data/") or spec["url"].endswith(".png"):
        return {key: with_data(value, folder) for key, value in spec.items()}
    file = folder / spec["url"][5:]
    rows = json.loads(file.read_text()) if file.suffix == ".json" else file.read_text()
    format = spec.get("format", {}) if file.suffix == ".json" else {"type": file.suffix[1:], **spec.get("format", {})}
    return {"values": rows, "format": format, **{key: value for key, value in spec.items() if key not in ("url", "format")}}


@pytest.fixture(scope="module")
def pages(cupel, shop, tmp_path_factory):
    """[(page, names of its charts)], rendered into shop/out as HTML and SVG."""
    cache = pathlib.Path(os.environ.get("CUPEL_CACHE", pathlib.Path.home() / ".cache/cupel"))
    data = next(iter(sorted(cache.glob("vega-datasets-*/package/data"))), None)
    if not data:
        absent("npm's vega-datasets is not there: ./dev setup test fetches it")
    folder = tmp_path_factory.mktemp("examples")
    (folder / "all.tar").write_bytes(subprocess.run(["zstd", "-dc", shared("data/charts/vega_lite_examples.tar.zst")], check=True, capture_output=True).stdout)
    with tarfile.open(folder / "all.tar") as tar:
        tar.extractall(folder)
    specs = {file.name[:-len(".vl.json")]: file for file in sorted((folder / "examples/specs").glob("*.vl.json"))}
    names = [name for name in specs if name not in WITHOUT]
    if os.environ.get("CUPEL_EXAMPLES") != "all":
        names = [name for i, name in enumerate(names) if i % 16 == 0 or name in ALWAYS]
    made = [(f"examples_{i}", names[i:i + 15]) for i in range(0, len(names), 15)]
    for page, charts in made:
        text = "".join(f"## {name}\n\n```chart {name}\n{json.dumps(with_data(json.loads(specs[name].read_text()), data))}\n```\n\n" for name in charts)
        (shop / "pages" / f"{page}.md").write_text(text)
        cupel(["render", page, "--to", "html,svg", "--out", "out"], shop)
    return made


def looks(svg):
    """What there is to see, without where it is: texts, how many of each kind of mark, the size."""
    svg = re.sub('<path [^>]*class="(?:fore|back)ground"[^>]*>', "", svg)  # of groups: written by the one also where there is none
    svg = re.sub('<text [^>]*opacity="0"[^>]*>[^<]*<', "<", svg)  # labels that would overlap others
    svg = svg.replace("<circle ", "<path ")  # dots, which the program draws as circles
    texts = sorted(t for t in re.findall(r"<text[^>]*>([^<]*)<", svg) if t.strip())
    size = [float(re.search(rf'^<svg[^>]* {side}="([\d.]+)"', svg)[1]) for side in ("width", "height")]
    return texts, {tag: len(re.findall(f"<{tag}[ >]", svg)) for tag in ("path", "text", "rect", "line", "image")}, size


def unlike(name, live, own):
    (texts, marks, size), (own_texts, own_marks, own_size) = looks(live), looks(own)
    marks["rect"] += 1  # the ground: a page has its own
    shorter = [t for t in texts if "…" in t]  # where a text is cut differs by the width of a letter
    if name in MOVING:
        texts, marks = own_texts, own_marks
    if name in BRUSHED:
        marks = own_marks
    if name in THINNED:
        texts, marks["text"] = own_texts, own_marks["text"]
    if len(shorter) == len([t for t in own_texts if "…" in t]):
        texts, own_texts = ([t for t in of if "…" not in t] for of in (texts, own_texts))
    wide = any(abs(a - b) > 4 + 0.02 * b for a, b in zip(size, own_size))
    pairs = (texts, own_texts, texts != own_texts), (marks, own_marks, marks != own_marks), (size, own_size, wide)
    return [(is_now, own) for is_now, own, differs in pairs if differs]


def test_the_examples_are_the_same_live(pages, shop):
    browser, wrong, said = Browser(), {}, []
    browser.call("Emulation.setDeviceMetricsOverride", width=1280, height=900, deviceScaleFactor=1, mobile=False)
    browser.call("Emulation.setTimezoneOverride", timezoneId="America/Los_Angeles")
    try:
        for page, names in pages:
            browser.open(shop / "out" / f"{page}.html")
            end = time.time() + 60
            while browser.ask("performance.getEntriesByName('chart').length") < len(names):
                assert time.time() < end, page
                time.sleep(0.05)
            live = browser.ask("[...document.querySelectorAll('figure.chart > div')].map(d => d.querySelector('svg')?.outerHTML ?? '<svg width=\"0\" height=\"0\">')")
            said += [(page, c) for c in browser.complaints() if not any(known in c for known in SAID)]
            for name, svg in zip(names, live):
                differs = unlike(name, svg, (shop / "out" / f"{name}.svg").read_text())
                if differs:
                    wrong[name] = differs
    finally:
        browser.close()
    assert sorted(wrong) == [], wrong
    assert said == []
