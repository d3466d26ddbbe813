"""The command line as its users meet it: what it says, where, and how it exits. UPDATE=1 writes the golden files anew."""
import csv
import fcntl
import io
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import pytest

import killing
from conftest import ROOT

GOLDEN = ROOT / "tests" / "golden"
COMMANDS = "init validate plan run query tables show history diff delete restore optimize vacuum prune render runs logs".split()


def golden(name, text):
    path = GOLDEN / name
    if os.environ.get("UPDATE") == "1":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert text == path.read_text(), f"{path}: UPDATE=1 writes it anew"


@pytest.fixture(scope="module")
def shop(cupel, tmp_path_factory):
    """The project that `cupel init` makes, run once; nobody changes it."""
    folder = tmp_path_factory.mktemp("cli")
    cupel(["init", "shop"], folder)
    cupel(["run", "--now", "2026-11-21T06:00:00Z"], folder / "shop")
    return folder / "shop"


@pytest.fixture
def fresh(cupel, tmp_path):
    cupel(["init", "shop"], tmp_path)
    return tmp_path / "shop"


# --- help ---


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of(cupel, tmp_path, command):
    said = cupel([command, "--help"], tmp_path).stdout
    golden(f"help/{command}.txt", said)
    assert cupel(["help", command], tmp_path).stdout == said


def test_usage(cupel, tmp_path):
    golden("help/cupel.txt", cupel(["--help"], tmp_path).stdout)
    bare = cupel([], tmp_path, code=2)
    assert (bare.stdout, bare.stderr) == ("", cupel(["help"], tmp_path).stdout)
    assert re.fullmatch(r"cupel \d+\.\d+\.\d+\n", cupel(["--version"], tmp_path).stdout)


def test_the_reference_is_current(cupel, tmp_path):
    text = cupel(["help", "--markdown"], tmp_path).stdout
    if os.environ.get("UPDATE") == "1":
        (ROOT / "docs" / "commands.md").write_text(text)
    assert text == (ROOT / "docs" / "commands.md").read_text(), "cupel help --markdown > docs/commands.md"


# --- the command line ---

MISTAKES = [
    (["runn"], "error: unknown command 'runn'\nhint: did you mean `cupel run`?\n"),
    (["frobnicate"], "error: unknown command 'frobnicate'\nhint: `cupel --help` lists the commands\n"),
    (["run", "--selct", "x"], "error: unknown option '--selct'\nhint: did you mean --select?\n"),
    (["run", "-z"], "error: unknown option '-z'\nhint: see `cupel run --help`\n"),
    (["run", "--select"], "error: option '--select' needs a value\nhint: --select SELECTOR: What to run: silver.movies,"
                          " gold.*, +gold.trending, tag:hourly, source:tmdb\n"),
    (["run", "--full-refresh=yes"], "error: option '--full-refresh=yes' takes no value\n"),
    (["run", "--threads", "many"], "error: --threads: 'many' is not a whole number\n"),
    (["run", "--threads", "0"], "error: --threads must be 1 or more\n"),
    (["run", "--threads", "65"], "error: --threads must be at most 64\n"),
    (["run", "--start-date", "2026-13-01"], "error: --start-date: '2026-13-01': there is no such day\n"),
    (["run", "--start-date", "2026-02-01", "--end-date", "2026-02-01"],
     "error: --start-date must be before --end-date\n"),
    (["plan", "--now", "noon"], "error: --now: 'noon' is not a date or a time\n"
                                "hint: write 2026-11-21, 2026-11-21 06:50 or 2026-11-21T06:50:03Z\n"),
    (["run", "-s", "silver.order"], "error: nothing is called 'silver.order' (did you mean 'silver.orders'?)\n"),
    (["run", "-s", "tag:none"], "error: there is nothing with the tag 'none'\n"),
    (["run", "-s", "silver.*", "--exclude", "silver.orders"], "error: nothing is selected\n"),
    (["run", "--var", "thresh=1"], "error: --var thresh: unknown variable (did you mean 'threshold'?)\n"
                                "hint: variables stand under 'vars:' in cupel.yaml\n"),
    (["run", "--var", "threshold=x"], "error: --var threshold: 'x' is not a whole number\n"),
    (["-e", "prod", "run"], "error: unknown environment 'prod'\nhint: cupel.yaml has no 'environments:'\n"),
    (["run", "--log", "xml"], "error: --log: 'xml' is neither text nor json\n"),
    (["tables", "x", "y"], "error: unexpected argument 'y'\nhint: usage: cupel tables [OPTIONS] [FOLDER]\n"),
    (["show"], "error: `cupel show` needs TABLE\nhint: usage: cupel show [OPTIONS] TABLE\n"),
    (["show", "silver.order"], "error: unknown table 'silver.order'\nhint: did you mean 'silver.orders'?\n"),
    (["history", "silver.order"], "error: unknown table 'silver.order'\nhint: did you mean 'silver.orders'?\n"),
    (["show", "silver.orders@v0"], "error: 'silver.orders@v0': a table is named without a version here\n"
                                   "hint: cupel query 'DESCRIBE silver.orders@v0'\n"),
    (["logs", "1999"], "error: no run '1999'\nhint: `cupel runs` lists them\n"),
    (["logs", "-t", "silver.order"], "error: no task 'silver.order' in this run\n"
                                     "hint: did you mean 'silver.orders'?\n"),
    (["render", "overveiw"], "error: no page 'overveiw'\nhint: did you mean 'overview'?\n"),
    (["render", "overview", "--to", "doc"], "error: --to: there is no format 'doc'\nhint: there are txt, html, pdf, svg and png\n"),
    (["render", "overview", "--width", "10"], "error: --width must be from 20 to 10000\n"),
    (["-C", "/nowhere", "run"], "error: no such folder '/nowhere'\n"),
    (["init", "bad name"], "error: 'bad name' is no name for a project\nhint: letters, digits, _ and -\n"),
    (["init", "."], "error: there is a project in '.' already\n"),
]


@pytest.mark.parametrize("args, said", MISTAKES, ids=[" ".join(m[0]) for m in MISTAKES])
def test_mistakes_on_the_command_line(cupel, shop, args, said):
    done = cupel(args, shop, code=2)
    assert (done.stdout, done.stderr) == ("", said)


def test_errors_as_json(cupel, shop):
    for args in (["runn", "--json"], ["--json", "show", "silver.order"]):
        done = cupel(args, shop, code=None)
        error = json.loads(done.stderr)
        assert set(error) >= {"error", "kind", "hint"} and error["kind"] == "user"
    error = json.loads(cupel(["--json", "query", "SELECT x"], shop, code=2).stderr)
    assert error["at"] == {"file": "query", "line": 1, "column": 8}


def test_no_project(cupel, tmp_path):
    for command in ("run", "tables", "validate"):
        done = cupel([command], tmp_path, code=2)
        assert done.stderr == (f"error: no cupel.yaml in '.' nor above it\n"
                               "hint: `cupel init NAME` makes a project, `cupel -C FOLDER ...` works on another one\n")


def test_the_project_is_found_from_below(cupel, shop):
    assert cupel(["tables"], shop / "models" / "silver").stdout == cupel(["-C", shop, "tables"], "/").stdout


# --- init, validate, plan, run ---


def test_init(cupel, tmp_path):
    done = cupel(["init", "a/b/"], tmp_path)
    assert done.stdout == "b is ready:\n  cd a/b\n  cupel run\n  cupel render overview --to txt\n"
    assert cupel(["validate"], tmp_path / "a/b").stdout == "b is valid: 0 sources, 2 models, 1 page\n"
    here = tmp_path / "here"
    here.mkdir()
    (here / ".gitignore").write_text("mine\n")
    assert cupel(["init", "."], here).stdout.startswith("here is ready:\n  cupel run\n")
    assert (here / ".gitignore").read_text() == "mine\n"
    assert cupel(["init", "x", "--json"], here).stdout == '{"created":"x"}\n'


def test_mistakes_in_files_have_their_place(cupel, fresh):
    orders = fresh / "models/silver/orders.sql"
    good = orders.read_text()
    orders.write_text(good.replace("key: order_id", "kye: order_id").replace("amount >= 0", "amuont >= 0"))
    said = ("models/silver/orders.sql:3:1: error: unknown key 'kye' (did you mean 'key'?)\n"
            "    3 | kye: order_id\n"
            "      | ^\n"
            "models/silver/orders.sql:7:11: error: unknown column 'amuont'\n"
            "    7 |   - row: \"amuont >= 0\"\n"
            "      |           ^\n"
            "hint: did you mean 'amount'?\n"
            "2 errors\n")
    for command in ("validate", "run"):
        done = cupel([command], fresh, code=2)
        assert (done.stdout, done.stderr) == ("", said)
    problems = json.loads(cupel(["validate", "--json"], fresh, code=2).stdout)
    assert (problems["ok"], problems["errors"], len(problems["problems"])) == (False, 2, 2)
    assert problems["problems"][1] == {"severity": "error", "message": "unknown column 'amuont'",
                                       "hint": "did you mean 'amount'?", "file": "models/silver/orders.sql",
                                       "line": 7, "column": 11}

    orders.write_text("SELECT * FROM gold.countries\n")
    assert "models go round in a circle: gold.countries -> silver.orders" in cupel(["validate"], fresh, code=2).stderr
    orders.write_text("SELECT 1 AS a\n")
    assert "models/gold/countries.sql:6:7: error: unknown column 'amount'" in cupel(["validate"], fresh, code=2).stderr
    (fresh / "cupel.yaml").write_text("a: [\n")
    assert cupel(["tables"], fresh, code=2).stderr.startswith("cupel.yaml:1:4: error: not valid YAML")


def test_a_mistake_in_a_model_does_not_keep_from_looking(cupel, fresh):
    cupel(["run"], fresh)
    orders = fresh / "models/silver/orders.sql"
    orders.write_text(orders.read_text().replace("key:", "kye:"))
    assert "silver.orders" in cupel(["tables"], fresh).stdout
    assert cupel(["query", "-o", "csv", "SELECT count(*) AS n FROM silver.orders"], fresh).stdout == "n\n3\n"
    cupel(["show", "silver.orders"], fresh)
    cupel(["history", "silver.orders"], fresh)
    cupel(["logs"], fresh)
    assert "note: the project has mistakes of its own" in cupel(["query", "SELECT x"], fresh, code=2).stderr


def test_a_missing_variable_is_a_warning_until_it_is_needed(cupel, project):
    env = {k: v for k, v in os.environ.items() if not k.startswith("TMDB_")}
    done = cupel(["validate"], project, env)
    assert "warning: 'TMDB_API_KEY' is not set: a run will need it\n" in done.stderr
    assert "hint: set TMDB_API_KEY in .env or in the environment\n" in done.stderr
    warnings = json.loads(cupel(["validate", "--json"], project, env).stdout)
    assert warnings["ok"] and [p["severity"] for p in warnings["problems"]] == ["warning"]
    done = cupel(["run", "-s", "tmdb"], project, env, code=None)
    assert done.returncode == 2
    assert "source 'tmdb' needs the environment variable TMDB_API_KEY" in done.stderr
    (project / ".env").write_text("TMDB_API_KEY=k\n")
    assert cupel(["validate"], project, env).stderr == ""


def test_plan_and_run(cupel, fresh):
    plan = json.loads(cupel(["plan", "--json"], fresh).stdout)["plan"]
    assert [(p["asset"], p["stale"], p["reason"]) for p in plan] == [
        ("silver.orders", True, "the table does not exist yet"), ("gold.countries", True, "the table does not exist yet")]
    done = cupel(["run"], fresh)
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert re.fullmatch(r"run \S+ for \S+Z, 2 tasks", lines[0])
    assert re.fullmatch(r"  done      silver\.orders  +[\d.]+ m?s  3 rows, v0", lines[1])
    assert re.fullmatch(r"  done      gold\.countries  +[\d.]+ m?s  2 rows, v0", lines[2])
    assert re.fullmatch(r"success in [\d.]+ m?s: 2 done, 0 unchanged", lines[3])
    assert cupel(["plan"], fresh).stdout == ("action  asset           why\n"
                                             "-       silver.orders   up to date\n"
                                             "-       gold.countries  up to date\n"
                                             "0 of 2 to do\n")
    events = [json.loads(line) for line in cupel(["run", "--json", "--var", "threshold=50"], fresh).stdout.splitlines()]
    assert [e["event"] for e in events] == ["run"] + ["task"] * 4 + ["done"]
    assert events[-1]["state"] == "success" and set(events[2]) >= {"task", "state", "rows", "version", "checks"}


def test_every_failure_is_told(cupel, fresh):
    for name in ("a", "b"):
        (fresh / f"models/silver/{name}.sql").write_text(
            f"/*---\nchecks:\n  - row_count: {{min: 2}}\n---*/\nSELECT 1 AS {name}\n")
    done = cupel(["run"], fresh, code=6)
    assert "2 done, 0 unchanged, 2 failed" in done.stderr
    assert re.findall(r"^models/silver/(.)\.sql:3:5: error: ", done.stderr, re.M) in (["a", "b"], ["b", "a"])
    said = cupel(["logs"], fresh).stdout
    assert said.startswith("run ") and "see below" in said
    assert "\nsilver.b\nmodels/silver/b.sql:3:5: error: " in said
    assert cupel(["logs", "-t", "silver.b"], fresh).stdout.count("task.failed") == 1


def test_log_in_place_of_progress(cupel, fresh):
    lines = [json.loads(line) for line in cupel(["run", "--log", "json"], fresh).stderr.splitlines()]
    assert [(e["event"], e.get("task")) for e in lines] == [
        ("task.done", "silver.orders"), ("task.done", "gold.countries"), ("run.done", None)]
    assert " INFO  task.done task=silver.orders state=unchanged " in cupel(["run", "--log", "text"], fresh).stderr


# --- query ---


def query(cupel, shop, sql, *args, code=0):
    return cupel(["query", sql, *args], shop, code=code)


def test_query_formats(cupel, shop):
    sql = "SELECT * FROM silver.orders ORDER BY order_id"
    assert query(cupel, shop, sql).stdout == ("order_id  ordered_on  country  amount\n"
                                              "       1  2026-11-01  France    12.50\n"
                                              "       2  2026-11-01  Ghana     99.00\n"
                                              "       3  2026-11-02  France     3.20\n")
    assert query(cupel, shop, sql, "-o", "csv", "--limit", "1").stdout == (
        "order_id,ordered_on,country,amount\n1,2026-11-01,France,12.50\n")
    rows = json.loads(query(cupel, shop, sql, "--json").stdout)
    assert rows[1] == {"order_id": 2, "ordered_on": "2026-11-01", "country": "Ghana", "amount": 99.0}
    assert [json.loads(x) for x in query(cupel, shop, sql, "-ondjson").stdout.splitlines()] == rows
    assert query(cupel, shop, "SELECT 1 AS x WHERE false", "-o", "json").stdout == "[]\n"
    assert query(cupel, shop, "SELECT 1 AS x WHERE false", "-o", "ndjson").stdout == ""
    assert query(cupel, shop, "SELECT 1 AS x WHERE false", "-o", "csv").stdout == "x\n"


def test_values_that_are_hard_to_write(cupel, shop):
    sql = ("SELECT 'a\n\"b\",' AS t, '' AS e, NULL AS n, 'NaN \"I' AS q, 'nan'::DOUBLE AS x, [1, 'inf'::DOUBLE] AS l, "
           "{'k': DATE '2026-01-02'} AS s, TIMESTAMPTZ '2026-01-02 03:04:05+01' AS z, 1 AS a, 2 AS a, "
           "12345678901234567890::HUGEINT AS h")
    row = json.loads(query(cupel, shop, sql, "-o", "json").stdout)[0]
    assert row == {"t": 'a\n"b",', "e": "", "n": None, "q": 'NaN "I', "x": None, "l": [1.0, None],
                   "s": {"k": "2026-01-02"}, "z": "2026-01-02T02:04:05.000000Z", "a": 1, "a_1": 2,
                   "h": 12345678901234567890}
    names, values = csv.reader(io.StringIO(query(cupel, shop, sql, "-o", "csv").stdout))
    assert names == ["t", "e", "n", "q", "x", "l", "s", "z", "a", "a", "h"] and values[:3] == ['a\n"b",', "", ""]
    assert query(cupel, shop, "SELECT NULL AS n, '' AS e", "-o", "csv").stdout == 'n,e\n,""\n'
    assert query(cupel, shop, "SELECT 'a\nb' AS t, chr(27) || '[31m' AS esc, NULL AS n").stdout == (
        "t     esc          n\na\\nb  \\x1b[31m  NULL\n")


def test_parquet_and_files(cupel, shop, tmp_path):
    out = tmp_path / "x.parquet"
    done = query(cupel, shop, "SELECT $threshold AS t, range AS i FROM range(10);", "-o", "parquet", "--out", out)
    assert done.stdout == f"{out}\n"
    assert query(cupel, shop, f"SELECT sum(t) AS t, sum(i) AS i FROM '{out}'", "-o", "csv").stdout == "t,i\n100,45\n"
    query(cupel, shop, "SELECT 1 AS x", "-o", "csv", "--out", tmp_path / "x.csv")
    assert (tmp_path / "x.csv").read_text() == "x\n1\n"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x.csv", "x.parquet"]
    done = query(cupel, shop, "SELECT 1 AS x", "-o", "csv", "--out", "/nowhere/x.csv", code=8)
    assert done.stderr == "error: cannot write '/nowhere/x.csv': no such file or directory\n"
    done = query(cupel, shop, "SELECT 1 AS x", "-o", "parquet", code=2)
    assert done.stderr == "error: -o parquet needs a file\nhint: -o parquet --out FILE\n"


QUERY_MISTAKES = [
    ("", "error: there is no SQL to run\nhint: cupel query 'SELECT * FROM silver.movies LIMIT 5'\n"),
    (" ;-- nothing\n", "error: there is no SQL to run\nhint: cupel query 'SELECT * FROM silver.movies LIMIT 5'\n"),
    ("SELECT 1; SELECT 2", "query:1:11: error: a second statement begins here\n    1 | SELECT 1; SELECT 2\n"
                           "      |           ^\nhint: ask one at a time\n"),
    ("SELECT 'a", "query:1:8: error: this string never ends\n    1 | SELECT 'a\n      |        ^\n"),
    ("SELECT amuont\nFROM silver.orders", "query:1:8: error: unknown column 'amuont'\n    1 | SELECT amuont\n"
                                          "      |        ^\nhint: did you mean 'amount'?\n"),
    ("SELECT *\nFROM silver.order", "query:2:6: error: unknown table 'silver.order'\n    2 | FROM silver.order\n"
                                    "      |      ^\nhint: did you mean 'silver.orders'?\n"),
    ("SELECT $nope", "query:1:8: error: unknown parameter '$nope'\n    1 | SELECT $nope\n      |        ^\n"),
    ("SELECT 1) AS x, (SELECT 2", "query:1:9: error: syntax error at or near ')'\n    1 | SELECT 1) AS x, (SELECT 2\n"
                                  "      |         ^\n"),
]


@pytest.mark.parametrize("sql, said", QUERY_MISTAKES, ids=[m[0] for m in QUERY_MISTAKES])
def test_query_mistakes(cupel, shop, sql, said):
    assert query(cupel, shop, sql, code=2).stderr == said


@pytest.mark.parametrize("sql", ["DROP TABLE silver.orders", "INSERT INTO silver.orders SELECT * FROM silver.orders",
                                 "CREATE TABLE x AS SELECT 1", "COPY (SELECT 1) TO 'x.csv'", "ATTACH 'x.db'",
                                 "SET threads = 1", "PRAGMA version", "delete from silver.orders", "EXPLAIN SELECT 1",
                                 "WITH a AS (SELECT 1 AS b) INSERT INTO silver.orders SELECT b FROM a"])
def test_a_query_only_reads(cupel, shop, sql):
    before = sorted(p for p in shop.rglob("*"))
    assert "error: " in query(cupel, shop, sql, code=2).stderr
    assert sorted(p for p in shop.rglob("*")) == before


def test_other_ways_to_ask(cupel, shop, cupel_bin):
    assert query(cupel, shop, ";; SELECT 1 AS x ;;", "-o", "csv").stdout == "x\n1\n"
    assert query(cupel, shop, "-- a comment\nSELECT 1 AS x", "-o", "csv").stdout == "x\n1\n"
    assert query(cupel, shop, "(VALUES (1))", "-o", "csv").stdout == "col0\n1\n"
    assert "order_id" in query(cupel, shop, "DESCRIBE silver.orders").stdout
    assert query(cupel, shop, "SELECT count(*) AS n FROM silver.orders@v0", "-o", "csv").stdout == "n\n3\n"
    done = subprocess.run([cupel_bin, "query", "-f", "-", "-o", "csv"], input="SELECT 2 AS y", cwd=shop, text=True,
                          capture_output=True)
    assert done.stdout == "y\n2\n"
    assert cupel(["query", "-f", "none.sql"], shop, code=2).stderr == "error: no such file 'none.sql'\n"
    assert "either SQL or --file" in cupel(["query", "-f", "x", "SELECT 1"], shop, code=2).stderr


def test_limit(cupel, shop):
    sql = "SELECT range AS r FROM range(50)"
    done = query(cupel, shop, sql)
    assert done.stdout.count("\n") == 41
    assert done.stderr == "... there are more than 40 rows: --limit N shows more\n"
    done = query(cupel, shop, sql, "--limit", "45")
    assert (done.stdout.count("\n"), done.stderr) == (46, "")
    assert query(cupel, shop, sql, "-o", "csv").stdout.count("\n") == 51


def test_a_reader_that_goes_away(cupel_bin, shop):
    for args in (["query", "-o", "csv", "SELECT * FROM range(10000000)"], ["--help"]):
        p = subprocess.Popen([cupel_bin, *args], cwd=shop, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        p.stdout.close()
        assert p.stderr.read() == b""
        assert p.wait(timeout=10) in (-signal.SIGPIPE, 8)
    with open("/dev/full", "w") as full:
        done = subprocess.run([cupel_bin, "query", "SELECT 1"], cwd=shop, stdout=full, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (8, "error: cannot write to stdout: No space left on device\n")


def test_large_results_are_not_held_in_memory(cupel_bin, shop):
    def peak_kb(rows):
        args = [cupel_bin, "query", "-o", "ndjson", f"SELECT range AS a, repeat('x', 100) AS b FROM range({rows})"]
        env = {**os.environ, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1"}
        p = subprocess.Popen(args, cwd=shop, stdout=subprocess.DEVNULL, env=env)
        _, status, usage = os.wait4(p.pid, 0)
        assert status == 0
        return usage.ru_maxrss

    assert peak_kb(1_000_000) < peak_kb(1000) + 40_000


# --- on a terminal ---


def on_terminal(args, cwd, columns, env=None, keys=()):
    """What a terminal of that width is sent; keys: (a pattern, bytes typed when it is seen)."""
    pid, fd = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        os.chdir(cwd)
        os.execve(args[0], [str(a) for a in args], {**os.environ, "TERM": "xterm", **(env or {})})
    out, start, keys = b"", time.monotonic(), list(keys)
    while time.monotonic() - start < 60:
        if keys and re.search(keys[0][0], out):
            os.write(fd, keys.pop(0)[1])
        if not select.select([fd], [], [], 0.05)[0]:
            continue
        try:
            chunk = os.read(fd, 65536)
        except OSError:
            break
        if not chunk:
            break
        out += chunk
    return out.decode(), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_table_takes_the_width_of_the_terminal(cupel_bin, shop):
    sql = "SELECT repeat('long ', 20) AS a, 123456789 AS figure, repeat('wide ', 20) AS b FROM range(3)"
    out, code = on_terminal([cupel_bin, "query", sql, "--limit", "2"], shop, 60, {"LC_ALL": "C.UTF-8"})
    lines = out.replace("\r", "").splitlines()
    assert code == 0 and len(lines) == 3 and all(len(line) <= 60 for line in lines)
    assert "123456789" in lines[1] and lines[1].count("…") == 2
    out, _ = on_terminal([cupel_bin, "query", sql, "--limit", "2"], shop, 60, {"LC_ALL": "C"})
    assert "..." in out and "…" not in out
    many = "SELECT " + ", ".join(f"'value {i}' AS column_{i}" for i in range(20))
    out, _ = on_terminal([cupel_bin, "query", many], shop, 60)
    assert "of 20 columns fit here" in out


def test_progress_on_a_terminal(cupel_bin, standin, make_project, tmp_path):
    server = standin("--latency", "30")
    folder = make_project(tmp_path / "movies")
    env = server.env(TMDB_RATE_LIMIT="40")
    run = [cupel_bin, "run", "--pages", "2", "--categories", "popular"]
    out, code = on_terminal(run, folder, 100, env, keys=[(rb"\d requests", b"\x03")])
    assert code == 130
    assert "\033[36mrunning" in out and "requests" in out and "13 waiting" in out
    assert "stopped; run " in out and out.count("canceled \033[0m") == 1
    out, code = on_terminal(run, folder, 40, {**env, "NO_COLOR": "1", "TMDB_RATE_LIMIT": "0"})
    assert code == 0
    assert "goes on where it was interrupted" in out and "found on disk" in out
    assert not re.search("\033\\[[0-9;]*m", out), "NO_COLOR"
    drawn = [re.sub("\033\\[[0-9;?]*[A-Za-z]", "", line) for line in out.replace("\r", "").splitlines()]
    assert all(len(line) < 40 for line in drawn if line.startswith("  running"))


def test_interrupted_and_gone_on(cupel_bin, cupel, standin, make_project, tmp_path):
    server = standin("--latency", "30", "--stats")
    folder = make_project(tmp_path / "movies")
    slow, quick = server.env(TMDB_RATE_LIMIT="30"), server.env()
    args = ["run", "--pages", "1", "--categories", "popular"]
    p = subprocess.Popen([cupel_bin, *args], cwd=folder, env=slow, stderr=subprocess.PIPE, text=True)
    killing.wait_until(lambda: sum(server.requests().values()) >= 10, p)
    assert cupel(["logs"], folder).stdout.splitlines()[0].endswith(": running")
    refused = cupel(args, folder, quick, code=7).stderr
    assert re.match(r"error: another run is at work on this project \(process \d+\)\n", refused)
    p.send_signal(signal.SIGINT)
    said = p.communicate()[1]
    assert p.returncode == 130 and "error: stopped; run " in said
    assert "canceled" in cupel(["runs"], folder).stdout.splitlines()[1]

    p = subprocess.Popen([cupel_bin, *args], cwd=folder, env=slow, stderr=subprocess.DEVNULL)
    asked = sum(server.requests().values())
    killing.wait_until(lambda: sum(server.requests().values()) >= asked + 10, p)
    p.kill()
    p.wait()
    assert cupel(["logs"], folder).stdout.splitlines()[0].endswith(": interrupted")
    said = cupel(["run", "-s", "tmdb", *args[1:]], folder, quick).stderr
    assert re.search(r"note: run \S+ was interrupted with other options; what it downloaded is used\n", said)
    assert "found on disk" in said


# --- looking at the lake and its runs ---


def test_tables_show_history_runs(cupel, shop):
    tables = json.loads(cupel(["tables", "--json"], shop).stdout)["tables"]
    assert [(t["table"], t["version"], t["rows"], t["files"]) for t in tables] == [
        ("gold.countries", 0, 2, 1), ("silver.orders", 0, 3, 1)]
    shown = json.loads(cupel(["show", "silver.orders", "--json"], shop).stdout)
    assert set(shown) == {"table", "id", "timestamp", "created", "small_file_ratio", "files_with_vectors", "deleted_rows", "partitions",
                          "reader_features", "writer_features", "version", "rows", "files", "bytes", "small_files", "reader_version",
                          "writer_version", "columns", "partition_by", "properties", "watermarks"}
    assert shown["columns"][0] == {"name": "order_id", "type": "integer", "nullable": True}
    history = json.loads(cupel(["history", "silver.orders", "--json"], shop).stdout)
    assert [v["version"] for v in history["history"]] == [0]
    runs = json.loads(cupel(["runs", "--json"], shop).stdout)["runs"]
    assert [(r["state"], r["tasks"], r["failed"], r["rows"], r["now"]) for r in runs] == [
        ("success", 2, 0, 5, "2026-11-21T06:00:00Z")]
    logs = json.loads(cupel(["logs", "--json", runs[0]["run"][:12]], shop).stdout)
    assert (logs["run"], logs["state"], len(logs["tasks"])) == (runs[0]["run"], "success", 2)
    for command in (["tables"], ["show", "silver.orders"], ["history", "silver.orders"], ["runs"], ["logs"], ["plan"]):
        assert not re.search(" $", cupel(command, shop).stdout, re.M), f"{command}: blanks at the end of a line"


def test_before_the_first_run(cupel, fresh):
    done = cupel(["tables"], fresh)
    assert (done.stdout, done.stderr) == ("", "no tables yet: `cupel run` makes them\n")
    for command in ("runs", "logs"):
        assert cupel([command], fresh, code=2).stderr == "error: nothing has run here yet\nhint: `cupel run` makes the tables\n"
    assert cupel(["show", "silver.orders"], fresh).stdout.startswith("silver.orders is not made yet\n")
    assert cupel(["history", "silver.orders"], fresh, code=2).stderr == (
        "error: table 'silver.orders' is not made yet\nhint: `cupel run` makes it\n")
    assert cupel(["query", "-o", "csv", "SELECT count(*) AS n FROM silver.orders"], fresh).stdout == "n\n0\n"
    assert not (fresh / ".cupel").exists(), "looking makes nothing"


def test_following_a_log(cupel, fresh):
    cupel(["run"], fresh)
    lines = cupel(["logs", "--follow"], fresh, timeout=10).stdout.splitlines()
    assert lines[0].endswith(" DEBUG task.begun task=silver.orders") and " run.done " in lines[-1]
    lines = [json.loads(x) for x in cupel(["logs", "--full", "--json"], fresh).stdout.splitlines()]
    assert lines[-1]["event"] == "run.done"
