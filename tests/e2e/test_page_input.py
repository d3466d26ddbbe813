"""Inputs of pages: what is chosen, what the queries are given, and where mistakes are found."""
import pytest

PAGE = """# Test

```sql kinds
SELECT * FROM (VALUES ('a'), ('b'), (NULL), ('a'), ('</script><script>alert(1)</script>')) t(k)
```
```input kind
type: select
title: Kind
options: kinds.k
all: All kinds
```
```input since
type: slider
min: 0
max: 1
step: 0.1
default: 0.3
```
```input days
type: date_range
default: last 30 days
```

```input find
type: search
```

It is {{ kind }}, {{ days_start }}.

```sql q
SELECT $kind AS k, $since AS s, $days_start AS a, $days_end AS b, $find AS f, typeof($since) || typeof($days_end) AS t
```
```table q
```
```sql g
SELECT * FROM (VALUES ('a', 3), ('b', 5)) t(k, n) WHERE $kind IS NULL OR k = $kind
```
```chart bars
title: The bars
data: {name: g}
mark: bar
encoding:
  x: {field: n, type: quantitative}
  y: {field: k, type: nominal}
```
"""
NOW = ["--now", "2026-11-21T12:00:00Z"]


@pytest.fixture
def page(cupel, shop):
    """page(text, ...): the page rendered; page.check(text): what validate says of it."""
    file = shop / "pages" / "tried.md"

    def render(text, *args, code=0):
        file.write_text(text)
        done = cupel(["render", "tried", *args], shop, code=code)
        return done.stderr if code else done.stdout + done.stderr

    def check(text):
        file.write_text(text)
        return cupel(["validate"], shop, code=None).stderr

    render.check = check
    yield render
    file.unlink(missing_ok=True)


def test_the_defaults(cupel, shop):
    text = cupel(["render", "p", *NOW], shop).stdout
    assert "Kind: All kinds\nsince: 0.3\ndays: 2026-10-23 to 2026-11-21\nfind: -\n\nIt is All kinds, 2026-10-23.\n" in text
    assert [line.split() for line in text.splitlines() if line.endswith("DOUBLEDATE")] == [
        ["-", "0.3", "2026-10-23", "2026-11-21", "DOUBLEDATE"]]


def test_chosen_values(cupel, shop, tmp_path):
    chosen = ["--input", "kind=b", "-i", "since=0.7", "-i", "days=this year", "--input", "find=50% 'x' $now", *NOW]
    text = cupel(["render", "p", *chosen], shop).stdout
    assert "Kind: b\nsince: 0.7\ndays: 2026-01-01 to 2026-11-21\nfind: 50% 'x' $now\n" in text
    assert "b  0.7  2026-01-01  2026-11-21  50% 'x' $now  DOUBLEDATE" in text
    assert "b  5  ████" in text and "a  3  ██" not in text
    evil = "</script><script>alert(1)</script>"
    assert f"Kind: {evil}\n" in cupel(["render", "p", "-i", f"kind={evil}"], shop).stdout
    assert "Kind: All kinds\n" in cupel(["render", "p", "-i", "kind="], shop).stdout
    assert "Kind: All kinds\n" in cupel(["render", "p", "-i", "kind=All kinds"], shop).stdout

    cupel(["render", "p", "--to", "svg,png,pdf,html", "--static", "--out", tmp_path, *chosen], shop)
    assert "Kind: b" in (tmp_path / "bars.svg").read_text() and "since" not in (tmp_path / "bars.svg").read_text()
    html = (tmp_path / "p.html").read_text()
    assert "<dt>Kind</dt><dd>b</dd>" in html and "<select" not in html


@pytest.mark.parametrize("given,says", [
    ("kind=c", "error: --input kind: 'c' is none of its values\nhint: there are All kinds, a, b, </script>"),
    ("kind", "error: --input: 'kind' is not NAME=VALUE\n"),
    ("knd=a", "error: --input: the page has no input 'knd'\nhint: did you mean 'kind'?\n"),
    ("since=0.35", "error: --input since: '0.35' is none of its values\nhint: from 0.0 to 1.0, in 10 steps\n"),
    ("days=2026-02-01..2026-01-01", "error: --input days: '2026-02-01..2026-01-01' is no range of days\nhint: ranges are like "),
])
def test_values_that_cannot_be(cupel, shop, given, says):
    done = cupel(["render", "p", "--input", given], shop, code=2)
    assert done.stderr.startswith(says) and done.stdout == ""


Q = "```sql q\nSELECT 'x' AS k, 4 AS n\n```\n"
MISTAKES = [
    ("```input a\ntype: selct\n```\n", "2:7: error: unknown type 'selct' (did you mean 'select'?)"),
    ("```input a\n```\n", "1:10: error: this input needs a type"),
    ("```input a\ntype: search\n```\n", "1:10: warning: no query uses input 'a'"),
    (Q + "```input a\ntype: select\noptions: q.kk\n```\n", "6:12: error: query 'q' gives no column 'kk'"),
    (Q + "```input a\ntype: select\noptions: p.k\n```\n", "6:10: error: no query 'p' on this page"),
    ("```input a\ntype: select\noptions: [x, y]\ndefault: z\n```\n", "4:10: error: the default 'z' is none of the options"),
    ("```input a\ntype: select\noptions: x\n```\n", "3:10: error: 'x' is no list of options"),
    ("```input a\ntype: select\noptions: []\n```\n", "3:10: error: there are no options"),
    ("```input a\ntype: slider\nmin: 0\nmax: x\n```\n", "4:6: error: max: 'x' is no number"),
    ("```input a\ntype: slider\nmin: 0\nmax: 10\nstep: 5\ndefault: 3\n```\n", "6:10: error: the default 3 is no step of the slider"),
    ("```input a\ntype: slider\nmin: 0\nmax: 10\nstep: -1\n```\n", "5:7: error: step must be a number above 0"),
    ("```input a\ntype: slider\nmin: 0\nmax: 1000000\n```\n", "4:6: error: 1000001 steps from min to max, 1000 are possible"),
    (Q + "```input a\ntype: slider\nmin: q.k\nmax: 3\n```\n", "6:6: error: min: 'q.k' is VARCHAR, no number"),
    (Q + "```input a\ntype: date_range\nmin: q.n\n```\n", "6:6: error: min: 'q.n' is INTEGER, no day"),
    ("```input a\ntype: date_range\ndefault: last week\n```\n", "3:10: error: 'last week' is no range of days"),
    ("```input a\ntype: search\noptions: [x]\n```\n", "3:1: error: unknown key 'options'"),
    (Q + "```input q\ntype: search\n```\n", "4:10: error: there is a query 'q' on this page"),
    ("```input now\ntype: search\n```\n", "1:10: error: $now is a variable of the project already"),
    ("```input a\ntype: search\n```\n```input a\ntype: search\n```\n", "4:10: error: there is an input 'a' on this page already"),
    ("```input A-b\ntype: search\n```\n", "1:10: error: 'A-b' cannot be the name of an input"),
    ("```input genre\ntype: search\n```\n```sql p\nSELECT $genr\n```\n", "5:8: error: unknown parameter '$genr'\n"),
    ("```input genre\ntype: search\n```\n```sql p\nSELECT $genre + DATE '2026-01-01'\n```\n", "5:15: error: "),
    ("```input d\ntype: date_range\n```\n```sql p\nSELECT $d\n```\n", "5:8: error: unknown parameter '$d'\n"),
    ("```input a\ntype: search\n```\n```sql p\nSELECT $a AS x\n```\n```input b\ntype: select\noptions: p.x\n```\n",
     "9:10: error: query 'p' depends on an input itself"),
    ("```inptu a\ntype: search\n```\n", "1:4: error: unknown kind of block 'inptu'"),
    ("```input a\ntype: search\n```\n{{ a | 0 }}\n", "4:8: error: the value of an input takes no format"),
]


@pytest.mark.parametrize("text,says", MISTAKES, ids=[says for _, says in MISTAKES])
def test_mistakes_have_their_place(page, text, says):
    assert f"pages/tried.md:{says}" in page.check(text)


def test_hints(page):
    text = "```input genre\ntype: search\n```\n```input d\ntype: date_range\n```\n```sql p\nSELECT $genr\n```\n```sql s\nSELECT $d\n```\n"
    said = page.check(text)
    assert "hint: did you mean '$genre'?" in said and "hint: a date range is $d_start and $d_end" in said


def test_binding_is_remembered_by_type(page):
    body = "```sql q\nSELECT $a AS x\n```\n```chart c\ndata: {name: q}\nmark: bar\nencoding: {x: {field: x, type: quantitative}}\n```\n"
    for _ in range(2):
        assert "is VARCHAR" in page.check("```input a\ntype: search\n```\n" + body)
        assert "tried.md" not in page.check("```input a\ntype: slider\nmin: 1\nmax: 2\n```\n" + body)


def test_options_of_another_day(page):
    none = "```sql o\nSELECT 'x' AS k, 1 AS n WHERE false\n```\n"
    one = "```sql o\nSELECT 'x' AS k, 1 AS n\n```\n"
    select = "```input a\ntype: select\noptions: o.k\ndefault: z\n```\n```sql q\nSELECT coalesce($a, '?') AS v\n```\n{{ q.v }}\n"
    assert "input 'a' has no options now" in page(none + select) and "a: -\n\n?\n" in page(none + select)
    said = page(one + select)
    assert "a: x\n\nx\n" in said and "the default 'z' is none of the options, 'x' is taken" in said
    slider = "```input a\ntype: slider\nmin: o.n\nmax: o.n\n```\n```sql q\nSELECT coalesce($a, 0) AS v\n```\n{{ q.v }}\n"
    assert "a: 1\n\n1\n" in page(one + slider)
    assert "a: -\n\n0\n" in page(none + slider)
    many = "```sql o\nSELECT i::VARCHAR AS k FROM range(%d) t(i)\n```\n" + select.replace("default: z\n", "")
    assert "a: 0\n" in page(many % 10000)
    assert "'o.k' gives 10001 options, 10000 are possible" in page(many % 10001, code=2)


def test_types_follow_the_options(page):
    for options, kind in (("[7, 30]", "BIGINT"), ("[0.5, 1]", "DOUBLE"), ("['2026-01-01']", "DATE"), ("[x, 7]", "VARCHAR"),
                          ("{7: a week}", "BIGINT")):
        text = f"```input a\ntype: select\noptions: {options}\n```\n```sql q\nSELECT typeof($a) AS v\n```\n{{{{ a }}}} {{{{ q.v }}}}\n"
        assert page(text).endswith(f" {kind}\n"), options
