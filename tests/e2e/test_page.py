"""Pages: what they look like as text, and where their mistakes are found."""
import pytest


@pytest.fixture
def page(cupel, shop):
    """page(text, ...): the page rendered; page.check(text): what validate says of it."""
    file = shop / "pages" / "p.md"

    def run(*args, code=0):
        done = cupel(["render", "p", *args], shop, code=code)
        return done.stderr if code else done.stdout

    def render(text, *args, code=0):
        file.write_text(text)
        return run(*args, code=code)

    def check(text):
        file.write_text(text)
        return cupel(["validate"], shop, code=None).stderr

    render.check, render.run = check, run
    yield render
    file.unlink()


def test_the_first_page(cupel, shop):
    assert cupel(["render", "overview"], shop).stdout == ("Orders\n"
                                                          "======\n\n"
                                                          "The best country is Ghana.\n\n"
                                                          "Country  Orders  Revenue\n"
                                                          "───────  ──────  ───────\n"
                                                          "Ghana         1    99.00\n"
                                                          "France        1    12.50\n")


def test_wide_tables_are_wrapped(page):
    text = ("```sql q\nSELECT 'Harry Potter and the Deathly Hallows' AS film, 1234.5 AS revenue, 'x\ny' AS note\n```\n"
            "```table q\ncolumns: {film: Film, revenue: {title: Mean revenue (M$), format: \"#,##0.0\"}, note: Note}\n```\n")
    assert page(text) == ("Film                                  Mean revenue (M$)  Note\n"
                          "────────────────────────────────────  ─────────────────  ────\n"
                          "Harry Potter and the Deathly Hallows            1,234.5  x y\n")
    assert page(text, "--width", 40) == ("                              Mean\n"
                                         "                           revenue\n"
                                         "Film                          (M$)  Note\n"
                                         "─────────────────────────  ───────  ────\n"
                                         "Harry Potter and the       1,234.5  x y\n"
                                         "Deathly Hallows\n")


def test_bars_in_cells(page):
    text = ("```sql q\nSELECT * FROM (VALUES ('a', 10), ('b', 4), ('c', NULL), ('d', -1), ('e', 0)) t(k, n)\n```\n"
            "```table q\ncolumns: {k: Key, n: {title: N, bar: true}}\n```\n")
    assert page(text) == ("Key   N\n"
                          "───  ──  ──────────\n"
                          "a    10  ██████████\n"
                          "b     4  ████\n"
                          "c     -\n"
                          "d    -1\n"
                          "e     0\n")


def test_values_side_by_side(page):
    text = ("```sql q\nSELECT 1500 AS n, 1000 AS was, 5.0 AS cost, 10 AS cost_was, NULL AS nothing, 0 AS zero\n```\n"
            "```sql t\nSELECT x::DOUBLE AS x FROM (VALUES (1), (8), (NULL), (4)) v(x)\n```\n"
            "```value q\ntitle: Orders\nformat: '#,##0'\ncompare: was\nnote: than last year\ntrend: t.x\n```\n\n"
            "```value q\ntitle: Cost\ncolumn: cost\ncompare: cost_was\nbetter: down\n```\n"
            "```value q\ncolumn: nothing\ncompare: was\n```\n"
            "```value q\ncolumn: n\ncompare: zero\n```\n"
            "```value q\ncolumn: n\ncompare: n\n```\n\nEnd.\n")
    assert page(text) == ("Orders  1,500  ▲ 50.0 % than last year  ▁█ ▄\n"
                          "Cost      5.0  ▼ 50.0 %\n"
                          "q           -\n"
                          "q        1500\n"
                          "q        1500  = 0.0 %\n"
                          "\nEnd.\n")
    html = page(text, "--to", "html")
    assert html.count('<dl class="values">') == 1 and html.count("<dt>") == 5
    assert '<dd class="good"><span aria-hidden="true">▲</span><span class="said">up</span> 50.0 %' in html
    assert '<dd class="good"><span aria-hidden="true">▼</span>' in html, "less cost is good"
    assert '<path d="M0.0 22.0L33.3 2.0M100.0 13.4"/>' in html


def test_values_in_text(page):
    text = ("```sql q\nSELECT 1234.5 AS n, '*not* _markup_' AS t, NULL AS nothing\n```\n"
            "{{q.n|#,##0}} {{ q.t }} {{ q }} {{ q.nothing }} \\{{ braces }}\n")
    assert page(text) == "1,234 *not* _markup_ 1234.5 - {{ braces }}\n"
    assert page("```sql q\nSELECT 1 AS x WHERE false\n```\n[{{ q.x }}]\n```table q\n```\n") == "[-]\n\nx\n─\n(no rows)\n"


def test_all_mistakes_are_found_at_their_places(page):
    said = page.check("""# {{ nope }}

```sql a
SELECT amuont FROM silver.orders
```
```sql b
SELECT * FROM silver.order@v3
```
```sql c
SELECT country, revenue FROM gold.countries
```
```sql c
SELECT 1
```
```sql d
SELECT $treshold
```
```table cc
```
```table c
columns: {contry: Country}
```
```table c
columns: {revenue: {format: money}}
```
```table c
limi: 3
```
{{ c.country | 0,0. }} {{ c.rev }} {{ a.anything }} {{ }} {{ open
""")
    assert [line for line in said.splitlines() if "error" in line] == [
        "pages/p.md:1:6: error: no query 'nope' on this page",
        "pages/p.md:4:8: error: unknown column 'amuont'",
        "pages/p.md:7:15: error: unknown table 'silver.order'",
        "pages/p.md:12:8: error: there is a query 'c' on this page already",
        "pages/p.md:16:8: error: unknown parameter '$treshold'",
        "pages/p.md:18:10: error: no query 'cc' on this page",
        "pages/p.md:21:11: error: query 'c' gives no column 'contry'",
        "pages/p.md:24:29: error: unknown format 'money'",
        "pages/p.md:27:1: error: unknown key 'limi' (did you mean 'limit'?)",
        "pages/p.md:29:16: error: unknown format '0,0.'",
        "pages/p.md:29:29: error: query 'c' gives no column 'rev'",
        "pages/p.md:29:55: error: there is nothing between the braces",
        "pages/p.md:29:59: error: '{{' without '}}' on its line",
        "13 errors"]
    assert ("   21 | columns: {contry: Country}\n"
            "      |           ^\n"
            "hint: did you mean 'country'?\n") in said


@pytest.mark.parametrize("text, said", [
    ("```sql\nSELECT 1\n```\n", "pages/p.md:1:7: error: this block needs a name\n"),
    ("```sql q\nSELECT 1\n", "pages/p.md:1:1: error: this block is never closed\n"),
    ("```valeu q\n```\n", "pages/p.md:1:4: error: unknown kind of block 'valeu'\n"),
    ("```sql q\nSELECT 1 AS x\n```\n```value q\ncompare: y\n```\n", "pages/p.md:5:10: error: query 'q' gives no column 'y'\n"),
    ("```sql q\nSELECT 1 AS x\n```\n```value q\ntrend: p.x\n```\n", "pages/p.md:5:8: error: no query 'p' on this page\n"),
    ("```tabel q\n```\n", "pages/p.md:1:4: error: unknown kind of block 'tabel'\n"),
    ("```sql q\nSELEC 1\n```\n", "pages/p.md:2:1: error: syntax error at or near 'SELEC'\n"),
    ("```sql q\nSELECT 1 AS x\n```\n```table q\ncolumns: [x]\n```\n",
     "pages/p.md:5:10: error: columns: a list where a mapping is expected\n"),
])
def test_one_mistake(page, text, said):
    assert page.check(text).startswith(said)
    assert page(text, code=2).startswith(said)


def test_a_page_never_keeps_a_run_from_going(cupel, shop, page):
    page.check("{{ nope }}")
    cupel(["run"], shop)
    cupel(["plan"], shop)
    cupel(["tables"], shop)


def test_blocks_of_other_kinds_are_shown_as_they_are(page):
    assert page("```sh\nls -l\n```\n") == "    ls -l\n"


def test_written_to_a_folder(cupel, shop, tmp_path):
    done = cupel(["render", "overview", "--out", tmp_path / "out"], shop)
    assert done.stdout == f"{tmp_path}/out/overview.txt\n"
    assert (tmp_path / "out" / "overview.txt").read_text() == cupel(["render", "overview"], shop).stdout


def test_blocks_that_are_not_closed(page):
    assert page("```sql q\nSELECT 1 AS a\n\n```table q\n```\n", code=2).startswith("pages/p.md:1:1: error: this block is never closed\n")
    assert page("```sql q\nSELECT 1 AS a\n```  \n```table q\n````\n") == "a\n─\n1\n", "blanks, and more marks than it was opened by"
    assert "```sql x" in page("````\n```sql x\n```\n````\n"), "in a block of text they are text"


def test_names_of_charts_are_names_of_files(page):
    for name in ("../evil", "a/b", ".hidden"):
        said = page(f"```chart {name}\nmark: bar\n```\n", code=2)
        assert said.startswith(f"pages/p.md:1:10: error: '{name}' cannot be the name of a chart\n")


def test_marks_and_line_ends_of_other_systems(page, shop):
    text = "# Title\n\n```sql q\nSELECT 1 AS a\n```\n\n```table q\ncolumns: {a: A}\n```\n"
    want = page(text)
    assert want.startswith("Title\n=====\n")
    assert page("\ufeff" + text) == want
    (shop / "pages" / "p.md").write_bytes(text.replace("\n", "\r\n").encode())
    assert page.run() == want


def test_a_page_that_cannot_be_read_is_told_of_by_its_mistake(page, shop):
    (shop / "pages" / "p.md").write_bytes(b"# T\n\ncaf\xe9\n")
    assert page.run(code=2).startswith("pages/p.md:3:4: error: not valid UTF-8\n")


def test_bars_give_way_where_a_table_is_too_wide(cupel, shop):
    (shop / "pages" / "wide.md").write_text("```sql q\nSELECT 'a name of twenty-two' AS name, 5 AS n\n```\n"
                                            "```table q\ncolumns: {name: Name, n: {title: N, bar: true}}\n```\n")
    assert "█" in cupel(["render", "wide", "--width", 40], shop).stdout
    narrow = cupel(["render", "wide", "--width", 30], shop).stdout
    assert "█" not in narrow and "a name of twenty-two  5\n" in narrow


def test_values_cannot_order_a_terminal_about(page):
    text = ("```sql q\nSELECT 'a' || chr(27) || '[2J' || chr(155) || 'b' AS k, 3 AS n\n```\n{{ q.k }}\n\n```table q\n```\n"
            "```chart c\ndata: {name: q}\nmark: bar\nencoding: {y: {field: k, type: nominal}, x: {field: n, type: quantitative}}\n```\n")
    said = page(text)
    assert "a?[2J??b\n" in said and "a\\x1b[2J" in said
    assert all(c == "\n" or c.isprintable() for c in said)


def test_labels_of_bars_stay_on_their_line(page):
    chart = "```chart c\ndata: {name: q}\nmark: bar\nencoding: {y: {field: k, type: nominal}, x: {field: n, type: quantitative}}\n```\n"
    assert page("```sql q\nSELECT 'a' || chr(10) || 'b' AS k, 3 AS n\n```\n" + chart).startswith("a b ")


def test_figures_of_many_digits_are_exact(page):
    text = ("```sql q\nSELECT 9007199254740993 AS n, 12345678901234567890.125::DECIMAL(38, 3) AS m, 1e308::DOUBLE AS big, 1 AS one\n```\n"
            "{{ q.n | #,##0 }} {{ q.m | $#,##0.00 }}\n\n```value q\ncolumn: big\ncompare: one\n```\n")
    assert page(text) == "9,007,199,254,740,993 $12,345,678,901,234,567,890.13\n\nq  1e+308\n"
