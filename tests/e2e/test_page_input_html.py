"""Inputs in HTML: whatever is chosen in the browser shows what a rendering with --input shows."""
import base64
import gzip
import json
import re
import urllib.parse

import pytest
from browser import Browser

PAGE = """# Test of {{ kind }}

```sql kinds
SELECT * FROM (VALUES ('a'), ('b'), (NULL), ('</script><script>alert(1)</script>')) t(k)
```
```input kind
type: select
title: Kind
options: kinds.k
all: All kinds
```
```input least
type: slider
title: At least
min: 0
max: 10
step: 0.5
```
```input days
type: date_range
title: Days
default: 2026-11-01..2026-12-31
```
```input find
type: search
title: Title
placeholder: a word
```

It is `{{ kind }}` from {{ days_start }} with {{ find }}: {{ agg.n | 0.00 }} and {{ rows.name }}, [x](#{{ kind }}).

```sql rows
SELECT name, n, d FROM (VALUES
    ('a', 'Zebra_1', 3.25, DATE '2026-11-01', TIMESTAMP '2026-11-30 00:00:00'),
    ('a', 'ÜBUNG 100%', 0.5, DATE '2026-11-20', TIMESTAMP '2026-11-30 10:00:00'),
    ('b', 'übung "<b>', 7, DATE '2026-12-01', TIMESTAMP '2026-12-31 00:00:00.5'),
    ('b', 'plain b_n', 2.5, DATE '2026-12-01', TIMESTAMP '2026-12-30 00:00:00'),
    ('b', NULL, 9.75, DATE '2026-12-02', NULL),
    ('b', 'a(b', -1, NULL, NULL),
    ('c', 'last', NULL, DATE '2026-12-31', TIMESTAMP '2026-12-31 00:00:00')) t(k, name, n, d, ts)
WHERE ($find = '' OR name ILIKE '%' || $find || '%') AND ($kind IS NULL OR k = $kind) AND $least <= coalesce(n, 0) + 1
  AND d BETWEEN $days_start AND $days_end AND ts <= $days_end
ORDER BY n DESC NULLS LAST LIMIT 3
```
```table rows
columns: {name: Name, n: {title: N, format: "#,##0.0", bar: true}, d: Day}
limit: 2
```
```sql agg
SELECT sum(n) AS n, 4 AS was FROM (VALUES ('a', 3), ('b', 5), ('c', 1000)) t(k, n)
WHERE ($kind IS NULL OR k = $kind) AND n >= $least
```
```sql line
SELECT nullif(i * $least, 3) AS i FROM range(5) t(i)
```
```value agg
title: Sum
format: "#,##0.0 $"
compare: was
note: than before
trend: line.i
```
```sql g
SELECT * FROM (VALUES ('a', 3, DATE '2026-01-01'), ('b', 5, DATE '2026-01-02')) t(k, n, d)
WHERE ($kind IS NULL OR k = $kind) AND d <= $days_end
```
```chart bars
title: The bars
data: {name: g}
mark: bar
encoding:
  x: {field: d, type: temporal}
  y: {field: n, type: quantitative}
```
"""
DRAWN = ("new Promise(done => { const look = () => document.querySelector('figure.chart svg') ? done(true) : setTimeout(look, 20); "
         "look(); })")
SETTLED = "new Promise(done => setTimeout(done, 250))"
SHOWN = """({
  table: [...document.querySelectorAll('[data-table] tr')].map(r => [...r.cells].map(c =>
    [c.textContent.trim(), c.className, c.querySelector('rect')?.getAttribute('width') ?? ''])),
  none: document.querySelector('.none').hidden,
  tile: document.querySelector('.values > div').innerText,
  line: document.querySelector('.trend path').getAttribute('d'),
  texts: [...document.querySelectorAll('[data-text]')].map(e => e.textContent),
  shown: [...document.querySelectorAll('.inputs .shown')].map(e => e.textContent),
  marks: document.querySelectorAll('figure.chart .mark-rect path').length,
  ticks: [...document.querySelectorAll('figure.chart .mark-text text')].map(e => e.textContent).sort().join(' '),
})"""


@pytest.fixture(scope="module")
def browser():
    b = Browser()
    yield b
    b.close()


def opened(cupel, shop, browser, page, *args):
    done = cupel(["render", page, "--to", "html", "--out", "out", *args], shop)
    browser.open("/dev/null")
    browser.open(shop / "out" / f"{page}.html")
    return done


def choose(browser, name, value, part=0):
    """As a reader does: the value, and the event that tells of it."""
    browser.ask(f"""(() => {{
      const parts = [...document.querySelectorAll('[data-input]')].find(e => e.querySelector('label, legend').textContent === {json.dumps(name)})
        .querySelectorAll('select, input');
      parts[{part}].value = {json.dumps(value)};
      parts[{part}].dispatchEvent(new Event('change', {{bubbles: true}}));
    }})()""")


STATES = [
    {"kind": "a"},
    {"kind": "b", "least": "2.0"},
    {"kind": "</script><script>alert(1)</script>"},
    {"least": "10.0"},
    {"days": "2026-11-15..2026-11-30"},
    {"days": "2026-11-01..2026-12-30", "kind": "b"},
    {"find": "übung"},
    {"find": "b_n"},
    {"find": "100%"},
    {"find": "a(b"},
    {"find": ".*"},
    {"find": "E", "least": "1.5", "days": "2026-11-01..2026-11-30"},
]


def test_what_is_chosen_is_what_rendering_shows(cupel, shop, browser):
    wanted = {}
    for i, state in enumerate(STATES):
        opened(cupel, shop, browser, "p", *[a for name, value in state.items() for a in ("--input", f"{name}={value}")])
        assert browser.ask(DRAWN)
        wanted[i] = browser.ask(SHOWN)
    assert opened(cupel, shop, browser, "p").stderr == ""
    assert browser.ask(DRAWN)
    first = browser.ask(SHOWN)
    assert len({json.dumps(w["table"]) for w in wanted.values()}) >= 5, "the states differ"
    for i, state in enumerate(STATES):
        said = "&".join(f"{name}={urllib.parse.quote(value, safe='')}" for name, value in state.items())
        browser.ask(f"location.hash = {json.dumps(said)}")
        browser.ask(SETTLED)
        assert browser.ask(SHOWN) == wanted[i], state
    browser.ask("location.hash = 'kind=nothing&least=x&days=1&nope=1'")
    browser.ask(SETTLED)
    assert browser.ask(SHOWN) == first, "what cannot be is as if it were not there"
    assert browser.complaints() == []


def test_each_control(cupel, shop, browser):
    opened(cupel, shop, browser, "p")
    assert browser.ask(DRAWN)
    names = "[...document.querySelectorAll('[data-table] tr')].map(r => r.cells[0].textContent.trim())"
    bars = "document.querySelectorAll('figure.chart .mark-rect path').length"
    assert browser.ask(names) == ["Zebra_1", "plain b_n"] and browser.ask(bars) == 2
    choose(browser, "Kind", "2")
    browser.ask(SETTLED)
    assert browser.ask(names) == ["plain b_n"]
    assert browser.ask(bars) == 1 and browser.ask("document.querySelector('.values dd').textContent") == "5.0 $"
    assert browser.ask("document.querySelector('h1').textContent") == "Test of b"
    assert browser.ask("location.hash") == "#kind=b"
    choose(browser, "Kind", "0")
    assert browser.ask("location.hash") == ""
    choose(browser, "At least", "8")
    assert browser.ask("document.querySelector('output').textContent") == "4.0"
    assert browser.ask("document.querySelector('[type=range]').getAttribute('aria-valuetext')") == "4.0"
    assert browser.ask(names) == ["Zebra_1"]
    choose(browser, "At least", "0")
    choose(browser, "Days", "2026-12-01", 1)
    browser.ask("document.querySelector('thead th button').click()")
    assert browser.ask(names) == ["Zebra_1", "ÜBUNG 100%"] or browser.ask(names) == ["ÜBUNG 100%", "Zebra_1"]
    ordered = browser.ask(names)
    choose(browser, "Title", "z")
    assert browser.ask(names) == ["Zebra_1"]
    choose(browser, "Title", "zz")
    assert browser.ask(names) == [] and browser.ask("document.querySelector('.none').hidden") is False
    choose(browser, "Title", "")
    assert browser.ask(names) == ordered, "sorted as before"
    choose(browser, "Days", "2026-12-31")
    assert browser.ask("[...document.querySelectorAll('[type=date]')].map(e => e.value)") == ["2026-12-31", "2026-12-31"]
    choose(browser, "Days", "", 1)
    assert browser.ask("[...document.querySelectorAll('[type=date]')].map(e => e.value)") == ["2026-12-31", "2026-12-31"]
    browser.ask("new Promise(done => setTimeout(done, 500))")
    assert browser.ask("document.querySelector('[role=status]').textContent") == "Days: 2026-12-31"
    assert browser.complaints() == []


def test_by_keyboard(cupel, shop, browser):
    opened(cupel, shop, browser, "p")
    browser.ask("document.querySelector('[type=range]').focus()")
    for kind in ("keyDown", "keyUp"):
        browser.call("Input.dispatchKeyEvent", type=kind, key="ArrowRight", code="ArrowRight", windowsVirtualKeyCode=39)
    browser.ask(SETTLED)
    assert browser.ask("document.querySelector('output').textContent") == "0.5"
    browser.ask("document.querySelector('[type=search]').focus()")
    browser.call("Input.insertText", text="zeb")
    browser.ask(SETTLED)
    assert browser.ask("[...document.querySelectorAll('[data-table] tr')].map(r => r.cells[0].textContent.trim())") == ["Zebra_1"]


def test_data_stays_data(cupel, shop, browser):
    opened(cupel, shop, browser, "p", "--input", "find=</script><img src=x onerror=alert(1)>\"'")
    text = (shop / "out" / "p.html").read_text()
    assert "<script>alert" not in text and browser.ask("document.images.length") == 0
    assert browser.ask("document.querySelector('[type=search]').value") == "</script><img src=x onerror=alert(1)>\"'"
    assert browser.ask("document.querySelectorAll('select option').length") == 4
    assert browser.complaints() == []


FIXED = """```sql o
SELECT i::VARCHAR AS k FROM range(%d) t(i)
```
```input a
type: select
options: o.k
```
```input b
type: search
```
```input c
type: select
options: [x, y]
```
```sql q
SELECT count(*) || coalesce($a, '') || $c AS n FROM range(10) t(i) WHERE i::VARCHAR <> $a
```
```sql s
SELECT * FROM (SELECT $b || $c AS n) WHERE n <> ''
```
```table q
```
```table s
```
"""


def test_what_cannot_work_says_why(cupel, shop, browser):
    (shop / "pages" / "f.md").write_text(FIXED % 10000)
    done = opened(cupel, shop, browser, "f")
    assert "pages/f.md:4:10: warning: input 'a' cannot be changed in HTML: there are too many combinations" in done.stderr
    assert "pages/f.md:8:10: warning: input 'b' cannot be changed in HTML: only the database can answer it" in done.stderr
    assert "'c'" not in done.stderr
    assert browser.ask("[...document.querySelectorAll('select, input')].map(e => e.disabled)") == [True, True, False]
    assert browser.ask("[...document.querySelectorAll('.inputs small')].map(e => e.textContent)") == [
        "Fixed in this file: there are too many combinations.", "Fixed in this file: only the database can answer it."]
    choose(browser, "c", "1")
    cells = "[...document.querySelectorAll('td')].map(e => e.textContent.trim())"
    assert browser.ask(cells) == ["90y", "y"]
    (shop / "pages" / "f.md").write_text(FIXED % 0)
    done = opened(cupel, shop, browser, "f")
    assert "input 'a' has no options now" in done.stderr and "there is nothing to choose from" in done.stderr

    big = "```input a\ntype: search\n```\n```sql q\nSELECT repeat('x', 100) || i AS k FROM range(30000) t(i) WHERE k ILIKE $a || '%'\n```\n```table q\n```\n"
    (shop / "pages" / "f.md").write_text(big.replace("k ILIKE", "(repeat('x', 100) || i) ILIKE"))
    done = opened(cupel, shop, browser, "f", "--input", "a=y")
    assert "cannot be changed in HTML: its answers are too much for a file" in done.stderr
    assert browser.ask("document.querySelector('input').disabled") is True and browser.complaints() == []


def test_charts_of_one_query_share_its_rows(cupel, shop, browser):
    """What charts take of a query that changes is carried once, and each gets its own columns only."""
    chart = ("```chart c%d\ndata: {name: q}\nmark: {type: bar, tooltip: {content: data}}\nencoding:\n  y: {field: k, type: nominal}\n"
             "  x: {field: %s, type: quantitative}\n```\n")
    (shop / "pages" / "f.md").write_text(
        "```input a\ntype: slider\nmin: 1\nmax: 3\n```\n"
        "```sql q\nSELECT 'needle </script><b>' AS k, i * $a AS total, i AS \"m<!--\", 'hay' AS hay FROM range(1, 4) t(i) ORDER BY i\n```\n" +
        chart % (1, "total") + chart % (2, '"m<!--"'))
    opened(cupel, shop, browser, "f")
    assert browser.ask("new Promise(done => { const look = () => document.querySelectorAll('figure.chart svg').length === 2 "
                       "? done(true) : setTimeout(look, 20); look(); })")
    data = gzip.decompress(base64.b64decode(re.search('id="data">(.*?)<', (shop / "out" / "f.html").read_text())[1])).decode()
    assert data.count("needle") == 9 and "hay" not in data, "three rows for each of three values"
    assert [chart["pool"]["q"] for chart in json.loads(data)["charts"]] == [["k", "total"], ["k", "m<!--"]]
    ticks = "[...document.querySelectorAll('figure.chart')].map(f => Math.max(...[...f.querySelectorAll('.role-axis text')].map(e => Number(e.textContent) || 0)))"
    assert browser.ask(ticks) == [6, 6], "sums of the rows"
    choose(browser, "a", "2")
    browser.ask(SETTLED)
    assert browser.ask(ticks) == [18, 6] and browser.complaints() == []


def test_rows_stay_apart_whatever_they_hold(cupel, shop, browser):
    """Equal rows are carried once; these differ only in where a value with control characters ends."""
    (shop / "pages" / "f.md").write_text(
        "```input a\ntype: select\noptions: [1, 2]\n```\n"
        "```sql q\nSELECT k, v, count(*) AS n FROM (VALUES ('x' || chr(31), 'y', 1), ('x', chr(31) || 'y', 1), "
        "('x' || chr(30), 'y', 2), ('x', chr(30) || 'y', 2)) t(k, v, a) WHERE a = $a GROUP BY k, v ORDER BY length(k)\n```\n"
        "```table q\n```\n")
    done = opened(cupel, shop, browser, "f")
    assert "warning" not in done.stderr
    cells = "[...document.querySelectorAll('td')].map(e => e.textContent.trim().length)"
    for value in ("0", "1", "0"):
        choose(browser, "a", value)
        assert browser.ask(cells) == [1, 2, 1, 2, 1, 1]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_nobody_is_kept_out(cupel, shop, browser, dark):
    (shop / "pages" / "f.md").write_text("# Fixed\n\n" + FIXED % 400)
    for page in ("p", "f"):
        opened(cupel, shop, browser, page)
        browser.ask(SETTLED)
        assert browser.barriers(dark) == []
    browser.ask("document.querySelector('label').remove()")
    assert [b.split(":")[0] for b in browser.barriers(dark)] == ["critical select-name"]
