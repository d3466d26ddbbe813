"""Parts of the HDFS cluster die. The last of the suite, since it leaves the cluster in pieces."""
import json
import os
import urllib.request

from places import place_of


def is_active(hdfs, node):
    with urllib.request.urlopen(f"http://127.0.0.1:{hdfs.http[node]}/jmx?qry=Hadoop:service=NameNode,"
                                "name=NameNodeStatus") as answer:
        return json.load(answer)["beans"][0]["State"] == "active"


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
