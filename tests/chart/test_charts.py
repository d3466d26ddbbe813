"""Charts: the pictures of tests/chart/specs are those of tests/golden/charts, and Vega-Lite's own examples can be drawn.

UPDATE=1 writes the golden pictures anew: look at them before they are committed.
"""
import concurrent.futures
import difflib
import json
import os
import pathlib
import re
import subprocess
import tarfile

import pytest

from conftest import ROOT, absent, shared

SPECS = sorted((ROOT / "tests/chart/specs").glob("*.json"))
GOLDEN = ROOT / "tests/golden/charts"

NEED_THE_NETWORK = {"point_constant_legend_domain", "selection_type_point_zorder", "stocks-2009-layered-line-point"}
PICTURES = "the picture data/"  # that an example asks for: charts load nothing
WARNED_OF = {  # what is said of examples
    **{name: PICTURES for name in ("image_scatter_no_size", "scatter_image")},
    "animated_gapminder": "Symbol legend count exceeds limit, filtering items.",
    "facet_independent_scale_layer_broken": "Detected faceted independent scales that union domain",
    "layer_line_exponential": 'Invalid aggregation operator "[object Object]".',
}


NOT_IN_THE_SCHEMA = {  # examples that use what Vega-Lite's own schema does not know
    "bar_tooltip_filter", "facet_column_facet_column_point_future", "facet_column_facet_row_point_future",
    "facet_row_facet_row_point_future", "layer_line_exponential",
}


@pytest.fixture(scope="session")
def tool():
    build = pathlib.Path(os.environ.get("CUPEL_BUILD", ROOT / "build"))

    def run(*args):
        done = subprocess.run([build / "tests/tools/chart_tool", *map(str, args)], capture_output=True, text=True, timeout=600,
                              env={**os.environ, "CUPEL_CHART": str(build / "libcupel-chart.so")})
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run


def elements(svg):
    """One element a line, so that a difference can be read."""
    return re.sub(r"(<[^/])", r"\n\1", svg).splitlines()


@pytest.mark.parametrize("spec, theme", [(s, "light") for s in SPECS] + [(s, "dark") for s in SPECS if s.stem in ("bars", "heat")],
                         ids=lambda x: getattr(x, "stem", x))
def test_the_picture_is_as_it_was(tool, tmp_path, spec, theme):
    (said,) = tool(theme, "/nowhere", tmp_path, spec)
    assert (said["error"], said["warnings"]) == (None, [])
    got, golden = (tmp_path / f"{spec.stem}.svg").read_text(), GOLDEN / f"{spec.stem}-{theme}.svg"
    if os.environ.get("UPDATE"):
        golden.write_text("\n".join(elements(got)) + "\n")
    want = golden.read_text().splitlines()
    if elements(got) != want:
        diff = "\n".join(difflib.unified_diff(want, elements(got), str(golden), "drawn now", lineterm="", n=1))
        pytest.fail(f"{spec.stem} looks different: see {tmp_path / spec.stem}.png; UPDATE=1 takes it over\n{diff[:6000]}", pytrace=False)


def test_a_picture_does_not_depend_on_those_before_it(tool, tmp_path):
    """Its bytes are the same when another was drawn by the same engine: names of clips and gradients begin anew."""
    clipped = {"data": {"values": [{"a": 1}, {"a": 2}]}, "mark": {"type": "bar", "clip": True}, "encoding": {"x": {"field": "a", "type": "quantitative"}}}
    gradient = {"gradient": "linear", "stops": [{"offset": 0, "color": "white"}, {"offset": 1, "color": "red"}]}
    for name in "ab":
        (tmp_path / f"{name}.json").write_text(json.dumps({**clipped, "mark": {**clipped["mark"], "color": gradient}}))
    tool("light", "/nowhere", tmp_path, tmp_path / "a.json", tmp_path / "b.json")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_links_that_run_a_script_are_left_out(tool, tmp_path):
    rows = [{"a": "ok", "l": "https://example.org/"}, {"a": "bad", "l": "javascript:alert(1)"}, {"a": "odd", "l": " java\tscript:alert(1)"}]
    spec = {"data": {"values": rows}, "mark": "bar", "encoding": {"y": {"field": "a", "type": "nominal"}, "href": {"field": "l", "type": "nominal"}}}
    (tmp_path / "links.json").write_text(json.dumps(spec))
    tool("light", "/nowhere", tmp_path, tmp_path / "links.json")
    svg = (tmp_path / "links.svg").read_text()
    assert "https://example.org/" in svg and "alert" not in svg


def test_pictures_are_of_data_only(tool, tmp_path):
    dot = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
    spec = {"data": {"values": [{"u": dot}, {"u": "logo.png"}, {"u": "logo.png"}]}, "mark": {"type": "image", "width": 20, "height": 20},
            "encoding": {"url": {"field": "u", "type": "nominal"}}}
    (tmp_path / "image.json").write_text(json.dumps(spec))
    (said,) = tool("light", "/nowhere", tmp_path, tmp_path / "image.json")
    assert said["warnings"] == ["the picture logo.png is not shown: charts load nothing, it can be written as data:image/png;base64,..."]
    svg = (tmp_path / "image.svg").read_text()
    assert dot in svg and "logo" not in svg


def test_texts_that_xml_cannot_hold(tool, tmp_path):
    texts = ["a\x01b\x1b[2J", "\ufffe\uffff", "tab\tend"]
    spec = {"data": {"values": [{"t": t} for t in texts]}, "mark": "text", "transform": [{"calculate": "slice('\U0001f469x', 0, 1) + datum.t", "as": "cut"}],
            "encoding": {"text": {"field": "cut", "type": "nominal"}, "y": {"field": "t", "type": "nominal"}}}
    (tmp_path / "odd.json").write_text(json.dumps(spec))
    (said,) = tool("light", "/nowhere", tmp_path, tmp_path / "odd.json")
    assert said["error"] is None, "it can be drawn"
    svg = (tmp_path / "odd.svg").read_text()
    assert ">\ufffda\ufffdb\ufffd[2J<" in svg and ">\ufffd\ufffd\ufffd<" in svg and ">\ufffdtab" in svg


def test_labels_take_no_more_room_than_they_are_cut_to(tool, tmp_path):
    for name, label in (("long", "word " * 80), ("longer", "word" * 2500)):
        spec = {"data": {"values": [{"k": label, "v": 1}, {"k": "b", "v": 2}]}, "mark": "bar",
                "encoding": {"y": {"field": "k", "type": "nominal"}, "x": {"field": "v", "type": "quantitative"}}}
        (tmp_path / f"{name}.json").write_text(json.dumps(spec))
        tool("light", "/nowhere", tmp_path, tmp_path / f"{name}.json")
        svg = (tmp_path / f"{name}.svg").read_text()
        left = float(re.search(r'transform="translate\(([\d.]+),', svg)[1])
        assert 150 < left < 260 and "…" in svg, left


def test_numbers_of_many_digits(tool, tmp_path):
    spec = {"data": {"values": [{"n": 1.25e22}, {"n": -3e21}, {"n": 1e300}, {"n": 12345678901}]}, "mark": "text",
            "encoding": {"text": {"field": "n", "type": "quantitative", "format": ",d"}, "y": {"field": "n", "type": "nominal", "axis": None}}}
    (tmp_path / "many.json").write_text(json.dumps(spec))
    tool("light", "/nowhere", tmp_path, tmp_path / "many.json")
    numbers = re.findall(r">([^<]*,[^<]*)<", (tmp_path / "many.svg").read_text())
    assert set(numbers) == {"12,345,678,901", "\u22123,000,000,000,000,000,000,000", "12,500,000,000,000,000,000,000", "1" + ",000" * 100}


def test_rows_written_as_csv(tool, tmp_path):
    text = 'who,n\r\n"Doe, ""Jo""",2\nRoe,3\n\n'
    spec = {"data": {"values": text, "format": {"type": "csv"}}, "mark": "text",
            "encoding": {"text": {"field": "who", "type": "nominal"}, "x": {"field": "n", "type": "quantitative"}}}
    (tmp_path / "csv.json").write_text(json.dumps(spec))
    (tmp_path / "dsv.json").write_text(json.dumps({**spec, "data": {"values": "Doe|2\nRoe|3", "format": {"type": "dsv", "delimiter": "|", "header": ["who", "n"]}}}))
    tool("light", "/nowhere", tmp_path, tmp_path / "csv.json", tmp_path / "dsv.json")
    assert re.findall(r">([^<]*oe[^<]*)<", (tmp_path / "csv.svg").read_text()) == ["Doe, \"Jo\"", "Roe"]
    assert re.findall(r">([^<]*oe[^<]*)<", (tmp_path / "dsv.svg").read_text()) == ["Doe", "Roe"]


@pytest.fixture(scope="session")
def examples(tool, tmp_path_factory):
    """{name: what was said of it}, of all the examples."""
    cache = pathlib.Path(os.environ.get("CUPEL_CACHE", pathlib.Path.home() / ".cache/cupel"))
    data = next(iter(sorted(cache.glob("vega-datasets-*/package/data"))), None)
    if not data:
        absent("npm's vega-datasets is not there: ./dev setup test fetches it")
    folder = tmp_path_factory.mktemp("examples")
    packed = subprocess.run(["zstd", "-dc", shared("data/charts/vega_lite_examples.tar.zst")], check=True, capture_output=True)
    (folder / "all.tar").write_bytes(packed.stdout)
    with tarfile.open(folder / "all.tar") as tar:
        tar.extractall(folder)
    specs = sorted((folder / "examples/specs").glob("*.vl.json"))
    assert len(specs) == 633
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        halves = pool.map(lambda part: tool(data, "-", *part), [specs[::2], specs[1::2]])
    return {said["spec"]: said for half in halves for said in half}


def test_every_published_example_is_drawn(examples):
    assert len(examples) == 633
    wrong = {n: s["error"] for n, s in examples.items() if s["error"] and n not in NEED_THE_NETWORK}
    assert wrong == {}
    assert {n for n, s in examples.items() if s["missing"]} == NEED_THE_NETWORK


def test_no_example_is_warned_of_without_reason(examples):
    warned = {n: s["warnings"] for n, s in examples.items() if s["warnings"]}
    assert set(warned) == set(WARNED_OF)
    assert all(len(w) == (3 if WARNED_OF[n] == PICTURES else 1) and w[0].startswith(WARNED_OF[n]) for n, w in warned.items())


def test_no_example_is_called_wrong_before_it_is_drawn(examples):
    assert {n for n, s in examples.items() if s["problems"]} == NOT_IN_THE_SCHEMA
