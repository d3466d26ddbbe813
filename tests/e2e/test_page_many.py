"""Several pages rendered at once: what one of them does to the others."""
import contextlib
import html
import json
import os
import re
import shutil
import time
import urllib.parse

import pytest
from browser import Browser

SQL = "```sql q\nSELECT country AS k, count(*) AS n FROM silver.orders GROUP BY country ORDER BY k\n```\n"
CHART = "```chart %s\ntitle: Chart\ndata: {name: q}\nmark: bar\nencoding:\n  y: {field: k, type: nominal}\n  x: {field: n, type: quantitative}\n```\n"


@pytest.fixture
def many(cupel, shop, tmp_path):
    """many(pages): a copy of the project with just these."""
    folder = tmp_path / "shop"
    shutil.copytree(shop, folder)
    shutil.rmtree(folder / "pages")

    def make(**pages):
        for name, text in pages.items():
            path = folder / "pages" / (name.replace("__", "/") + ".md")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return folder

    return make


def files(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def test_pages_by_name_by_pattern_and_all(cupel, many):
    folder = many(a="# A\n" + SQL + CHART % "one", b="# B\n" + SQL + "```table q\n```\n", sales__eu="# EU\n", sales__us="# US\n")
    done = cupel(["render", "b", "a", "--to", "html,txt", "--out", "x"], folder)
    assert done.stdout.split() == ["x/a.html", "x/a.txt", "x/b.html", "x/b.txt"]
    cupel(["render", "a", "--to", "txt", "--out", "alone"], folder)
    assert (folder / "x" / "a.txt").read_text() == (folder / "alone" / "a.txt").read_text()
    cupel(["render", "sales/*", "--out", "y"], folder)
    assert files(folder / "y") == ["sales/eu.txt", "sales/us.txt"]
    done = cupel(["render", "--all", "--to", "txt,pdf,png", "--out", "z", "--json"], folder)
    assert files(folder / "z") == ["a.pdf", "a.txt", "b.pdf", "b.txt", "one.png"] + [
        f"sales/{name}.{to}" for name in ("eu", "us") for to in ("pdf", "txt")], "a page without charts has no pictures"
    assert sorted(json.loads(done.stdout)["written"]) == sorted(f"z/{name}" for name in files(folder / "z"))


def test_one_that_fails_does_not_keep_the_others(cupel, many):
    folder = many(a="# A\n```sql q\nSELECT nothing FROM silver.orders\n```\n", b="# B\n```sql q\nSELECT error('no luck') AS x\n```\n```table q\n```\n",
                  c="# C\n" + SQL + "```table q\n```\n")
    alone = {name: cupel(["render", name, "--out", "x"], folder, code=None).returncode for name in "abc"}
    assert alone["a"] == 2 and alone["c"] == 0 and alone["b"] not in (0, 2)
    shutil.rmtree(folder / "x")
    done = cupel(["render", "--all", "--out", "x"], folder, code=max(alone.values()))
    assert files(folder / "x") == ["c.txt"] and done.stdout == "x/c.txt\n"
    assert "pages/a.md:3:8: error:" in done.stderr and "no luck" in done.stderr and "b" in done.stderr
    done = cupel(["render", "a", "c", "--out", "x", "--json"], folder, code=2)
    assert json.loads(done.stdout) == {"written": ["x/c.txt"]}


def test_a_page_that_is_no_text_is_not_passed_over(cupel, many):
    folder = many(a="# A\n", b="# B\n")
    (folder / "pages" / "c.md").write_bytes(b"# C\n\ncaf\xe9\n")
    done = cupel(["render", "--all", "--out", "x"], folder, code=2)
    assert files(folder / "x") == ["a.txt", "b.txt"] and done.stderr.startswith("pages/c.md:3:4: error: not valid UTF-8\n")
    os.remove(folder / "pages" / "a.md")
    os.remove(folder / "pages" / "b.md")
    assert "pages/c.md:3:4: error: not valid UTF-8\n" in cupel(["render", "--all", "--out", "y"], folder, code=2).stderr


def test_two_charts_are_not_one_file(cupel, many):
    folder = many(a="# A\n" + SQL + CHART % "one", b="# B\n" + SQL + CHART % "two" + CHART % "one")
    done = cupel(["render", "--all", "--to", "html,svg", "--out", "x"], folder, code=2)
    assert "pages/b.md:13:10: error: 'pages/a.md' and 'pages/b.md' both have a chart 'one': they would be one file" in done.stderr
    assert not (folder / "x").exists() and done.stdout == ""
    cupel(["render", "--all", "--to", "html", "--out", "x"], folder)
    assert files(folder / "x") == ["a.html", "b.html"], "it matters to pictures only"


def test_what_several_pages_cannot_have(cupel, many):
    folder = many(a="# A\n", b="# B\n")
    for args, said in ((["a", "b"], "several pages need --out DIR"),
                       (["--all", "--out", "x", "--watch"], "--watch is for one page"),
                       (["--all", "--out", "x", "--input", "k=1"], "--input is for one page"),
                       (["--all", "--out", "x", "--to", "png"], "none of the pages has charts"),
                       (["--all", "a"], "--all is instead of names of pages"),
                       ([], "which page?"),
                       (["a", "bb", "--out", "x"], "no page 'bb'"),
                       (["x*", "--out", "x"], "no page 'x*'")):
        assert said in cupel(["render", *args], folder, code=2).stderr, args
    assert not (folder / "x").exists()
    os.remove(folder / "pages" / "a.md")
    os.remove(folder / "pages" / "b.md")
    assert "the project has no pages" in cupel(["render", "--all", "--out", "x"], folder, code=2).stderr


def test_an_index_and_links_between_pages(cupel, many):
    folder = many(a="# Sales & *costs* <b>\n\n## No\n", b="```sql q\nSELECT 1\n```\n# Of {{ q }}\n", sales__eu="Text\n\n# Europe\n")
    (folder / "pages" / "sales" / "50 % #1.md").write_text("# Odd\n")
    done = cupel(["render", "--all", "--to", "html,txt", "--index", "--out", "x"], folder)
    assert done.stdout.split("\n")[-2] == "x/index.html"
    titles = ["Sales & costs <b>", "b", "Odd", "Europe"]
    for page in ("index", "a", "b", "sales/eu", "sales/50 % #1"):
        path = folder / "x" / f"{page}.html"
        links = re.findall('<li><a href="([^"]*)"( aria-current="page")?>([^<]*)</a>', path.read_text())
        assert [html.unescape(title) for _, _, title in links] == titles
        assert [here != "" for _, here, _ in links] == [page == name for name in ("a", "b", "sales/50 % #1", "sales/eu")]
        for href, _, _ in links:
            assert (path.parent / urllib.parse.unquote(href)).is_file() and "#" not in href
    browser = Browser()
    try:
        for page in ("index", "sales/eu"):
            browser.open(folder / "x" / f"{page}.html")
            assert browser.barriers() == [] and browser.barriers(dark=True) == [] and browser.complaints() == []
        browser.ask("document.querySelector('nav a').click()")
        end, title = time.time() + 10, ""
        while title != "Sales & costs":
            assert time.time() < end, title
            time.sleep(0.1)
            with contextlib.suppress(AssertionError):  # between two pages nobody answers
                title = browser.ask("document.title")
    finally:
        browser.close()
    cupel(["render", "--all", "--to", "html", "--out", "y"], folder)
    assert files(folder / "y") == [f for f in files(folder / "x") if f.endswith(".html") and f != "index.html"]
    assert not any("<nav" in (folder / "y" / f).read_text() for f in files(folder / "y"))


def test_an_index_lists_what_is_there(cupel, many):
    folder = many(a="# A\n", b="# B\n```sql q\nSELECT nothing\n```\n")
    cupel(["render", "--all", "--to", "html", "--index", "--out", "x"], folder, code=2)
    assert re.findall('<li><a href="([^"]*)"', (folder / "x" / "index.html").read_text()) == ["a.html"]
    for args in (["--to", "txt", "--out", "y"], ["--to", "html"], ["--to", "html", "--out", "y", "--watch"]):
        assert "--index is for --to html --out DIR" in cupel(["render", "a", "--index", *args], folder, code=2).stderr
    many(index="# I\n")
    done = cupel(["render", "--all", "--to", "html", "--index", "--out", "y"], folder, code=2)
    assert "pages/index.md:1:1: error: this page would be index.html itself" in done.stderr and not (folder / "y").exists()
