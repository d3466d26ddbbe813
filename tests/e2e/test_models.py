"""Models through the real program: every mode, late data, reruns, other writers, checks and the quarantine.

The inputs are written from outside by delta-rs; what a model makes is read back by delta-rs."""
import json
import os
import random
import shutil
import threading

import deltalake
import pytest

from conftest import absent
from lab import Lab, day, killed, ordered

SEED = int(os.environ.get("CUPEL_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 30)


@pytest.fixture
def lab(tmp_path, cupel_bin):
    return Lab(tmp_path / "lab", cupel_bin)


EVENTS = "id BIGINT, k VARCHAR, v BIGINT, seq BIGINT"


def event(id, k="a", v=0, seq=0):
    return {"id": id, "k": k, "v": v, "seq": seq}


# --- modes ---


def test_replace_is_made_anew_when_an_input_moves(lab):
    lab.input("bronze.e", EVENTS)
    lab.model("silver.t", "description: t", "SELECT k, sum(v) AS v FROM bronze.e GROUP BY k")
    assert lab.run()["silver.t"]["state"] == "done"  # the input does not exist yet: an empty table
    assert lab.rows("silver.t") == []
    lab.write("bronze.e", [event(1, "a", 1), event(2, "b", 2)])
    assert lab.run()["silver.t"]["rows"] == 2
    assert lab.run()["silver.t"]["state"] == "unchanged"
    lab.write("bronze.e", [event(3, "a", 10)])
    assert lab.plan()["silver.t"]["reason"] == "1 new commit of bronze.e"
    lab.run()
    assert lab.values("silver.t", "k", "v") == [("a", 11), ("b", 2)]
    assert lab.values("silver.t", "k", "v", version=1) == [("a", 1), ("b", 2)]
    assert lab.query("SELECT v FROM silver.t@v1 WHERE k = 'a'") == [{"v": 1}]


def test_append_takes_each_row_once(lab):
    lab.input("bronze.e", EVENTS)
    lab.model("silver.t", "mode: append\nincremental: bronze.e", "SELECT id, v FROM bronze.e")
    for n in range(1, 5):
        lab.write("bronze.e", [event(n, v=n), event(n + 100, v=n)])
        lab.run()
        lab.run()
        assert lab.values("silver.t", "id") == ordered((i,) for k in range(1, n + 1) for i in (k, k + 100))


def test_append_follows_an_input_that_is_rewritten(lab):
    lab.input("bronze.e", EVENTS)
    lab.model("silver.t", "mode: append\nincremental: bronze.e", "SELECT id, v FROM bronze.e")
    lab.write("bronze.e", [event(1, v=1), event(2, v=2), event(2, v=2)])
    lab.run()
    lab.delta("bronze.e").update(updates={"v": "v + 10"}, predicate="id = 1")  # writes all three rows again
    lab.write("bronze.e", [event(3), event(3), event(3)])
    lab.run()
    assert lab.values("silver.t", "id", "v") == ordered([(1, 1), (1, 11), (2, 2), (2, 2), (3, 0), (3, 0), (3, 0)])
    lab.delta("bronze.e").optimize.compact()
    assert lab.run()["silver.t"]["rows"] == 0
    lab.delta("bronze.e").delete("id = 3")
    assert lab.run()["silver.t"]["rows"] == 0
    lab.delta("bronze.e").delete()
    lab.write("bronze.e", [event(9)])
    assert lab.run()["silver.t"]["rows"] == 1


def test_append_does_not_guess_what_is_new(lab):
    lab.input("bronze.e", EVENTS)
    lab.model("silver.t", "mode: append\nincremental: bronze.e", "SELECT id, v FROM bronze.e")
    lab.write("bronze.e", [event(1)])
    lab.write("bronze.e", [event(2)])
    lab.run()
    for again in range(3):  # made anew: with fewer versions, with as many, with more
        shutil.rmtree(lab.table("bronze.e"))
        for n in range(again + 1):
            lab.write("bronze.e", [event(10 + n)])
        if again == 1:
            continue  # the same version of another table: seen with the next commit
        told = lab.run(code=6)["silver.t"]
        assert "what is new in 'bronze.e' cannot be told" in told["error"]["message"]
        assert "--full-refresh -s silver.t" in told["hint"]
    lab.run("--full-refresh")
    assert lab.values("silver.t", "id") == [(10,), (11,), (12,)]


MERGE = "mode: merge\nkey: id\nincremental: bronze.e"


def test_merge_inserts_and_updates(lab):
    lab.input("bronze.e", EVENTS)
    lab.model("silver.t", MERGE, "SELECT id, k, v FROM bronze.e")
    lab.write("bronze.e", [event(n, v=n) for n in range(10)])
    lab.run()
    lab.write("bronze.e", [event(3, v=33), event(20, v=20)])
    assert lab.run()["silver.t"]["rows"] == 2
    assert lab.values("silver.t", "id", "v") == ordered([*((n, n) for n in range(10) if n != 3), (3, 33), (20, 20)])
    lab.write("bronze.e", [])
    assert lab.run()["silver.t"]["rows"] == 0
    assert len(lab.rows("silver.t")) == 11


def test_merge_rewrites_only_files_that_hold_a_key(lab):
    lab.input("bronze.e", EVENTS)
    lab.model("silver.t", MERGE, "SELECT id, k, v FROM bronze.e")
    for n in range(5):
        lab.write("bronze.e", [event(n * 10 + i) for i in range(3)])
        lab.run()
    before = set(lab.delta("silver.t").file_uris())
    lab.write("bronze.e", [event(21, v=5)])
    lab.run()
    assert len(before & set(lab.delta("silver.t").file_uris())) == 4
    assert len(lab.rows("silver.t")) == 15


def test_an_older_row_that_comes_late_replaces_nothing(lab):
    lab.input("bronze.e", EVENTS)
    lab.model("silver.t", MERGE + "\nsequence_by: seq", "SELECT id, v, seq FROM bronze.e")
    lab.write("bronze.e", [event(1, v=1, seq=5), event(2, v=1, seq=None), event(3, v=1, seq=5)])
    lab.run()
    lab.write("bronze.e", [event(1, v=2, seq=4), event(2, v=2, seq=None), event(3, v=2, seq=5)])
    lab.run()
    assert lab.values("silver.t", "id", "v") == [(1, 1), (2, 2), (3, 2)]
    lab.write("bronze.e", [event(1, v=3, seq=None), event(2, v=3, seq=1), event(4, v=3, seq=None)])
    lab.run()
    assert lab.values("silver.t", "id", "v") == [(1, 1), (2, 3), (3, 2), (4, 3)]


def test_a_key_given_twice_is_refused(lab):
    lab.input("bronze.e", EVENTS)
    lab.model("silver.t", MERGE, "SELECT id, v FROM bronze.e")
    lab.write("bronze.e", [event(1), event(1)])
    told = lab.run(code=6)["silver.t"]["error"]["message"]  # also when the table is made
    assert told == "silver.t: its SELECT gives 1 key more than once"
    assert not lab.exists("silver.t") and lab.unreferenced("silver.t") == set()
    lab.write("bronze.e", [event(1), event(2)], mode="overwrite")
    lab.run()
    lab.write("bronze.e", [event(3), event(3), event(4), event(4)])
    told = lab.run(code=6)["silver.t"]
    assert "gives 2 keys more than once" in told["error"]["message"]
    assert 'PARTITION BY "id"' in told["hint"]
    assert lab.values("silver.t", "id") == [(1,), (2,)] and lab.unreferenced("silver.t") == set()


def test_keys_of_two_columns_with_awkward_names(lab):
    lab.input("bronze.e", EVENTS)
    lab.model("silver.t", 'mode: merge\nkey: [id, "K\\"e\'y"]\nincremental: bronze.e\npassing: 50%',
              'SELECT id, k AS "K""e\'y", v AS "order" FROM bronze.e')
    lab.write("bronze.e", [event(1, "x", 1), event(1, "y", 1), event(2, "x", 1)])
    lab.run()
    lab.write("bronze.e", [event(1, "y", 2), event(1, "z", 2), event(3, None, 2)])
    assert lab.run()["silver.t"]["quarantined"] == 1
    assert lab.values("silver.t", "id", 'K"e\'y', "order") == [(1, "x", 1), (1, "y", 2), (1, "z", 2), (2, "x", 1)]
    held = lab.rows("quarantine.silver_t")
    assert held[0]["reasons"] == ['key not null(K"e\'y)'] and json.loads(held[0]["row"])["order"] == 2


def test_a_row_moves_to_another_partition(lab):
    lab.input("bronze.e", EVENTS)
    lab.model("silver.t", MERGE + "\npartition_by: k", "SELECT id, k, v FROM bronze.e")
    lab.write("bronze.e", [event(1, "a"), event(2, "a"), event(3, "b/=ü"), event(4, None)])
    lab.run()
    lab.write("bronze.e", [event(1, "b/=ü", 1), event(3, None, 1), event(4, "a", 1)])
    lab.run()
    assert lab.values("silver.t", "id", "k", "v") == ordered([(1, "b/=ü", 1), (2, "a", 0), (3, None, 1), (4, "a", 1)])
    assert lab.delta("silver.t").metadata().partition_columns == ["k"]


def test_a_new_column_and_a_frozen_schema(lab):
    lab.input("bronze.e", EVENTS)
    lab.model("silver.t", MERGE, "SELECT id, v FROM bronze.e")
    lab.model("silver.f", MERGE + "\nschema: freeze", "SELECT id, v FROM bronze.e")
    lab.model("gold.r", "schema: freeze", "SELECT id, v FROM bronze.e")
    lab.write("bronze.e", [event(1, "a", 1), event(2, "b", 2)])
    lab.run()
    for name, header in (("silver.t", MERGE), ("silver.f", MERGE + "\nschema: freeze"), ("gold.r", "schema: freeze")):
        lab.model(name, header, "SELECT id, k, v FROM bronze.e")
    lab.write("bronze.e", [event(2, "bb", 22), event(3, "cc", 33)])
    tasks = lab.run(code=6)
    assert lab.values("silver.t", "id", "k", "v") == [(1, None, 1), (2, "bb", 22), (3, "cc", 33)]
    for name in ("silver.f", "gold.r"):
        assert "'k'" in tasks[name]["error"]["message"], tasks[name]["error"]
        assert lab.values(name, "id", "v") == [(1, 1), (2, 2)] and lab.unreferenced(name) == set()
    assert "schema: evolve" in tasks["gold.r"]["hint"]
    # Old files have not all the columns: they are read, merged and checked all the same.
    lab.model("silver.t", MERGE + "\nchecks:\n  - unique: id\n  - row_count: {min: 3}", "SELECT id, v + 1 AS v FROM bronze.e")
    lab.write("bronze.e", [event(1, "a", 100)])
    lab.run("-s", "silver.t")
    assert lab.values("silver.t", "id", "k", "v") == [(1, None, 101), (2, "bb", 22), (3, "cc", 33)]
    assert lab.query("SELECT count(k) AS n FROM silver.t") == [{"n": 2}]


def test_another_type_needs_a_full_refresh(lab):
    lab.input("bronze.e", EVENTS)
    lab.model("silver.t", MERGE, "SELECT id, v FROM bronze.e")
    lab.write("bronze.e", [event(1)])
    lab.run()
    lab.model("silver.t", MERGE, "SELECT id, 'v' || v AS v FROM bronze.e")
    lab.write("bronze.e", [event(2)])
    told = lab.run(code=6)["silver.t"]
    assert "'v'" in told["error"]["message"] and "--full-refresh -s silver.t" in told["hint"]
    lab.run("--full-refresh", "-s", "silver.t")
    assert lab.values("silver.t", "id", "v") == [(1, "v0"), (2, "v0")]


def test_given_partitions_are_replaced(lab):
    lab.input("bronze.e", EVENTS)
    lab.model("silver.t", "mode: partitions\npartition_by: k", "SELECT k, id, v FROM bronze.e")
    lab.write("bronze.e", [event(1, "a", 1), event(2, "b", 1), event(3, None, 1)])
    lab.run()
    lab.write("bronze.e", [event(4, "a", 2), event(5, None, 2)], mode="overwrite")
    lab.run()
    assert lab.values("silver.t", "k", "id") == ordered([("a", 4), ("b", 2), (None, 5)])


def test_partitions_of_new_rows_are_made_from_all_rows(lab):
    columns = "id BIGINT, d DATE, v BIGINT"
    lab.input("bronze.e", columns)
    lab.model("silver.t", "mode: partitions\npartition_by: d\nincremental: bronze.e",
              "SELECT d, count(*) AS n, sum(v) AS v FROM bronze.e GROUP BY d")
    lab.write("bronze.e", [{"id": n, "d": day(n % 3), "v": 1} for n in range(9)])
    lab.run()
    lab.write("bronze.e", [{"id": 100, "d": day(1), "v": 5}, {"id": 101, "d": day(7), "v": 5}])  # one comes late
    kept = {f for f in lab.delta("silver.t").file_uris() if str(day(1)) not in f}
    assert lab.run()["silver.t"]["rows"] == 2
    assert lab.values("silver.t", "d", "n", "v") == [(day(0), 3, 3), (day(1), 4, 8), (day(2), 3, 3), (day(7), 1, 5)]
    assert kept <= set(lab.delta("silver.t").file_uris())
    lab.delta("bronze.e").delete("d = '2026-11-08'")  # the last row of a partition
    lab.delta("bronze.e").update(updates={"d": "DATE '2026-11-01'"}, predicate="id = 100")  # a row moves
    lab.run()
    assert lab.values("silver.t", "d", "n", "v") == [(day(0), 4, 8), (day(1), 3, 3), (day(2), 3, 3)]


def test_views_are_made_where_they_are_read(lab):
    lab.file("cupel.yaml", "name: lab\nvars: {most: 5}\n")
    lab.input("bronze.e", EVENTS)
    lab.model("silver.a", "mode: view", "SELECT * FROM bronze.e WHERE id <= $most AND $now > TIMESTAMPTZ '2000-01-01'")
    lab.model("silver.b", "mode: view", "SELECT id, v * 2 AS v FROM silver.a")
    lab.model("gold.t", "mode: merge\nkey: id\nincremental: bronze.e", "SELECT b.id, b.v, a.k FROM silver.b AS b JOIN silver.a AS a USING (id)")
    assert lab.query("SELECT * FROM silver.b") == []
    lab.run()
    lab.write("bronze.e", [event(1, v=1), event(9, v=9)])
    tasks = lab.run()
    assert tasks["silver.b"]["note"] == "a view: made where it is read" and tasks["gold.t"]["rows"] == 1
    lab.write("bronze.e", [event(2, v=2)])
    lab.run()
    assert lab.values("gold.t", "id", "v") == [(1, 2), (2, 4)]
    assert lab.query("SELECT sum(v)::INT AS v FROM silver.b") == [{"v": 6}]
    assert "has no versions" in lab.query("SELECT * FROM silver.b@v1", code=2)
    lab.model("gold.u", "mode: append\nincremental: silver.b", "SELECT * FROM silver.b")
    assert "'silver.b' is a view" in lab.cupel("validate", code=2).stderr


# --- incremental by keys ---


def keyed(lab):
    """Films and what people say of them: silver.reviews is a merge, so that its files are written again."""
    lab.input("bronze.films", "id BIGINT, title VARCHAR, seq BIGINT")
    lab.input("bronze.reviews", "rid BIGINT, id BIGINT, stars BIGINT, seq BIGINT")
    lab.model("silver.reviews", "mode: merge\nkey: rid\nsequence_by: seq\nincremental: bronze.reviews", """
        SELECT rid, id, stars, seq FROM bronze.reviews
        QUALIFY row_number() OVER (PARTITION BY rid ORDER BY seq DESC, stars DESC, id) = 1""")
    lab.model("silver.films", """
mode: merge
key: id
sequence_by: seq
incremental:
  - bronze.films
  - silver.reviews: id
checks:
  - unique: id
""", """
        WITH newest AS (SELECT * FROM bronze.films QUALIFY row_number() OVER (PARTITION BY id ORDER BY seq DESC, title) = 1),
        opinions AS (SELECT id, count(*) AS n, sum(stars) AS stars FROM silver.reviews GROUP BY id)
        SELECT id, title, seq, coalesce(n, 0) AS n, stars FROM newest LEFT JOIN opinions USING (id)""")
    lab.model("gold.by_stars", "mode: merge\nkey: stars\nincremental: [{silver.reviews: stars}]",
              "SELECT stars, count(*) AS n FROM silver.reviews WHERE stars IS NOT NULL GROUP BY stars")
    lab.model("gold.by_film", "mode: partitions\npartition_by: id\nincremental: silver.reviews",
              "SELECT id, sum(stars) AS stars, count(*) AS n FROM silver.reviews GROUP BY id")


def film(id, title="t", seq=1):
    return {"id": id, "title": title, "seq": seq}


def review(rid, id, stars, seq=1):
    return {"rid": rid, "id": id, "stars": stars, "seq": seq}


def test_older_rows_of_touched_keys_come_back(lab):
    keyed(lab)
    lab.write("bronze.films", [film(1), film(2), film(3)])
    lab.run()
    assert lab.values("silver.films", "id", "n") == [(1, 0), (2, 0), (3, 0)]
    lab.write("bronze.reviews", [review(1, 1, 5), review(2, 2, 3)])
    tasks = lab.run()
    assert tasks["silver.films"]["rows"] == 2, "film 3 was touched by nothing"
    lab.write("bronze.reviews", [review(2, 3, 4, 2)])  # a review moves to another film
    tasks = lab.run()
    assert tasks["silver.films"]["rows"] == 2 and tasks["gold.by_stars"]["rows"] == 1
    assert lab.values("silver.films", "id", "n", "stars") == [(1, 1, 5), (2, 0, None), (3, 1, 4)]
    assert lab.values("gold.by_stars", "stars", "n") == [(4, 1), (5, 1)], "the group without rows is gone"
    assert lab.values("gold.by_film", "id", "stars") == [(1, 5), (3, 4)]


def batch(dice, n):
    """Some of it comes late: with a sequence before that of the last batch. No two batches have the same one."""
    seq = [n * 100, n * 100, (n - 2) * 100 + n]
    films = [film(dice.randrange(8), f"t{dice.randrange(3)}", dice.choice(seq)) for _ in range(dice.randrange(4))]
    reviews = [review(dice.randrange(12), dice.randrange(8), dice.choice([None, 1, 2, 3]), dice.choice(seq))
               for _ in range(dice.randrange(4))]
    return films, reviews


def test_any_history_ends_like_a_full_refresh(lab, tmp_path, counted):
    """Random batches with late data and rewrites, runs of a part of the models or killed midway."""
    print("seed", SEED)
    dice = random.Random(SEED)
    keyed(lab)
    models = ["silver.reviews", "silver.films", "gold.by_stars", "gold.by_film"]
    for n in range(1, 26):
        films, reviews = batch(dice, n)
        if films:
            lab.write("bronze.films", films)
        if reviews:
            lab.write("bronze.reviews", reviews)
        what = dice.random()
        if what < 0.1 and lab.exists("bronze.reviews"):
            lab.delta("bronze.reviews").optimize.compact()
        elif what < 0.2 and lab.exists("silver.reviews") and lab.rows("silver.reviews"):
            lab.delta("silver.reviews").optimize.compact()
        elif what < 0.3 and lab.exists("bronze.reviews"):
            lab.delta("bronze.reviews").update(updates={"stars": str(dice.randrange(4))}, predicate=f"rid = {dice.randrange(12)}")
        elif what < 0.5:
            counted(lab, "KILL", dice.randrange(20, 400))
        elif what < 0.7:
            lab.run("-s", dice.choice(models))
        if dice.random() < 0.7:
            lab.run()
    lab.run()
    other = lab.copy(tmp_path / "other")
    other.run("--full-refresh")
    got, want = lab.tables(), other.tables()
    for name in models:
        assert got[name] == want[name], f"seed {SEED}: {name}"


# --- what makes a model run again ---


def test_another_text_makes_replaced_tables_anew_and_is_told_of_others(lab):
    lab.input("bronze.e", EVENTS)
    headers = {"silver.replaced": "description: t", "silver.merged": "mode: merge\nkey: id", "silver.parts": "mode: partitions\npartition_by: k",
               "silver.appended": "mode: append", "silver.new": "mode: append\nincremental: bronze.e",
               "silver.inc": MERGE}
    for name, header in headers.items():
        lab.model(name, header, "SELECT id, k, v FROM bronze.e")
    lab.write("bronze.e", [event(1, v=1)])
    lab.run()
    for name, header in headers.items():
        lab.model(name, header + "\ntags: [x]", "-- the same\nSELECT id, k, v\nFROM bronze.e")
    assert {t["state"] for t in lab.run().values()} == {"unchanged"}
    for name, header in headers.items():
        lab.model(name, header, "SELECT id, k, v + 1 AS v FROM bronze.e")
    assert lab.plan()["silver.replaced"]["reason"] == "its definition changed"
    tasks = lab.run()
    for name in headers:
        follows = name in ("silver.replaced", "silver.merged", "silver.parts")
        assert tasks[name]["state"] == ("done" if follows else "unchanged"), name
        assert lab.values(name, "v") == [(2,)] if follows else [(1,)]
        if not follows:
            assert "--full-refresh would make all rows anew" in tasks[name]["note"]
    assert {t["state"] for t in lab.run().values()} == {"unchanged"}
    lab.run("--full-refresh")
    for name in headers:
        assert lab.values(name, "v") == [(2,)], name
    assert {t["note"] for t in lab.run().values()} == {"up to date"}


def test_other_partitions_need_a_full_refresh(lab):
    lab.input("bronze.e", EVENTS)
    latest = "SELECT id, k, v FROM bronze.e QUALIFY row_number() OVER (PARTITION BY id ORDER BY seq DESC) = 1"
    lab.model("silver.m", MERGE + "\npartition_by: k", latest)
    lab.model("silver.p", "mode: partitions\npartition_by: k", latest)
    lab.write("bronze.e", [event(1, "a"), event(2, "b")])
    lab.run()
    lab.model("silver.m", MERGE + "\npartition_by: v", latest)
    lab.model("silver.p", "mode: partitions\npartition_by: v", latest)
    lab.write("bronze.e", [event(1, "c", seq=1), event(3, "b")])
    tasks = lab.run(code=2)
    assert tasks["silver.m"]["state"] == "done" and lab.values("silver.m", "id", "k") == [(1, "c"), (2, "b"), (3, "b")]
    assert lab.delta("silver.m").metadata().partition_columns == ["k"]
    assert "other partitions" in tasks["silver.p"]["error"]["message"]
    lab.run("--full-refresh")
    for name in ("silver.m", "silver.p"):
        assert lab.delta(name).metadata().partition_columns == ["v"]


def test_the_clock_and_the_range(lab):
    lab.input("bronze.e", "id BIGINT, d DATE")
    lab.model("silver.clock", "description: t", "SELECT id, $now AS made FROM bronze.e")
    lab.model("silver.range", "description: t", "SELECT id FROM bronze.e WHERE d >= $start AND d < $end")
    lab.model("silver.daily", "mode: append", "SELECT $now::DATE AS d, count(*) AS n FROM bronze.e")
    lab.write("bronze.e", [{"id": n, "d": day(n)} for n in range(4)])
    lab.run("--now", "2026-11-20")
    assert {t["state"] for t in lab.run("--now", "2026-11-20").values()} == {"unchanged"}
    assert lab.values("silver.range", "id") == [(0,), (1,), (2,), (3,)]
    tasks = lab.run("--now", "2026-11-20", "--start-date", "2026-11-02", "--end-date", "2026-11-04")
    assert tasks["silver.range"]["state"] == "done" and lab.values("silver.range", "id") == [(1,), (2,)]
    lab.run("--now", "2026-11-21")
    assert lab.values("silver.range", "id") == [(0,), (1,), (2,), (3,)]
    assert str(lab.rows("silver.clock")[0]["made"])[:10] == "2026-11-21"
    assert lab.values("silver.daily", "n") == [(4,), (4,), (4,)]


def test_a_range_is_made_again_without_a_word_about_other_rows(lab):
    lab.input("bronze.e", "id BIGINT, d DATE, v BIGINT")
    select = "SELECT id, d, v FROM bronze.e WHERE d >= $start AND d < $end"
    lab.model("silver.m", MERGE, select)
    lab.model("silver.p", "mode: partitions\npartition_by: d\nincremental: bronze.e", select)
    lab.model("silver.a", "mode: append\nincremental: bronze.e", select)
    dates = ["--start-date", "2026-11-02", "--end-date", "2026-11-03"]
    lab.write("bronze.e", [{"id": n, "d": day(n), "v": 1} for n in range(4)])
    lab.run("-s", "silver.m silver.p", *dates)
    assert lab.values("silver.m", "id") == [(1,)] and lab.values("silver.p", "id") == [(1,)]
    lab.run()  # nothing is skipped
    for name in ("silver.m", "silver.p", "silver.a"):
        assert lab.values(name, "id") == [(0,), (1,), (2,), (3,)], name
    lab.write("bronze.e", [{"id": 9, "d": day(9), "v": 1}])
    lab.run("-s", "silver.m silver.p", *dates)
    assert (9,) not in lab.values("silver.m", "id") + lab.values("silver.p", "id")
    lab.run()
    for name in ("silver.m", "silver.p", "silver.a"):
        assert lab.values(name, "id") == [(0,), (1,), (2,), (3,), (9,)], name
    assert "would double" in lab.run("-s", "silver.a", *dates, code=2)["silver.a"]["error"]["message"]
    assert "a range makes some" in lab.run("-s", "silver.m", "--full-refresh", *dates, code=2)["silver.m"]["error"]["message"]


def test_an_input_made_anew_is_merged_whole(lab):
    lab.input("bronze.e", EVENTS)
    lab.model("silver.t", MERGE, "SELECT id, v FROM bronze.e")
    for n in range(3):
        lab.write("bronze.e", [event(n)])
    lab.run()
    shutil.rmtree(lab.table("bronze.e"))
    lab.write("bronze.e", [event(1, v=1), event(7, v=1)])
    assert lab.plan()["silver.t"]["reason"] == "bronze.e was made anew"
    lab.run()
    assert lab.values("silver.t", "id", "v") == [(0, 0), (1, 1), (2, 0), (7, 1)]
    shutil.rmtree(lab.table("bronze.e"))
    for n in range(4):
        lab.write("bronze.e", [event(10 + n)])
    lab.run()
    assert [i for i, in lab.values("silver.t", "id")] == [0, 1, 2, 7, 10, 11, 12, 13]


def test_vacuumed_files_are_not_missed(lab):
    lab.input("bronze.e", EVENTS)
    lab.model("silver.t", MERGE, "SELECT id, v FROM bronze.e")
    lab.write("bronze.e", [event(1), event(2)])
    lab.run()
    lab.delta("bronze.e").update(updates={"v": "5"}, predicate="id = 1")
    lab.delta("bronze.e").vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    assert lab.run()["silver.t"]["rows"] == 2  # what changed cannot be told: all is merged
    assert lab.values("silver.t", "id", "v") == [(1, 5), (2, 0)]


# --- checks and the quarantine ---

CHECKED = """
mode: merge
key: id
incremental: bronze.e
passing: 20%
checks:
  - not_null: [k, v]
  - accepted_values: {k: [a, b, "it's"]}
  - row: "v < 100 AND $now IS NOT NULL"
    name: v is small
  - row: "v <> 7"
    severity: warn
    name: no sevens
"""


def test_rows_that_fail_are_kept_with_all_their_reasons(lab):
    lab.input("bronze.e", EVENTS)
    lab.model("silver.t", CHECKED, """SELECT id, k, v,
        CASE WHEN seq < 0 THEN ['seq: negative', 'it''s "odd"'] WHEN seq = 0 THEN [] END AS _reject FROM bronze.e""")
    lab.write("bronze.e", [event(1, "a", 1), event(2, "it's", 7, None), event(3, None, 1), event(4, "c", 500, -1), event(5, "b", None)])
    task = lab.run()["silver.t"]
    assert (task["rows"], task["quarantined"]) == (2, 3)
    assert {c["name"]: (c["severity"], c["failed"]) for c in task["checks"]} == {
        "not_null(k)": ("error", 1), "not_null(v)": ("error", 1), "accepted_values(k)": ("error", 1), "v is small": ("error", 1),
        "no sevens": ("warn", 1), "key not null(id)": ("error", 0)}
    held = {json.loads(r["row"])["id"]: r for r in lab.rows("quarantine.silver_t")}
    assert held[3]["reasons"] == ["not_null(k)"] and held[5]["reasons"] == ["not_null(v)"]
    assert held[4]["reasons"] == ["accepted_values(k)", "v is small", "seq: negative", 'it\'s "odd"']
    assert json.loads(held[4]["row"]) == {"id": 4, "k": "c", "v": 500} and held[4]["model"] == "silver.t"
    lab.write("bronze.e", [event(6, "a", 1), event(7, "z", 1)])
    lab.run()
    assert len(lab.rows("quarantine.silver_t")) == 4
    assert lab.query("SELECT count(*) AS n FROM quarantine.silver_t WHERE 'not_null(k)' IN reasons") == [{"n": 1}]
    lab.run("--full-refresh")
    assert len(lab.rows("quarantine.silver_t")) == 4, "all rows were judged anew, and the old verdicts are gone"


def test_the_quarantine_of_what_is_judged_whole_is_replaced(lab):
    lab.input("bronze.e", EVENTS)
    for name, header in (("silver.r", ""), ("silver.m", "mode: merge\nkey: id")):
        lab.model(name, header + "\npassing: 10%\nchecks:\n  - row: v > 0", "SELECT id, v FROM bronze.e")
    for n in range(3):
        lab.write("bronze.e", [event(n, v=1), event(n + 100, v=-1)])
        lab.run()
        assert len(lab.rows("quarantine.silver_r")) == len(lab.rows("quarantine.silver_m")) == n + 1
    lab.write("bronze.e", [event(0, v=1)], mode="overwrite")
    lab.run()
    assert lab.rows("quarantine.silver_r") == lab.rows("quarantine.silver_m") == []


def test_too_many_failing_rows_publish_nothing(lab):
    lab.input("bronze.e", EVENTS)
    lab.model("silver.t", "mode: append\nincremental: bronze.e\npassing: 60%\nchecks:\n  - not_null: k", "SELECT id, k FROM bronze.e")
    lab.write("bronze.e", [event(1), event(2), event(3, None)])
    lab.run()
    lab.write("bronze.e", [event(4), event(5, None), event(6, None)])
    told = lab.run(code=6)["silver.t"]
    assert told["error"]["message"].startswith("silver.t: 2 of 3 rows failed their checks: not_null(k) (2)")
    assert told["error"]["file"] == "models/silver/t.sql" and told["error"]["line"] > 1
    assert told["hint"].startswith("at least 60 % must pass (`passing:`); nothing was published")
    assert lab.version("silver.t") == 0 and len(lab.rows("quarantine.silver_t")) == 1
    assert lab.unreferenced("silver.t") == set()
    lab.write("bronze.e", [event(n) for n in range(7, 12)])
    assert lab.run()["silver.t"]["quarantined"] == 2


TABLE_CHECKS = {
    "unique": ("- unique: k", [event(1, "a"), event(2, "b"), event(3, None), event(4, None)], [event(5, "a")]),
    "two columns": ("- unique: [k, v]", [event(1, "a", 1), event(2, "a", 2)], [event(3, "a", 2)]),
    "row_count": ("- row_count: {min: 1, max: 3}", [event(1), event(2)], [event(3), event(4)]),
    "query": ("- query: SELECT * FROM silver.t WHERE v > (SELECT count(*) FROM silver.t) AND $now IS NOT NULL",
              [event(1, v=1)], [event(2, v=5)]),
    "relationships": ("- relationships: {v: bronze.other.id}", [event(1, v=1), event(2, v=None)], [event(3, v=3)]),
}


@pytest.mark.parametrize("kind", TABLE_CHECKS)
def test_table_checks_see_the_table_as_it_would_be(lab, kind):
    check, good, bad = TABLE_CHECKS[kind]
    lab.input("bronze.e", EVENTS)
    lab.input("bronze.other", "id BIGINT")
    lab.write("bronze.other", [{"id": 1}])
    for name in ("silver.t", "silver.w"):
        warn = "\n    severity: warn" if name == "silver.w" else ""
        lab.model(name, f"mode: append\nincremental: bronze.e\nchecks:\n  {check.replace('silver.t', name)}{warn}",
                  "SELECT id, k, v FROM bronze.e")
    lab.write("bronze.e", good)
    lab.run()
    lab.write("bronze.e", bad)
    tasks = lab.run(code=6)
    assert " failed: 1 row" in tasks["silver.t"]["error"]["message"]
    assert lab.version("silver.t") == 0 and len(lab.rows("silver.t")) == len(good)
    assert lab.unreferenced("silver.t") == set()
    assert tasks["silver.w"]["state"] == "done"
    assert [c["failed"] for c in tasks["silver.w"]["checks"]] == [1] and len(lab.rows("silver.w")) == len(good + bad)
    if kind == "relationships":
        lab.write("bronze.other", [{"id": 3}])
        lab.run()
        assert len(lab.rows("silver.t")) == 3


def test_very_many_rows_can_be_held_back(lab):
    lab.input("bronze.e", EVENTS)
    lab.model("bronze.many", "passing: 0%\nchecks:\n  - row: range < 0\n    name: never",
              "SELECT range, 'text ' || range AS t FROM range(250000)")
    task = lab.run()["bronze.many"]
    assert (task["rows"], task["quarantined"]) == (0, 250000)
    assert task["note"] == "the first 200000 of 250000 rejected rows are in the quarantine"
    assert len(lab.rows("quarantine.bronze_many")) == 200000


# --- crashes ---


def crash_lab(folder, cupel_bin):
    lab = Lab(folder, cupel_bin)
    lab.input("bronze.e", EVENTS)
    lab.model("silver.t", "mode: merge\nkey: id\nincremental: bronze.e\npassing: 0%\nchecks:\n  - row: v >= 0", "SELECT id, k, v FROM bronze.e")
    lab.model("silver.a", "mode: append\nincremental: bronze.e\npassing: 0%\nchecks:\n  - row: v >= 0\n  - unique: id",
              "SELECT id, v, seq FROM bronze.e")
    lab.model("gold.g", "partition_by: k", "SELECT k, sum(v)::BIGINT AS v FROM silver.t GROUP BY k")
    lab.write("bronze.e", [event(n, "ab"[n % 2], n) for n in range(6)] + [event(50, "a", -1)])
    lab.run()
    lab.write("bronze.e", [event(n, "bc"[n % 2], n * 10, 1) for n in range(6, 9)] + [event(51, "a", -1), event(52, "a", -2)])
    return lab


RUN = ["run", "--exclude", "tag:outside", "--threads", "1", "--now", "2026-11-21"]
VOLATILE = ["run_id"]


@pytest.fixture(scope="module")
def counted():
    """counted(lab, "KILL", n): a run that is killed at the n-th call that changes the disk, in whatever thread."""
    library = os.path.join(os.environ.get("CUPEL_BUILD", "build"), "tests/tools/callcount.so")
    if not os.path.exists(library):
        absent(f"{library} is not built")

    def run(lab, what, n):
        env = {"LD_PRELOAD": os.path.abspath(library), f"CALLCOUNT_{what}": str(n), "ASAN_OPTIONS": "verify_asan_link_order=0"}
        return lab.cupel(*RUN, code=None, env=env)

    return run


@pytest.fixture(scope="module")
def crash(tmp_path_factory, cupel_bin):
    """A project with a run to do, and the tables that it must end with."""
    folder = tmp_path_factory.mktemp("crash")
    first = crash_lab(folder / "first", cupel_bin)
    whole = first.copy(folder / "whole")
    whole.cupel(*RUN)
    want = whole.tables(VOLATILE)
    assert len(want["quarantine.silver_t"]) == len(want["quarantine.silver_a"]) == 3
    return first, want


def ends_well(lab, want, label):
    """Readable at any moment; then a plain run ends where an undisturbed one does, and leaves nothing lying about."""
    lab.tables()
    lab.cupel(*RUN)
    got = lab.tables(VOLATILE)
    for name in want:
        assert got[name] == want[name], f"{label}: {name}"
        assert lab.unreferenced(name) == set(), f"{label}: {name}"
    assert list((lab.path / ".cupel").glob("stage*/*")) == [], label
    shutil.rmtree(lab.path)


STEPS = 1 if os.environ.get("CUPEL_CRASH") == "all" else 6


def test_killed_at_any_system_call_the_next_run_ends_the_same(tmp_path, crash, counted):
    """One in six of the calls each time, others each time; all of them with CUPEL_CRASH=all."""
    first, want = crash
    for n in range(1 + SEED % STEPS, 2000, STEPS):
        lab = first.copy(tmp_path / str(n))
        done = counted(lab, "KILL", n)
        assert killed(done) or done.returncode == 0, done.stderr
        ends_well(lab, want, f"call {n}")
        if not killed(done):
            break
    assert n > 100, "the calls were not counted"


def test_a_full_disk_is_told_and_does_no_harm(tmp_path, crash, counted):
    first, want = crash
    failed = 0
    for n in range(1 + SEED % STEPS, 2000, 2 * STEPS):
        lab = first.copy(tmp_path / str(n))
        done = counted(lab, "FULL", n)
        assert done.returncode == 0 or (done.returncode == 8 and "disk" in done.stderr), f"call {n}: {done.stderr}"
        ends_well(lab, want, f"call {n}")
        failed += done.returncode == 8
        if done.returncode == 0 and n > 100:
            break
    assert failed


def test_what_others_wrote_is_never_swept(tmp_path, cupel_bin):
    lab = crash_lab(tmp_path / "lab", cupel_bin)
    lab.cupel(*RUN)
    uri = lab.delta("silver.a").file_uris()[-1]
    token = os.path.basename(uri).split("-")[1]
    (lab.table("silver.a") / "part-99999999-x.parquet").write_bytes(b"of another writer")
    staged = lab.path / ".cupel/staged"
    for name, text in ((token, "-1 silver/a\n"), ("12345678", "0 silver/a\n"), ("torn", ""), ("87654321", "0 silver/a"),
                       ("11111111", "0 no/such\n")):
        (staged / name).write_text(text)
    lab.delta("silver.a").optimize.compact()  # the file is in the history only
    lab.cupel(*RUN)
    assert os.path.exists(uri) and list(staged.iterdir()) == []
    assert lab.unreferenced("silver.a") == {"part-99999999-x.parquet"}


# --- two writers ---


def test_others_write_while_cupel_runs(lab):
    lab.input("bronze.e", EVENTS)
    lab.model("silver.a", "mode: append\nincremental: bronze.e", "SELECT id, v FROM bronze.e")
    lab.model("silver.t", MERGE, "SELECT id, v FROM bronze.e QUALIFY row_number() OVER (PARTITION BY id ORDER BY v DESC) = 1")
    lab.write("bronze.e", [event(0)])
    lab.run()
    stop = threading.Event()
    theirs = []

    def write():
        n = 1
        while not stop.is_set():
            lab.write("bronze.e", [event(n, v=1)])
            columns = {"id": lab.columns["bronze.e"]["id"], "v": lab.columns["bronze.e"]["v"]}
            for name in ("silver.a", "silver.t"):
                lab.write(name, [{"id": 100000 + n, "v": 2}], columns=columns)
            theirs.append(n)
            n += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(12):
            done = lab.cupel("run", "--exclude", "tag:outside", code=None)
            assert done.returncode in (0, 7), done.stderr  # a race that is lost five times is told
    finally:
        stop.set()
        writer.join()
    lab.run()
    want = [(n,) for n in range(len(theirs) + 1)] + [(100000 + n,) for n in theirs]
    for name in ("silver.a", "silver.t"):
        assert lab.values(name, "id") == want, name
        assert lab.unreferenced(name) == set()


def test_row_groups_of_one_large_file_are_shared_among_threads(lab):
    """DuckDB does that only where the file was opened before the query begins, not where it is told the file's columns."""
    dice = random.Random(SEED)
    lab.input("bronze.large", "id BIGINT, k VARCHAR")
    lab.input("bronze.small", "id BIGINT, k VARCHAR")
    lab.write("bronze.large", [{"id": i, "k": dice.randbytes(512).hex()} for i in range(4000)])
    lab.write("bronze.small", [{"id": i, "k": "k"} for i in range(4000)])
    for name, told in (("large", False), ("small", True)):
        [(sql,)] = [tuple(r.values()) for r in lab.query(
            f"SELECT sql FROM duckdb_views() WHERE view_name = '{name}' AND EXISTS (FROM bronze.{name})")]
        assert ("schema" in sql.split("read_parquet")[1]) == told
        assert lab.query(f"SELECT count(*) AS n, sum(id) AS s FROM bronze.{name}") == [{"n": 4000, "s": 4000 * 3999 // 2}]
