"""Several pages rendered at once: what one of them does to the others."""
import json
import os
import shutil

import pytest

SQL = "```sql q\nSELECT country AS k, count(*) AS n FROM silver.orders GROUP BY country\n```\n"
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
