"""Pages as PDF: what is on them can be read back, page by page."""
import re
import shutil
import subprocess

import pytest
from conftest import absent

PAGE = """# Sales & costs

*Made* for **all** of `us`, see [there](https://example.com/): {{ q.n }} rows &mdash; a < b.

- first
- second
  1. inner

> Said once.

## Rows

```sql q
SELECT 120 AS n
```
```sql many
SELECT i AS id, 'row ' || i AS name, i * 1.5 AS x FROM range(1, 121) t(i)
```
```table many
columns: {id: No, name: {title: The name}, x: {title: "X (k$)", format: "#,##0.0", bar: true}}
```

## Values

```value q
title: Rows in all
```

## Empty

```sql none
SELECT 1 AS nothing WHERE false
```
```table none
```

---

```
code  as it is
```
"""


@pytest.fixture(scope="module")
def pdf(cupel, tmp_path_factory):
    for program in ("pdftotext", "pdfinfo"):
        if not shutil.which(program):
            absent(f"{program} is not installed: ./dev test does that")
    folder = tmp_path_factory.mktemp("pdf")
    cupel(["init", "shop"], folder)
    shop = folder / "shop"
    (shop / "pages" / "p.md").write_text(PAGE)
    for out in ("a", "b"):
        cupel(["render", "p", "--to", "pdf", "--out", out, "--now", "2026-11-21T12:00:00Z"], shop)
    return shop


def pages(file):
    text = subprocess.run(["pdftotext", "-layout", file, "-"], capture_output=True, text=True, check=True).stdout
    return text.split("\f")[:-1]


def test_everything_can_be_read(pdf):
    first, *rest = pages(pdf / "a" / "p.pdf")
    everything = "".join([first, *rest])
    assert len(rest) >= 2
    assert re.match(r"\s*Sales & costs\n", first)
    assert "Made for all of us, see there: 120 rows — a < b." in first
    assert re.search(r"• first\n\s*• second\n\s*1. inner", first) and "Said once." in first
    for i in range(1, 121):
        assert len(re.findall(rf"^\s*{i}\s+row {i}\s+{i * 1.5:.1f}$", everything, re.M)) == 1, i
    assert "Rows in all" in everything and "No rows." in everything and "code as it is" in re.sub(" +", " ", everything)


def test_heads_are_repeated_and_pages_numbered(pdf):
    all_pages = pages(pdf / "a" / "p.pdf")
    for number, text in enumerate(all_pages, 1):
        assert re.search(rf"{number} ?/ ?{len(all_pages)}$", text, re.M)
        if re.search(r"^\s*\d+\s+row \d+ ", text, re.M):
            assert re.search(r"No\s+The name\s+X \(k\$\)", text)


def test_contents_and_properties(pdf):
    all_pages = pages(pdf / "a" / "p.pdf")
    for title in ("Rows", "Values", "Empty"):
        page = int(re.search(rf"^{title}\s+(\d+)$", all_pages[0], re.M)[1])
        assert re.search(rf"^\s*{title}$", all_pages[page - 1], re.M)
    info = subprocess.run(["pdfinfo", "-isodates", pdf / "a" / "p.pdf"], capture_output=True, text=True, check=True,
                          env={"TZ": "UTC", "LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"}).stdout
    assert "Title:           Sales & costs" in info and "2026-11-21T12:00:00" in info and "A4" in info
    data = (pdf / "a" / "p.pdf").read_bytes()
    assert data.count(b"/Type /Outlines") == 1 or b"/Outlines" in data
    assert data == (pdf / "b" / "p.pdf").read_bytes(), "the same page at the same time is the same file"


def test_two_charts_share_a_line(cupel, pdf):
    one = ("```chart c%d\ntitle: Chart %d\ndata: {name: q}\nmark: bar\nencoding:\n"
           "  y: {field: k, type: nominal}\n  x: {field: n, type: quantitative}\n```\n")
    (pdf / "pages" / "r.md").write_text("```sql q\nSELECT 'a' AS k, 3 AS n\n```\n" + "".join(one % (i, i) for i in range(3)) +
                                        "\nA text.\n\n" + one % (3, 3))
    cupel(["render", "r", "--to", "pdf", "--out", "a"], pdf)
    found = subprocess.run(["pdftotext", "-bbox", pdf / "a" / "r.pdf", "-"], capture_output=True, text=True, check=True).stdout
    at = {}
    for x, y, number in re.findall(r'xMin="([\d.]+)" yMin="([\d.]+)"[^>]*>Chart</word>\s*<word [^>]*>(\d)</word>', found):
        at[int(number)] = (float(x), float(y))
    assert at[0][1] == at[1][1] and at[1][0] > at[0][0] + 200, "a pair"
    assert at[2][1] > at[0][1] and at[2][0] < 100 and at[3][0] < 100, "the last of three, and one that stands alone"


def test_a_heading_stays_with_its_table(cupel, pdf):
    """Whatever stands above: a heading, one below it and a line that leads to the table are on the page of its first row."""
    section = "## Part %d\n\n### Below %d\n\nLeads to it.\n\n```table q\n```\n\n"
    for above in range(0, 40, 3):
        (pdf / "pages" / "h.md").write_text("```sql q\nSELECT 'row ' || i AS r FROM range(9) t(i)\n```\n" + "A line.\n\n" * above +
                                            "".join(section % (i, i) for i in range(4)))
        cupel(["render", "h", "--to", "pdf", "--out", "a"], pdf)
        for text in pages(pdf / "a" / "h.pdf"):
            assert len(re.findall(r"^\s*Part \d$", text, re.M)) == len(re.findall("Below", text)) == len(re.findall("row 0", text)), above


def test_a_long_title_of_a_value_is_whole(cupel, pdf):
    value = "```value q\ntitle: %s\n```\n"
    (pdf / "pages" / "v.md").write_text("```sql q\nSELECT 7\n```\n" + value % "Median return on the investment of all" + value % "Short" * 4)
    cupel(["render", "v", "--to", "pdf", "--out", "a"], pdf)
    text = pages(pdf / "a" / "v.pdf")[0]
    assert re.search(r"Median return on the investment of .*\n +all\n", text) and text.count("Short") == 4
    found = subprocess.run(["pdftotext", "-bbox", pdf / "a" / "v.pdf", "-"], capture_output=True, text=True, check=True).stdout
    lines = [y for y in re.findall(r'yMin="([\d.]+)"[^>]*>7</word>', found)]
    assert [lines.count(y) for y in sorted(set(lines), key=float)] == [3, 2], "five are three and two"


def test_figures_of_a_table_that_is_too_wide_stay_whole(cupel, pdf):
    (pdf / "pages" / "w.md").write_text(
        "```sql q\nSELECT i AS id, 'a long name of thing ' || i AS name, repeat('word ', 12) AS t1, repeat('mot ', 12) AS t2, "
        "repeat('x', 60) AS long, i * 1000000.5 AS amount, i / 3 AS share, DATE '2026-01-01' + i::INT AS day, i * 1e9 AS more, i * 1e8 AS most "
        "FROM range(1, 13) t(i)\n```\n```table q\n```\n")
    cupel(["render", "w", "--to", "pdf", "--out", "a"], pdf)
    everything = "".join(pages(pdf / "a" / "w.pdf"))
    for i in range(1, 13):
        for whole in (f"{i * 1000000.5:.1f}", f"2026-01-{i + 1:02}", f"{i}000000000.0", "word"):
            assert re.search(rf"(?<!\S){re.escape(whole)}(?!\S)", everything), whole
