"""Charts in pages: the files they become, what is found wrong with them and where."""
import os
import re
import shutil
import struct
import subprocess
import zlib

import pytest
from conftest import absent

PAGE = """# Films

```sql q
SELECT * FROM (VALUES ('Drama', 12, 2.5::DOUBLE, DATE '2026-01-02', TIMESTAMPTZ '2026-01-02 03:04:05+00', true),
                      ('Say "Boo"', 7, 'nan', NULL, NULL, false)) t(genre, n, share, day, moment, ok)
```
```chart genres
title: Films by genre
data: {name: q}
mark: bar
encoding:
  y: {field: genre, type: nominal}
  x: {field: n, type: quantitative}
```
```chart whole
{"data": {"name": "silver.orders"}, "mark": "point",
 "encoding": {"x": {"field": "country", "type": "nominal"}, "y": {"field": "amount", "type": "quantitative"}}}
```
```chart times
data: {name: q}
transform: [{calculate: "isValid(datum.share) + ' ' + datum.ok", as: s}]
layer:
  - {mark: text, encoding: {text: {field: moment, type: temporal, format: "%d.%m.%Y %H:%M:%S"}}}
  - {mark: text, encoding: {text: {field: day, type: temporal, format: "day %j"}}}
  - {mark: text, encoding: {text: {field: s}}}
```
"""


@pytest.fixture(scope="module")
def out(cupel, shop):
    done = cupel(["render", "p", "--to", "svg,png,txt,html,pdf", "--out", "out"], shop)
    assert done.stdout.split() == [f"out/{f}" for f in ("genres.svg", "whole.svg", "times.svg", "genres.png", "whole.png",
                                                        "times.png", "p.txt", "p.html", "p.pdf")]
    assert done.stderr == ""
    return shop / "out"


def texts(svg):
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg.read_text())


def test_a_picture_for_each_chart(out):
    svg = (out / "genres.svg").read_text()
    assert 'width="800" height="500"' in svg and {"Films by genre", "Drama", "Say &quot;Boo&quot;"} & set(texts(out / "genres.svg"))
    assert svg.count('fill="#0b67b2"') == 2
    png = (out / "genres.png").read_bytes()
    assert png[:8] == b"\x89PNG\r\n\x1a\n" and struct.unpack(">II", png[16:24]) == (1600, 1000)


def pixels(png):
    """(channels, rows) of a PNG whose rows have no filter."""
    data, at = b"", 8
    while at < len(png):
        size, kind = struct.unpack(">I4s", png[at:at + 8])
        assert zlib.crc32(png[at + 4:at + 8 + size]) == struct.unpack(">I", png[at + 8 + size:at + 12 + size])[0]
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", png[at + 8:at + 18])
        data += png[at + 8:at + 8 + size] if kind == b"IDAT" else b""
        at += 12 + size
    channels, data = {2: 3, 6: 4}[colour], zlib.decompress(data)
    line = 1 + width * channels
    assert depth == 8 and len(data) == line * height and not any(data[::line])
    return channels, [data[y * line + 1:(y + 1) * line] for y in range(height)]


def test_what_is_seen_through(cupel, shop, out):
    channels, rows = pixels((out / "genres.png").read_bytes())
    assert channels == 3 and rows[0][:3] == b"\xff\xff\xff" and any(b"\x0b\x67\xb2" in row for row in rows)
    page = shop / "pages" / "clear.md"
    page.write_text("```chart clear\ndata: {values: [{a: 1}]}\nbackground: transparent\n"
                    "mark: {type: bar, color: '#ff8000', fillOpacity: 0.5}\nencoding: {x: {field: a, type: quantitative}}\n```\n")
    try:
        cupel(["render", "clear", "--to", "png", "--out", "o"], shop)
    finally:
        page.unlink()
    channels, rows = pixels((shop / "o" / "clear.png").read_bytes())
    seen = {row[i:i + 4] for row in rows for i in range(0, len(row), 4)}
    assert channels == 4 and b"\0\0\0\0" in seen
    assert any(abs(r - 255) < 3 and abs(g - 128) < 3 and b < 3 and abs(a - 128) < 3 for r, g, b, a in seen)


def test_the_page_as_one_picture(cupel, shop, out):
    done = cupel(["render", "p", "--to", "png,txt", "--whole", "--out", "whole"], shop)
    assert done.stdout.split() == ["whole/p.png", "whole/p.txt"]
    channels, rows = pixels((shop / "whole" / "p.png").read_bytes())
    assert channels == 3 and len(rows[0]) == 1600 * 3 and len(rows) > 1500
    inked = [any(v < 128 for v in row) for row in rows]
    assert inked.index(True) > 50 and inked[::-1].index(True) > 50, "with a margin above and below"
    assert any(b"\x0b\x67\xb2" in row for row in rows), "the charts are in it"
    page = shop / "pages" / "long.md"
    page.write_text("```sql q\nSELECT i FROM range(2000) t(i)\n```\n```table q\n```\n")
    try:
        said = cupel(["render", "long", "--to", "png", "--whole", "--out", "whole"], shop, code=None)
    finally:
        page.unlink()
    assert said.returncode != 0 and "pixels high as a picture: at most 32000\nhint: --to pdf has pages" in said.stderr
    assert not (shop / "whole" / "long.png").exists()


def test_a_table_of_the_project_is_data_too(out):
    assert "Ghana" in texts(out / "whole.svg")


def test_values_keep_their_types(out):
    assert {"02.01.2026 03:04:05", "day 002", "true true", "false false"} <= set(texts(out / "times.svg"))


def test_in_text_bars_are_drawn_and_others_named(out):
    text = (out / "p.txt").read_text()
    bars = re.search(r'Films by genre\nDrama      12  (█+.?)\nSay "Boo"   7  (█+.?)\n', text)
    assert bars and round(len(bars[1]) * 7 / 12) in (len(bars[2]), len(bars[2]) - 1)
    assert "[chart whole: --to png and svg draw it]" in text


def test_in_text_figures_stand_right_and_lines_are_lines(cupel, shop):
    head = "```chart %s\ntitle: %s\ndata: {name: %s}\nmark: %s\nencoding:\n"
    (shop / "pages" / "lines.md").write_text(
        "```sql b\nSELECT * FROM (VALUES ('東京', 1234.5, 0.25), ('a', 7.25, -1)) t(k, n, m)\n```\n"
        "```sql t\nSELECT TIMESTAMPTZ '2026-01-01 00:00:00+00' + to_hours(i::INT) AS at, i % 50 AS n, DATE '2000-01-01' + to_years(i::INT) AS year "
        "FROM range(200) t(i) ORDER BY i\n```\n" +
        "".join(head % (name, name.title(), data, mark) + "".join(f"  {line}\n" for line in lines) + "```\n\n" for name, data, mark, lines in (
            ("bars", "b", "bar", ["y: {field: k, type: nominal}", "x: {field: n, type: quantitative}"]),
            ("below", "b", "bar", ["y: {field: k, type: nominal}", "x: {field: m, type: quantitative}"]),
            ("hours", "t", "line", ["x: {field: at, type: temporal}", "y: {field: n, type: quantitative}"]),
            ("years", "t", "bar", ["x: {field: year, type: temporal, timeUnit: year}", "y: {field: n, type: quantitative}"]),
            ("many", "t", "line", ["x: {field: at, type: temporal}", "y: {field: n, type: quantitative}", "color: {field: n, type: ordinal}"]),
            ("back", "t", "line", ["x: {field: n, type: quantitative}", "y: {field: n, type: quantitative}"]))))
    text = cupel(["render", "lines", "--width", 40], shop).stdout
    said = {part.splitlines()[0]: part.splitlines()[1:] for part in text.strip().split("\n\n")}
    assert said["Bars"] == ["東京  1,235  " + "█" * 27, "a         7  ▏"] or said["Bars"] == ["東京  1,234  " + "█" * 27, "a         7  ▏"]
    assert said["Below"] == ["[chart below: --to png and svg draw it]"]
    assert said["Hours"][0] == ("▁▂▃▄▄▅▆▇▇█" * 4) or len(said["Hours"][0]) == 40 and said["Hours"][0][:10] * 4 == said["Hours"][0]
    assert said["Hours"][0][0] == "▁" and said["Hours"][0][9] == "█" and sorted(said["Hours"][0][:10]) == list(said["Hours"][0][:10])
    assert said["Hours"][1] == "2026-01-01 00:00 to 2026-01-09 07:00: 0 to 49" and said["Years"][1] == "2000 to 2199: 0 to 49"
    assert said["Many"] == ["[chart many: --to png and svg draw it]"] and said["Back"] == ["[chart back: --to png and svg draw it]"]


def test_html_holds_the_pictures(cupel, shop, out):
    html = cupel(["render", "p", "--to", "html", "--static"], shop).stdout
    assert html.count('src="data:image/png;base64,iVBORw0KGgo') == 3
    assert 'width="480" height="300" alt="Films by genre"' in html, "as one of three side by side"


def test_pdf_holds_the_drawings(cupel, shop, out):
    (shop / "pages" / "bare.md").write_text(PAGE[:PAGE.index("```chart")])
    cupel(["render", "bare", "--to", "pdf", "--out", "out"], shop)
    pdf = (out / "p.pdf").read_bytes()
    assert len(pdf) > len((out / "bare.pdf").read_bytes()) + 3000 and b"/Subtype /Image" not in pdf


def test_a_heading_stays_with_its_picture(cupel, shop, out):
    if not shutil.which("pdftotext"):
        absent("pdftotext is not installed: ./dev test does that")
    chart = "```chart %s\ndata: {values: [{a: 1}]}\ntitle: Picture %s\nmark: bar\nencoding: {x: {field: a, type: quantitative}}\n```\n"
    page = shop / "pages" / "far.md"
    page.write_text("# Far\n\n" + "word " * 500 + "".join(f"\n\n## About {n}\n\n" + chart % (n, n) for n in "abcde"))
    try:
        cupel(["render", "far", "--to", "pdf", "--out", "o"], shop)
    finally:
        page.unlink()
    text = subprocess.run(["pdftotext", "-layout", shop / "o" / "far.pdf", "-"], capture_output=True, text=True, check=True).stdout
    pages = text.split("\f")
    assert len(pages) > 3
    for n in "abcde":
        assert any(f"Picture {n}" in page and re.search(rf"^\s*About {n}\s*$", page, re.M) for page in pages), n


def test_again_is_the_same(cupel, shop, out):
    cupel(["render", "p", "--to", "svg,png", "--out", "again"], shop)
    for name in ("genres", "whole", "times"):
        for kind in ("svg", "png"):
            assert (out / f"{name}.{kind}").read_bytes() == (shop / "again" / f"{name}.{kind}").read_bytes()


def test_dark(cupel, shop, out):
    cupel(["render", "p", "--to", "svg", "--theme", "dark", "--out", "dark"], shop)
    assert 'fill="#111827"' in (shop / "dark" / "genres.svg").read_text()


@pytest.mark.parametrize("args, said", [
    (["--to", "png"], "--to png needs --out DIR: each chart is a file"),
    (["--to", "gif", "--out", "o"], "--to: there is no format 'gif'"),
    (["--to", "svg", "--whole", "--out", "o"], "--whole is for --to png"),
    (["--to", "png", "--whole"], "--whole needs --out DIR"),
    (["--to", "png", "--whole", "--theme", "dark", "--out", "o"], "--whole: the page is drawn on light ground only"),
    (["--theme", "pink"], "--theme is light or dark, not 'pink'"),
])
def test_options_that_are_wrong(cupel, shop, out, args, said):
    assert said in cupel(["render", "p", *args], shop, code=2).stderr


def test_a_page_without_charts_has_no_pictures(cupel, shop):
    assert "page 'overview' has no charts" in cupel(["render", "overview", "--to", "svg", "--out", "o"], shop, code=2).stderr


WRONG = """```sql q
SELECT 'Drama' AS genre, 12 AS n
```
```chart a
data: {name: qq}
mark: barr
encoding: {x: {field: anything}}
```
```chart b
data: {name: q}
transform: [{filter: "datum.m > 1"}]
mark: {type: bar, colour: red}
encoding: {x: {field: genre, type: quantitative}, y: {field: gnre}}
```
```chart c
data: {name: silver.order}
mark: bar
```
```chart b
data: {name: q
```
```chart
```
"""


def test_all_mistakes_are_found_at_their_places(cupel, shop):
    page = shop / "pages" / "wrong.md"
    try:
        page.write_text(WRONG[:WRONG.rindex("```chart\n")])
        said = cupel(["validate"], shop, code=2).stderr
        assert re.findall(r"^pages/wrong.md:(\d+:\d+): error: (.*)$", said, re.M) == [
            ("5:14", "no query 'qq' on this page"), ("6:7", "unknown value 'barr'"),
            ("11:29", "'q' gives no column 'm'"), ("12:19", "unknown key 'colour'"),
            ("13:23", "'genre' is VARCHAR: it cannot be quantitative"), ("13:62", "'q' gives no column 'gnre'"),
            ("16:14", "unknown table 'silver.order'"), ("19:10", "there is a chart 'b' on this page already"),
            ("20:7", "not valid YAML: what is opened here is not closed")]
        assert {"hint: did you mean 'bar'?", "hint: did you mean 'color'?", "hint: did you mean 'genre'?",
                "hint: did you mean 'silver.orders'?"} <= set(said.splitlines())
        page.write_text(WRONG[WRONG.rindex("```chart\n"):])
        assert "pages/wrong.md:1:9: error: this block needs a name" in cupel(["validate"], shop, code=2).stderr
        page.write_text(WRONG[:WRONG.index("```chart c")].replace("qq", "q"))
        said = cupel(["render", "wrong"], shop, code=2).stderr
        assert said.startswith("pages/wrong.md:6:7: error: unknown value 'barr'\n"), said
    finally:
        page.unlink()


@pytest.mark.parametrize("chart, place, said", [
    ("data: {sequence: {start: 0, stop: 1.0e+12}}\nmark: point", "1:10", "the chart needs more than 1024 MB of memory"),
    ("data: {sequence: {start: 0, stop: 3}}\ntransform: [{calculate: \"nope(1)\", as: x}]\nmark: point", "1:10", "Unrecognized function: nope"),
])
def test_what_cannot_be_drawn_is_said_at_its_place(cupel, shop, chart, place, said):
    page = shop / "pages" / "wrong.md"
    try:
        page.write_text(f"```chart c\n{chart}\n```\n")
        done = cupel(["render", "wrong", "--to", "svg", "--out", "o"], shop, code=None)
        assert done.returncode in (2, 5)
        assert re.search(rf"^pages/wrong.md:{place}: error: chart 'c': .*{re.escape(said)}", done.stderr), done.stderr
        assert not (shop / "o" / "c.svg").exists()
    finally:
        page.unlink()


SLIPS = [  # chart, what validate says: line:column of the page, message, hint
    ("data: {url: \"https://example.org/x.csv\"}\nmark: point", "5:13", "a chart loads nothing: its rows come from a query", "data: {name: QUERY}"),
    ("mark: bar\nencoding: {x: {field: k}}", "6:23", "no field 'k' here", "a chart takes its rows from a query: data: {name: QUERY}"),
    ("$schema: https://vega.github.io/schema/vega/v5.json\nmarks: []\ndata: []", "5:10", "this is a spec of Vega: charts are Vega-Lite", ""),
    ("data: {name: q}\ntransform: [{pivot: kk, value: n, groupby: [day]}]\nmark: bar", "6:21", "'q' gives no column 'kk'", ""),
    ("data: {name: q}\ntransform: [{window: [{op: sum, field: n, as: s}], sort: [{field: s}, {field: dayy}]}]\nmark: bar", "6:79",
     "no field 'dayy' here", "did you mean 'day'?"),
]


@pytest.mark.parametrize("chart, place, said, hint", SLIPS)
def test_slips_are_found_without_drawing(cupel, shop, chart, place, said, hint):
    page = shop / "pages" / "slip.md"
    try:
        page.write_text(f"```sql q\nSELECT 'a' AS k, 1 AS n, today() AS day\n```\n```chart c\n{chart}\n```\n")
        done = cupel(["validate"], shop, code=2)
        assert done.stderr.startswith(f"pages/slip.md:{place}: error: {said}") and hint in done.stderr and "\n1 error" in done.stdout + done.stderr
    finally:
        page.unlink()


@pytest.mark.parametrize("chart, said", [
    ("usermeta:\n  a0: &a0 [x]\n" + "".join(f"  a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 13)) + "data: {values: [{a: 1}]}\nmark: point",
     "aliases stand for more than a million values"),
    ("data: {values: [{a: 1}]}\nmark: {type: text, text: x, fontSize: 1.0e+9}", "a font of 1000000000 pixels: at most 10000"),
])
def test_what_would_take_all_is_refused(cupel, shop, chart, said):
    page = shop / "pages" / "greedy.md"
    try:
        page.write_text(f"```chart c\n{chart}\n```\n")
        done = cupel(["render", "greedy", "--to", "svg,png,pdf", "--out", "o"], shop, code=2, timeout=60)
        assert re.match(r"pages/greedy.md:\d+:\d+: error: ", done.stderr) and said in done.stderr, done.stderr
    finally:
        page.unlink()


def test_a_text_of_a_hundred_thousand_letters_is_cut(cupel, shop):
    page = shop / "pages" / "long.md"
    try:
        page.write_text(f"```chart long\ndata: {{values: [{{a: 1}}]}}\nmark: point\ntitle: '{'é' * 50000}'\n```\n")
        cupel(["render", "long", "--to", "svg,png,pdf", "--out", "o"], shop, timeout=60)
        assert "é" * 2048 + "…" in (shop / "o" / "long.svg").read_text()
    finally:
        page.unlink()


def test_days_far_away(cupel, shop):
    page = shop / "pages" / "far.md"
    days = ["DATE '0044-03-15 (BC)'", "DATE '0999-12-31'", "DATE '12026-01-02'", "'infinity'::DATE", "NULL"]
    times = ["TIMESTAMP '0044-03-15 (BC) 01:02:03'", "TIMESTAMP '0999-12-31 23:59:59'", "TIMESTAMP '12026-01-02 12:00:00'", "'-infinity'::TIMESTAMP", "NULL"]
    rows = ", ".join(f"({i}, {d}, {t})" for i, (d, t) in enumerate(zip(days, times)))
    chart = ("data: {name: q}\ntransform: [{calculate: \"datum.d == null ? 'none' : year(toDate(datum.d)) + '/' + hours(toDate(datum.t))\", as: y}]\n"
             "mark: text\nencoding: {y: {field: i, type: ordinal}, text: {field: y, type: nominal}}\n")
    try:
        page.write_text(f"```sql q\nSELECT * FROM (VALUES {rows}) v(i, d, t)\n```\n```chart far\n{chart}```\n")
        cupel(["render", "far", "--to", "svg", "--out", "o"], shop)
        assert [t for t in texts(shop / "o" / "far.svg") if "/" in t or t == "none"] == ["-43/1", "999/23", "12026/12", "none", "none"]
    finally:
        page.unlink()


def test_rows_of_the_spec_itself(cupel, shop):
    page = shop / "pages" / "own.md"
    spec = ("datasets: {a: [{v: one, data: {name: x}}]}\nhconcat:\n  - {data: {name: a}, mark: text, encoding: {text: {field: v}}}\n"
            "  - {data: {name: b, sequence: {start: 7, stop: 8, as: n}}, mark: text, encoding: {text: {field: n}}}\n")
    try:
        page.write_text(f"```chart own\n{spec}```\n")
        assert cupel(["validate"], shop).stderr == ""
        cupel(["render", "own", "--to", "svg", "--out", "o"], shop)
        assert {"one", "7"} <= set(texts(shop / "o" / "own.svg"))
    finally:
        page.unlink()


def test_one_that_cannot_be_drawn_leaves_no_half_of_a_page(cupel, shop):
    page = shop / "pages" / "wrong.md"
    good = "data: {values: [{a: 1}]}\nmark: bar\nencoding: {x: {field: a, type: quantitative}}\n"
    bad = "data: {sequence: {start: 0, stop: 3}}\ntransform: [{calculate: nope(1), as: x}]\nmark: point\n"
    try:
        page.write_text("".join(f"```chart {n}\n{good if n in 'ad' else bad}```\n" for n in "abcd"))
        done = cupel(["render", "wrong", "--to", "svg,png", "--out", "half"], shop, code=2)
        assert done.stderr.startswith("pages/wrong.md:6:10: error: chart 'b': Unrecognized function: nope\n"), done.stderr
        assert not (shop / "half").exists()
    finally:
        page.unlink()


def test_what_is_nested_too_deeply_is_said_at_its_place(cupel, shop):
    page = shop / "pages" / "deep.md"
    values = "data: {values: [{a: 1}]}\nmark: point\n"
    try:
        page.write_text(f"```chart c\n{values}transform: [{{calculate: \"{'(' * 20000}1{')' * 20000}\", as: x}}]\n```\n")
        said = cupel(["render", "deep", "--to", "svg", "--out", "o"], shop, code=2).stderr
        assert said.startswith("pages/deep.md:1:10: error: chart 'c': RangeError: Maximum call stack size exceeded")
        page.write_text("```chart c\n" + '{"layer": [' * 3000 + '{"mark": "point"}' + "]}" * 3000 + "\n```\n")
        said = cupel(["render", "deep", "--to", "svg", "--out", "o"], shop, code=2).stderr
        assert re.match(r"pages/deep.md:2:\d+: error: nested too deep", said)
    finally:
        page.unlink()


def test_more_rows_than_a_page_shows_are_told_of(cupel, shop):
    page = shop / "pages" / "many.md"
    chart = ("```chart c\ndata: {name: q}\nmark: text\nencoding:\n  x: {aggregate: max, field: i, type: quantitative}\n"
             "  text: {aggregate: max, field: i, type: quantitative}\n```\n")
    try:
        page.write_text("```sql q\nSELECT i FROM range(100001) t(i) ORDER BY i\n```\n" + chart)
        said = cupel(["render", "many", "--to", "svg", "--out", "o"], shop).stderr
        assert said.startswith("pages/many.md:1:8: warning: 'q' gives more than 100000 rows: the page shows the first 100000\n"), said
        assert "99999" in texts(shop / "o" / "c.svg")
        page.write_text("```sql q\nSELECT i FROM range(100000) t(i)\n```\n" + chart)
        assert cupel(["render", "many", "--to", "svg", "--out", "o"], shop).stderr == ""
    finally:
        page.unlink()


def test_warnings_of_vega_have_the_place_of_the_chart(cupel, shop):
    page = shop / "pages" / "odd.md"
    try:
        page.write_text("```chart c\ndata: {values: [{a: x}]}\nmark: bar\nencoding: {x: {field: a, type: nominal, scale: {type: log}}}\n```\n")
        said = cupel(["render", "odd", "--to", "svg", "--out", "o"], shop).stderr
        assert said.startswith("pages/odd.md:1:10: warning: chart 'c': ") and "log" in said
    finally:
        page.unlink()


def test_without_the_library_the_rest_works(cupel, shop, out):
    env = {**os.environ, "CUPEL_CHART": "/nowhere/libcupel-chart.so"}
    assert "cannot load the chart library" in cupel(["render", "p", "--to", "svg", "--out", "o"], shop, env, code=8).stderr
    assert "Films by genre" in cupel(["render", "p"], shop, env).stdout


@pytest.mark.parametrize("bins", ["binned", "{binned: true, step: 0.5}"])
def test_bars_of_bins_that_the_data_has_are_as_wide_as_these(cupel, shop, bins):
    """The theme's round ends would take their width away."""
    (shop / "pages" / "bins.md").write_text(
        "```sql q\nSELECT 1.5 AS at, 2.0 AS until, 5 AS n UNION ALL SELECT 2, 2.5, 7\n```\n"
        "```chart bins\ndata: {name: q}\nmark: bar\nencoding:\n"
        f"  x: {{field: at, type: quantitative, bin: {bins}}}\n  x2: {{field: until}}\n  y: {{field: n, type: quantitative}}\n```\n")
    cupel(["render", "bins", "--to", "svg", "--out", "bins"], shop)
    paths = re.findall(r'<path d="M[\d.]+,[\d.]+h([\d.]+)v', re.search(r'mark-rect.*?</g>', (shop / "bins" / "bins.svg").read_text(), re.S)[0])
    assert len(paths) == 2 and all(float(width) > 300 for width in paths), paths
