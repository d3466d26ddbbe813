"""The fraud project: the figures of its page against pandas, the feed that it makes for itself, and models that read files."""
import base64
import gzip
import io
import json
import os
import pathlib
import re
import shutil
import subprocess

import pandas
import pytest

from conftest import shared

PROJECT = pathlib.Path(__file__).resolve().parents[2] / "projects/fraud"


@pytest.fixture(scope="module")
def fraud(tmp_path_factory, cupel_bin):
    """fraud(feed): a copy of the project that has run on it; .cupel(args) runs the program there."""

    def make(feed=None, **env):
        folder = tmp_path_factory.mktemp("fraud") / "fraud"
        shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns("lake", ".cupel"))
        env = {**os.environ, **({"FRAUD_FEED": str(feed)} if feed else {}), **env}

        def cupel(*args, code=0, cwd="/"):
            done = subprocess.run([cupel_bin, "-C", str(folder), *map(str, args)], cwd=cwd, env=env, capture_output=True, text=True)
            assert done.returncode == code, f"{args}: {done.returncode}\n{done.stdout}\n{done.stderr}"
            return done.stderr if code else done.stdout

        return folder, cupel

    return make


def answer(cupel, sql):
    return json.loads(cupel("query", sql, "-o", "json"))


def expected(feed):
    """What the page says, from the feed alone. Amounts in cents: sums must be exact."""
    data = subprocess.run(["zstd", "-dcq", feed], capture_output=True, check=True).stdout if feed.suffix == ".zst" else feed.read_bytes()
    f = pandas.read_csv(io.BytesIO(data), parse_dates=["timestamp"])
    for c in ("amount", "oldbalanceOrg", "newbalanceOrig", "oldbalanceDest", "newbalanceDest"):
        f[c] = (f[c] * 100).round().astype("int64")
    cash_in = f["type"] == "CASH_IN"
    after = (f.oldbalanceOrg + f.amount).where(cash_in, (f.oldbalanceOrg - f.amount).clip(lower=0))
    f["sender_off"] = f.newbalanceOrig != after
    after = (f.oldbalanceDest - f.amount).clip(lower=0).where(cash_in, f.oldbalanceDest + f.amount)
    f["receiver_off"] = (f.newbalanceDest != after) & ~f.nameDest.str.startswith("M")
    f["fraud_amount"] = f.amount.where(f.isFraud == 1, 0)
    f["band"] = pandas.cut(f.amount, [-1, 99_999, 999_999, 9_999_999, 99_999_999, 10 ** 15], labels=False) + 1
    return f


def check_charts(html, f):
    """What the page's charts draw, with nothing chosen and of one day and type."""
    assert len(html.encode()) < 1_200_000
    live = json.loads(gzip.decompress(base64.b64decode(re.search(r'id="data">(.*?)<', html)[1])))

    def rows(name, day=0, kind=0, least=0):
        query, of = live["queries"][name], live["rows"][name]
        at = 0
        for i in query["varies"]:
            at = at * len(live["inputs"][i]["options"]) + (day, kind, least)[i]
        return [{c: of[c][row] for c in of} for row in query["answers"][query["cases"][at]]]

    def hours(f):
        by = f.groupby(f.timestamp.dt.floor("h")).agg(n=("amount", "size"), frauds=("isFraud", "sum"))
        return [(f"{at:%Y-%m-%dT%H:%M:%SZ}", *map(int, row)) for at, row in zip(by.index, by.values)]

    got = lambda *at: [(r["hour_start"], r["transactions"], r["frauds"]) for r in rows("by_hour", *at)]
    assert got() == hours(f)
    day, kind = live["inputs"][0]["options"][2], live["inputs"][1]["options"][1]
    assert got(2, 1, 2) == hours(f[(f.timestamp.dt.strftime("%Y-%m-%d") == day) & (f["type"] == kind) & (f.band >= 3)]) != []
    week = f.groupby([f.timestamp.dt.strftime("%a"), f.timestamp.dt.hour]).isFraud.mean()
    assert {(r["weekday"], r["hour"]): r["rate"] for r in rows("week")} == {k: pytest.approx(x, abs=6e-5) for k, x in week.items()}
    kinds = f[f["type"].isin(f[f.isFraud == 1]["type"].unique())]
    bands = kinds.groupby(["band", "type"]).isFraud.mean()
    assert {(r["band"], r["type"]): r["rate"] for r in rows("bands")} == {k: pytest.approx(x, abs=6e-5) for k, x in bands.items()}
    types = f.groupby("type").agg(n=("amount", "size"), sender=("sender_off", "mean"), receiver=("receiver_off", "mean"))
    assert {r["type"]: (r["transactions"], r["sender_off"], r["receiver_off"]) for r in rows("types")} == \
        {k: (r.n, pytest.approx(r.sender), pytest.approx(r.receiver)) for k, r in types.iterrows()}


def test_every_figure_agrees_with_pandas(fraud):
    feed = shared("data/fraud/raw_fraud.csv.zst")
    _, cupel = fraud(feed)
    cupel("run")
    f = expected(feed)
    keys = [f.timestamp.dt.floor("h"), f["type"], f.band]
    want = f.groupby(keys).agg(transactions=("amount", "size"), amount=("amount", "sum"), frauds=("isFraud", "sum"),
                               fraud_amount=("fraud_amount", "sum"), sender_off=("sender_off", "sum"),
                               receiver_off=("receiver_off", "sum"))
    got = answer(cupel, "SELECT epoch(hour_start)::BIGINT AS at, type, band, transactions, (amount * 100)::BIGINT AS amount, frauds, "
                        "(fraud_amount * 100)::BIGINT AS fraud_amount, sender_off, receiver_off FROM gold.activity")
    assert {(r["at"], r["type"], r["band"]): tuple(list(r.values())[3:]) for r in got} == \
        {(int(k[0].timestamp()), k[1], k[2]): tuple(int(x) for x in row) for k, row in zip(want.index, want.values)}

    by = f.groupby("nameDest").agg(transactions=("amount", "size"), amount=("amount", "sum"), frauds=("isFraud", "sum"),
                                   fraud_amount=("fraud_amount", "sum"))
    got = answer(cupel, "SELECT receiver, transactions, (amount * 100)::BIGINT AS amount, frauds, "
                        "(fraud_amount * 100)::BIGINT AS fraud_amount FROM gold.receivers")
    assert {r["receiver"]: tuple(list(r.values())[1:]) for r in got} == {k: tuple(int(x) for x in v) for k, v in zip(by.index, by.values)}

    check_charts(cupel("render", "fraud", "--to", "html"), f)
    text = cupel("render", "fraud", "--width", 120)
    for type, g in f.groupby("type"):
        share = f"{100 * g.isFraud.mean():.1f}%"
        assert re.search(rf"^{type} +{len(g):,} .* {int(g.isFraud.sum()):,} +{re.escape(share)}$", text, re.M), type
        assert re.search(rf"^{type} +{100 * g.sender_off.mean():.1f}% .* {100 * g.receiver_off.mean():.1f}%", text, re.M), type
    worst = by[by.frauds > 0].sort_values(["fraud_amount", "frauds"], ascending=False)
    shown = re.findall(r"^(C\d+) +(\d+) +([\d.]+) +(\d+) +([\d.]+)", text, re.M)
    assert [float(row[4]) for row in shown] == [round(x / 1e8, 2) for x in worst.fraud_amount[:15]]
    for name, n, amount, frauds, _ in shown:
        assert (int(n), float(amount), int(frauds)) == \
            (by.transactions[name], round(by.amount[name] / 1e8, 2), by.frauds[name])


def test_the_feed_it_makes_is_the_same_for_the_same_seed_and_clean(fraud):
    folder, cupel = fraud()
    for name, seed in (("raw_fraud", 7), ("again", 7), ("other", 8)):
        cupel("query", "-f", folder / "generate.sql", "--var", "rows=20000", "--var", f"seed={seed}", "-o", "csv",
              "--out", folder / f"data/{name}.csv")
    text = (folder / "data/raw_fraud.csv").read_text()
    assert text == (folder / "data/again.csv").read_text() != (folder / "data/other.csv").read_text()
    f = expected(folder / "data/raw_fraud.csv")
    assert len(f) == 20000 and f.transactionID.is_unique and 0.02 < f.isFraud.mean() < 0.035
    assert set(f["type"]) == {"PAYMENT", "TRANSFER", "CASH_OUT", "CASH_IN", "DEBIT"}
    assert set(f[f.isFraud == 1]["type"]) == {"TRANSFER", "CASH_OUT"}
    cupel("run")
    assert answer(cupel, "SELECT count(*) AS n, count(*) FILTER (is_fraud) AS f FROM silver.transactions") == \
        [{"n": 20000, "f": int(f.isFraud.sum())}]
    cupel("validate")
    cupel("render", "fraud", "--to", "html,png", "--out", folder / "out")
    assert {p.name for p in (folder / "out").iterdir()} >= {"fraud.html", "volume.png", "frauds.png", "week.png", "bands.png", "by_type.png", "off.png"}
    assert (folder / "out/fraud.html").stat().st_size < 1_200_000


def test_a_model_that_reads_files_reads_them_at_every_run_and_below_the_project(fraud):
    folder, cupel = fraud()
    head = "transactionID,step,type,amount,nameOrig,oldbalanceOrg,newbalanceOrig,nameDest,oldbalanceDest,newbalanceDest,isFraud,isFlaggedFraud,timestamp\n"
    row = "{},1,PAYMENT,10.00,C1,100.00,90.00,M1,0.00,0.00,0,0,2023-01-01 00:00:00\n"
    feed = folder / "data/raw_fraud.csv"
    assert "no files found that match the pattern 'data/raw_fraud.csv'" in cupel("validate", code=2)
    feed.write_text(head + row.format(1))
    cupel("run")
    feed.write_text(head + row.format(1) + row.format(2))
    assert "it reads files" in cupel("plan")
    cupel("run")
    assert answer(cupel, "SELECT count(*) AS n FROM silver.transactions") == [{"n": 2}]
    feed.write_text(head + row.format(1) + row.format(1))  # a check of bronze refuses; nothing moves
    cupel("run", code=6)
    assert answer(cupel, "SELECT count(DISTINCT transactionID) AS n FROM bronze.transactions") == [{"n": 2}]
