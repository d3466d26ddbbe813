"""Pages as HTML: one file that needs no other, that no data can break, and that works in a browser."""
import base64
import gzip
import hashlib
import re

import pytest
from browser import Browser

PAGE = """# Sales & <em>costs</em>

Total {{ q.n | #,##0.0 }} of {{ evil }}.

| a | b |
|---|--:|
| x | 1 |

## Again
## Again

```sql q
SELECT * FROM (VALUES (9.5, 'b', DATE '2026-11-01'), (1234.25, 'A', NULL), (-3, NULL, DATE '2025-01-31')) t(n, s, d)
```
```sql evil
SELECT '<script>alert(1)</script>" onclick="x" &amp; `code` *b*' AS e
```
```table q
columns: {n: {title: "N (k$)", format: "#,##0.0"}, s: Name, d: Day}
```
```table evil
```
```sql none
SELECT 1 AS x WHERE false
```
```table none
```
```table none
```
"""


@pytest.fixture(scope="module")
def html(cupel, shop):
    done = cupel(["render", "p", "--to", "txt,html", "--out", "out"], shop)
    assert done.stdout == "out/p.txt\nout/p.html\n"
    return shop / "out" / "p.html"


@pytest.fixture(scope="module")
def browser():
    b = Browser()
    yield b
    b.close()


def test_it_needs_nothing_else(html):
    text = html.read_text()
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)[1]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    for tag in ("style", "script"):
        for body in re.findall(f"<{tag}>(.*?)</{tag}>", text, re.S):
            assert base64.b64encode(hashlib.sha256(body.encode()).digest()).decode() in policy
    assert not re.findall(r"""(?:src|href)=["']?(?!#)|url\((?!data:)|@import""", text)


def test_data_stays_data(html):
    text = html.read_text()
    assert text.count("<script") == 1 and 'onclick="x"' not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&quot; onclick=&quot;x&quot; &amp;amp; `code` *b*" in text
    assert "<title>Sales &amp; costs</title>" in text
    assert re.findall(r"<h\d id=\"([^\"]+)\"", text) == ["sales-amp-costs", "again", "again-2"]
    assert '<td class="r" data-v="1234.25">1,234.3\n' in text or '<td class="r" data-v="1234.25">1,234.2' in text


def test_tables_sort_in_the_browser(html, browser):
    browser.open(html)
    names = "[...document.querySelectorAll('.rows')[1].querySelectorAll('tbody tr')].map(r => r.cells[%d].textContent.trim())"
    click = "document.querySelectorAll('.rows')[1].querySelectorAll('th button')[%d].click()"
    assert browser.ask(names % 0) == ["9.5", "1,234.3", "-3.0"] or browser.ask(names % 0) == ["9.5", "1,234.2", "-3.0"]
    browser.ask(click % 0)
    assert browser.ask(names % 1) == ["A", "b", "-"], "figures: the largest first"
    assert browser.ask("document.querySelectorAll('.rows')[1].querySelector('th').ariaSort") == "descending"
    browser.ask(click % 0)
    assert browser.ask(names % 1) == ["-", "b", "A"]
    browser.ask(click % 1)
    assert browser.ask(names % 1) == ["A", "b", "-"], "texts by the alphabet, what is missing last"
    browser.ask(click % 2)
    assert browser.ask(names % 2) == ["2025-01-31", "2026-11-01", "-"]
    assert browser.complaints() == []


CHARTS = """# Charts

```sql q
SELECT * FROM (VALUES ('a', 3, DATE '2026-01-01'), ('</script><b>', 1000000000, DATE '2026-02-01')) t(k, n, d)
```
```chart bars
title: {text: Bars, subtitle: as long as n}
data: {name: q}
mark: {type: bar, tooltip: true}
encoding:
  x: {field: n, type: quantitative, axis: {formatType: usd}}
  y: {field: k, type: nominal}
```
```chart beside
description: Dots and ticks
columns: 2
data: {name: q}
concat:
  - {mark: point, encoding: {x: {field: d, type: temporal}, y: {field: n, type: quantitative}}}
  - {mark: tick, encoding: {x: {field: n, type: quantitative}}}
```
"""


def test_charts_live(cupel, html, browser):
    shop = html.parents[1]
    (shop / "pages" / "c.md").write_text(CHARTS)
    cupel(["render", "c", "--to", "html", "--out", "out"], shop)
    text = (shop / "out" / "c.html").read_text()
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)[1]
    program = gzip.decompress(base64.b64decode(re.search('id="program">(.*?)<', text)[1]))
    for body in [*(s.encode() for s in re.findall("<script>(.*?)</script>", text, re.S)), program]:
        assert base64.b64encode(hashlib.sha256(body).digest()).decode() in policy
    assert len(text) < 500_000
    browser.open(shop / "out" / "c.html")
    drawn = "performance.getEntriesByName('chart').length === 2"
    assert browser.ask(drawn), "it has loaded when all is drawn"
    assert browser.ask("performance.getEntriesByName('picture')[0].startTime < performance.getEntriesByName('chart')[0].startTime")
    assert not browser.ask("document.querySelector('.picture, iframe')"), "what stood in for the charts is gone"
    texts = "[...document.querySelectorAll('figure.chart')[%d].querySelectorAll('text')].map(t => t.textContent)"
    said = browser.ask(texts % 0)
    assert "Bars" in said and "</script><b>" in said and "$1B" in said and "$400M" in said
    marks = "document.querySelectorAll('figure.chart')[%d].querySelectorAll('.mark-%s path').length"
    assert browser.ask(marks % (0, "rect")) == 2
    assert browser.ask(marks % (1, "symbol")) == 2, "a spec of several views"
    spoken = "[...document.querySelectorAll('figure.chart')].map(f => f.getAttribute('aria-label'))"
    assert browser.ask(spoken) == ['Bars: as long as n', "Dots and ticks"]
    assert browser.complaints() == []

    browser.call("Emulation.setDeviceMetricsOverride", width=380, height=800, deviceScaleFactor=1, mobile=False)
    browser.open(shop / "out" / "c.html")
    assert browser.ask(drawn) and browser.complaints() == []
    size = browser.ask("(r => [r.width, r.height])(document.querySelector('figure.chart svg').getBoundingClientRect())")
    assert size[0] <= 380 and size[1] > size[0] * 0.8, "on a phone it is as wide as that, and not crushed"
    browser.call("Emulation.clearDeviceMetricsOverride")

    cupel(["render", "c", "--to", "html", "--static", "--out", "still"], shop)
    still = (shop / "still" / "c.html").read_text()
    assert still.count("<img ") == 2 and still.count("<script") == 1 and 'alt="Bars: as long as n"' in still


def test_the_first_chart_is_a_picture_first(cupel, html, browser):
    shop = html.parents[1]
    (shop / "pages" / "c.md").write_text(CHARTS.replace("```chart beside", "A text between.\n```chart beside"))
    cupel(["render", "c", "--to", "html,svg", "--out", "pictured"], shop)
    text = (shop / "pictured" / "c.html").read_text()
    svg = [gzip.decompress(base64.b64decode(re.search(f'id="picture-{t}">(.*?)<', text)[1])).decode() for t in ("light", "dark")]
    assert svg[0] == (shop / "pictured" / "bars.svg").read_text() and "#111827" in svg[1]

    damaged = shop / "pictured" / "damaged.html"  # the program that draws charts cannot be opened
    damaged.write_text(re.sub('(id="program">.{1000}).{4}', r"\1AAAA", text))
    browser.open(damaged)
    assert browser.ask("document.querySelector('figure.chart .picture').textContent.includes('$400M')")
    assert "cannot be drawn" in browser.ask("document.querySelectorAll('figure.chart')[1].textContent")
    assert "cannot be drawn" not in browser.ask("document.querySelector('figure.chart').textContent")
    browser.open(f"{shop}/pictured/c.html#kind=b")  # of inputs that are at something else it is not
    assert browser.ask("performance.getEntriesByName('picture').length") == 0 and browser.complaints() == []

    (shop / "pages" / "c.md").write_text(CHARTS.replace("tooltip: true}", "tooltip: true, blend: multiply}"))
    cupel(["render", "c", "--to", "html", "--out", "pictured"], shop)
    assert 'id="picture-light"' not in (shop / "pictured" / "c.html").read_text(), "it would need a style that the page forbids"
    browser.open(shop / "pictured" / "c.html")
    assert browser.ask("performance.getEntriesByName('chart').length") == 2 and browser.complaints() == []


ROWS = """# Side by side

```sql q
SELECT * FROM (VALUES ('a', 3), ('b', 5)) t(k, n)
```
%s
A text between.

%s"""
ONE = "```chart %s\ntitle: %s\ndata: {name: q}\nmark: bar\nencoding:\n  y: {field: k, type: nominal}\n  x: {field: n, type: quantitative}\n```\n"
BOXES = ("[...document.querySelectorAll('figure.chart')].map(f => [f, f.querySelector('svg, img')].map(e => (r => "
         "[r.left, r.top + scrollY, r.width, r.height].map(Math.round))(e.getBoundingClientRect())))")


def rows_page(shop, first, second):
    """Two rows of charts; between those of the first there is a query."""
    ask = "```sql %s\nSELECT 1\n```\n"
    (shop / "pages" / "r.md").write_text(ROWS % (
        "".join(ONE % (f"a{i}", f"A {i}") + "\n" + ask % f"q{i}" for i in range(first)),
        "".join(ONE % (f"b{i}", f"B {i}") for i in range(second))))


def boxes(browser, shop, folder, width, charts):
    browser.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
    browser.open(shop / folder / "r.html")
    browser.ask(f"""new Promise(done => {{ const look = () => document.images.length === {charts} ||
        performance.getEntriesByName('chart').length === {charts} ? done(true) : setTimeout(look, 20); look(); }})""")
    assert browser.ask("document.documentElement.scrollWidth") <= width and browser.complaints() == []
    return browser.ask(BOXES)


def columns(figures):
    """How many stand on each line."""
    tops = [box[1] for box, _ in figures]
    return [tops.count(top) for top in sorted(set(tops))]


@pytest.mark.parametrize("live", [True, False], ids=["live", "static"])
def test_charts_that_follow_one_another_stand_side_by_side(cupel, html, browser, live):
    shop = html.parents[1]
    folder = "live" if live else "still"
    for first, second, at in ((2, 1, {1440: [2, 1], 1100: [2, 1], 768: [1, 1, 1], 390: [1, 1, 1]}),
                              (3, 4, {1440: [3, 2, 2], 1100: [2, 1, 2, 2], 390: [1] * 7}),
                              (5, 1, {1440: [3, 2, 1], 1100: [2, 2, 1, 1]})):
        rows_page(shop, first, second)
        cupel(["render", "r", "--to", "html", "--out", folder, *([] if live else ["--static"])], shop)
        for width, want in at.items():
            got = boxes(browser, shop, folder, width, first + second)
            assert columns(got) == want, (first, second, width)
            for figure, picture in got[:first]:
                assert picture[2] <= figure[2] and picture[2] >= figure[2] - 2, "each takes the room that it gets"
                assert 200 < picture[3] <= figure[3] + 1 and (width < 700 or picture[3] >= 279)
            if second == 1 and width == 1440:
                assert got[-1][1][2:] == [800, 500], "one that stands alone is as large as ever"
    assert browser.barriers() == [] and browser.barriers(dark=True) == []
    browser.call("Emulation.clearDeviceMetricsOverride")


def test_charts_side_by_side_are_printed_legibly(cupel, html, browser):
    shop = html.parents[1]
    for n, width, want in ((3, 1440, [2, 1]), (2, 1440, [1, 1]), (3, 700, [1, 1, 1])):
        rows_page(shop, n, 0)
        cupel(["render", "r", "--to", "html", "--out", "live"], shop)
        boxes(browser, shop, "live", width, n)
        drawn = browser.ask("document.querySelector('figure.chart svg').getBoundingClientRect().width")
        browser.call("Emulation.setEmulatedMedia", media="print")
        browser.call("Emulation.setDeviceMetricsOverride", width=672, height=900, deviceScaleFactor=1, mobile=False)
        got = browser.ask(BOXES)
        assert columns(got) == want, (n, width)
        assert all(picture[2] >= 0.65 * drawn and figure[0] + figure[2] <= 673 for figure, picture in got)
        browser.call("Emulation.setEmulatedMedia", media="")
    browser.call("Emulation.clearDeviceMetricsOverride")


def test_a_chart_is_a_file_of_its_own_size_wherever_it_stands(cupel, html):
    shop = html.parents[1]
    rows_page(shop, 3, 1)
    cupel(["render", "r", "--to", "svg", "--out", "files"], shop)
    for name in ("a0", "a1", "a2", "b0"):
        assert 'width="800" height="500"' in (shop / "files" / f"{name}.svg").read_text()[:200]


TIMES = """# Times

```sql q
SELECT * FROM (VALUES (DATE '2026-01-01', TIMESTAMPTZ '2025-12-31 23:30:00+00', 1), (DATE '2026-03-01', TIMESTAMPTZ '2026-03-01 02:15:00+00', 2)) t(day, moment, n)
```
```chart times
data: {name: q}
transform: [{calculate: "year(datum.day) + '-' + month(datum.day) + ' ' + hours(datum.moment) + ' ' + timeFormat(datum.moment, '%H:%M') + ' ' + day(datetime(2026, 0, 1))", as: said}]
vconcat:
  - mark: text
    encoding: {text: {field: said}, x: {field: day, timeUnit: yearmonth, type: temporal}, y: {field: moment, type: temporal}}
  - mark: bar
    encoding: {x: {field: moment, timeUnit: yearmonthdate, type: ordinal}, y: {field: n, type: quantitative}}
  - data: {values: [{t: "2026-05-01 10:00"}, {t: "May 1, 2026 22:00 GMT+0200"}, {t: "2026-05-01"}]}
    mark: tick
    encoding: {x: {field: t, type: temporal, timeUnit: hours}}
```
"""


def test_times_are_utc_wherever_the_reader_is(cupel, html, browser):
    shop = html.parents[1]
    (shop / "pages" / "t.md").write_text(TIMES)
    cupel(["render", "t", "--to", "html,svg", "--out", "times"], shop)
    said = []
    for zone in ("UTC", "America/New_York", "Asia/Kolkata", "Pacific/Kiritimati"):
        browser.call("Emulation.setTimezoneOverride", timezoneId=zone)
        browser.open(shop / "times" / "t.html")
        said.append(browser.ask("[...document.querySelectorAll('figure.chart text')].map(t => t.textContent)"))
    browser.call("Emulation.setTimezoneOverride", timezoneId="")
    assert said[0] == said[1] == said[2] == said[3] and browser.complaints() == []
    assert "2026-0 23 23:30 4" in said[0] and "2026-2 2 02:15 4" in said[0], "the 1st of January 2026 was a Thursday"
    svg = re.sub("<defs>.*", "", (shop / "times" / "times.svg").read_text())
    assert said[0] == re.findall("<text[^>]*>([^<]*)<", svg), "the same as in the picture"


def test_nobody_is_kept_out(html, browser):
    browser.open(html)
    assert re.findall('role="region" aria-label="([^"]+)"', html.read_text()) == ["Table", "q", "evil", "none", "none, 2"]
    assert browser.barriers() == [] and browser.barriers(dark=True) == []


BOUND = """# Bound

```chart bound
description: Dots up to a limit
data: {values: [{n: 1}, {n: 5}, {n: 9}]}
params: [{name: limit, value: 5, bind: {input: range, min: 0, max: 10, step: 1}}]
transform: [{filter: "datum.n <= limit"}]
mark: point
encoding: {x: {field: n, type: quantitative}}
```
"""


def test_controls_of_a_chart_can_be_reached(cupel, html, browser):
    shop = html.parents[1]
    (shop / "pages" / "b.md").write_text(BOUND)
    cupel(["render", "b", "--to", "html", "--out", "bound"], shop)
    browser.open(shop / "bound" / "b.html")
    marks = "document.querySelectorAll('figure.chart .mark-symbol > *').length"
    assert browser.ask(marks) == 2 and browser.barriers() == []
    browser.ask("document.querySelector('.vega-bind input').focus()")
    for kind in ("keyDown", "keyUp"):
        browser.call("Input.dispatchKeyEvent", type=kind, key="End", code="End", windowsVirtualKeyCode=35)
    assert browser.ask(f"new Promise(done => {{ const look = () => {marks} === 3 ? done(true) : setTimeout(look, 20); look(); }})")
    assert browser.complaints() == []


def test_formats(cupel, html):
    shop = html.parents[1]
    assert "hint: did you mean 'html'?" in cupel(["render", "p", "--to", "htm"], shop, code=2).stderr
    assert "several formats need --out" in cupel(["render", "p", "--to", "txt,html"], shop, code=2).stderr
    assert cupel(["render", "p", "--to", "html"], shop).stdout == html.read_text()


def test_words_that_are_wider_than_the_page_are_broken(cupel, shop):
    page = shop / "pages" / "long.md"
    browser = Browser()
    try:
        page.write_text("```sql q\nSELECT repeat('word', 500) AS w\n```\n# {{ q.w }}\n\nHere: {{ q.w }}\n\n- {{ q.w }}\n\n```value q\n```\n\n```table q\n```\n")
        cupel(["render", "long", "--to", "html", "--out", "o"], shop)
        for width in (1280, 390):
            browser.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
            browser.open(shop / "o" / "long.html")
            assert browser.ask("document.documentElement.scrollWidth") <= width
    finally:
        browser.close()
        page.unlink()
