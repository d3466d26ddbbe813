"""`render --watch`: the page is written again at every save, from answers that are still true."""
import os
import signal
import subprocess

import pytest


@pytest.fixture
def shop(cupel, tmp_path):
    cupel(["init", "shop"], tmp_path)
    cupel(["run"], tmp_path / "shop")
    return tmp_path / "shop"


@pytest.fixture
def watch(cupel_bin, shop):
    processes = []

    def start(formats):
        processes.append(subprocess.Popen([cupel_bin, "-C", str(shop), "render", "overview", "--to", formats, "--out", str(shop / "out"),
                                           "--watch"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                          preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)))  # what runs in the background may ignore it
        return processes[-1]

    yield start
    for process in processes:
        process.send_signal(signal.SIGINT)
        process.wait(10)


@pytest.fixture
def watching(watch):
    return watch("txt,html")


def rendered(process):
    """Waits for the next time; what was said before it, and the milliseconds."""
    said = ""
    while True:
        line = process.stderr.readline()
        assert line, f"it has ended: {said}"
        if line.startswith("rendered in "):
            return said, float(line.split()[2])
        said += line
        if "error:" in line:
            return said, None


def test_every_save(cupel, shop, watching):
    page = shop / "pages" / "overview.md"
    text = page.read_text()
    assert rendered(watching)[1] is not None
    assert (shop / "out" / "overview.txt").read_text().startswith("Orders\n")

    page.write_text(text.replace("# Orders", "# All orders"))
    said, again = rendered(watching)
    assert said == "" and (shop / "out" / "overview.txt").read_text().startswith("All orders\n")

    other = shop / "pages" / "overview.md~"
    other.write_text(text.replace("# Orders", "# Renamed"))
    os.rename(other, page)
    rendered(watching)
    assert "<title>Renamed</title>" in (shop / "out" / "overview.html").read_text()

    page.write_text(text + "\n{{ nope.x }}\n")
    said, _ = rendered(watching)
    assert "pages/overview.md:" in said and "no query 'nope' on this page" in said
    assert "<title>Renamed</title>" in (shop / "out" / "overview.html").read_text(), "what was good stays"

    page.write_text(text)
    while rendered(watching)[1] is None:
        pass
    assert (shop / "out" / "overview.txt").read_text().startswith("Orders\n")


def test_data_that_moved_is_read_again(cupel, shop, watching):
    rendered(watching)
    assert "Ghana         1    99.00" in (shop / "out" / "overview.txt").read_text()
    model = shop / "models" / "silver" / "orders.sql"
    model.write_text(model.read_text().replace("99.00", "77.00"))
    cupel(["run"], shop)
    page = shop / "pages" / "overview.md"
    page.write_text(page.read_text() + "\n")
    rendered(watching)
    assert "Ghana         1    77.00" in (shop / "out" / "overview.txt").read_text()


def test_charts_are_drawn_again_when_they_change(cupel, shop, watch):
    """What was drawn is kept from one time to the next, by its spec, its rows and what Vega said of it."""
    chart = ("```chart %s\ntitle: %s\ndata: {name: q}\nmark: bar\nencoding:\n  y: {field: k, type: nominal}\n"
             "  x: {field: n, type: quantitative, scale: {type: log, zero: true}}\n```\nA text.\n")
    page = shop / "pages" / "overview.md"
    text = "# Page\n```sql q\nSELECT * FROM (VALUES ('a', 10), ('b', 1000)) t(k, n)\n```\n" + chart % ("one", "First") + chart % ("two", "Second")

    def alone():
        cupel(["render", "overview", "--to", "svg,png", "--now", "2026-11-21T12:00:00Z", "--out", "alone"], shop)
        return {name: (shop / "alone" / name).read_bytes() for name in ("one.svg", "one.png", "two.svg", "two.png")}

    page.write_text(text)
    process = watch("svg,png,pdf")
    first, _ = rendered(process)
    assert first.count("warning: chart 'one'") == first.count("warning: chart 'two'") == 1, "what Vega says twice, or for each medium, is said once"
    for change in (lambda s: s.replace("A text.", "Another text."), lambda s: s.replace("Second", "Other"),
                   lambda s: s.replace("1000)", "5000)"), lambda s: s.replace("5000)", "1000)").replace("Other", "Second")):
        text = change(text)
        page.write_text(text)
        said, took = rendered(process)
        assert took is not None and said.count("warning: chart") == 2
        wanted = alone()
        assert {name: (shop / "out" / name).read_bytes() for name in wanted} == wanted
    assert b"Second" in (shop / "out" / "two.svg").read_bytes()
