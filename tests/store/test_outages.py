"""Parts of the HDFS cluster die. The last of the suite, since it leaves the cluster in pieces."""
import json
import os
import random
import threading
import urllib.request

import killing
from places import place_of
from writers import Table

SEED = int(os.environ.get("CUPEL_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 30)


def is_active(hdfs, node):
    with urllib.request.urlopen(f"http://127.0.0.1:{hdfs.http[node]}/jmx?qry=Hadoop:service=NameNode,"
                                "name=NameNodeStatus") as answer:
        return json.load(answer)["beans"][0]["State"] == "active"


def test_the_namenodes_change_places_while_writers_commit(hdfs, request, tmp_path):
    """The active one dies within a commit; the other takes over. Every commit is there once."""
    print(f"seed {SEED}")
    place = place_of("hdfs", request, tmp_path)
    table, dice = Table(place, tmp_path), random.Random(SEED)
    active = 0 if is_active(hdfs, 0) else 1
    writers = [table.start_writer(place.uri, {}, f"w{n}", 1, 25) for n in range(2)]
    said = {n: [writers[n].stdout.readline()] for n in range(2)}
    timer = threading.Timer(dice.random() * 0.2, hdfs.kill, [f"nn{active + 1}"])
    timer.start()
    timer.join()
    hdfs.fail_over(f"nn{active + 1}", f"nn{2 - active}")
    for n, writer in enumerate(writers):
        lines, words = killing.run_to_its_end(writer)
        assert writer.returncode == 0, words
        said[n] += lines
    acknowledged = {(f"writer-w{n}", int(seq)): int(version) for n in said for seq, version, _ in map(str.split, said[n])}
    assert len(acknowledged) == 50
    table.check(acknowledged, {"w0": 25, "w1": 25})
    hdfs.start_namenode(f"nn{active + 1}")
    hdfs.wait(lambda: bool(hdfs.state(active)))


def test_hdfs_survives_a_datanode_and_a_namenode(hdfs, request, tmp_path):
    place = place_of("hdfs", request, tmp_path)
    content = os.urandom(1 << 20)
    place("put_new", "a", content=content)
    hdfs.kill("dn1")
    for i in range(5):  # for a while the NameNode sends us to the dead one, too
        assert place("put_new", f"b{i}", content=content) == "put"
        assert place("read", "a") == content
    active = 0 if is_active(hdfs, 0) else 1
    old, new = f"nn{active + 1}", f"nn{2 - active}"
    hdfs.kill(old)
    code, _, errors = place.try_("put_new", "c", content=content, CUPEL_STORE_TIMEOUT="2s")
    assert code == 4, errors  # nobody is active
    hdfs.fail_over(old, new)
    assert place("put_new", "d", content=content) == "put"
    assert place("read", "a") == content
    assert [n for n in place.names("") if n[0] != "."] == ["a", "b0", "b1", "b2", "b3", "b4", "d"]
