"""What every kind of storage must do, one suite for all; and what only some can be asked."""
import json
import os
import re
import urllib.request

import pytest

from places import place_of

NAMES = ["a b", "a%20b", "50%", "year=2026", "ünï cødé", "日本", "q'uo\"te", "am&p<x>;y,z", "~tilde!*()", "plus+plus", "hash#q?x=1",
         "back\\slash", "[glob]*", "{brace}", "$dollar@at", ".hidden", "UPPER", "upper", "x" * 200]


def test_a_new_object_is_put_once(place):
    assert place("put_new", "t/_delta_log/0.json", content=b"one") == "put"
    assert place("put_new", "t/_delta_log/0.json", content=b"second") == "taken"
    assert place("put_new", "t/_delta_log/0.json", content=b"one") == "taken"
    assert place("read", "t/_delta_log/0.json") == b"one"
    assert place.list("t/_delta_log") == [("0.json", "3", "file")]
    assert place("put", "t/_delta_log/0.json", content=b"third") == "put"
    assert place("read", "t/_delta_log/0.json") == b"third"
    assert place("exists", "t/_delta_log/0.json") == "yes"
    assert place("exists", "t/_delta_log/1.json") == "no"
    assert ("t", "0", "folder") in place.list("")


def test_what_is_not_there(place):
    code, _, errors = place.try_("read", "t/none")
    assert code == 2 and errors.startswith("user: no such file '") and errors.endswith("/t/none'\n")
    assert place.list("nowhere") == []
    place("remove", "t/none")
    place("put", "t/x", content=b"x")
    place("remove", "t/x")
    place("remove", "t/x")
    assert place("exists", "t/x") == "no" and place.list("t") == []


def test_folders(place):
    place("mkdirs", "a/b/c")
    place("mkdirs", "a/b/c")
    place("put", "a/b/c/x", content=b"x")
    assert place.names("a/b") == ["c"] and place.names("a/b/c/x") == []
    place("remove_dir", "a/b/c")
    assert place("read", "a/b/c/x") == b"x"
    if place.kind != "s3":  # a bucket has no folders
        assert place.try_("mkdirs", "a/b/c/x")[0] == 8
        assert place.try_("remove", "a/b")[0] == 8
    place("remove", "a/b/c/x")
    place("remove_dir", "a/b/c")
    place("remove_dir", "a/b/c")
    assert place.names("a/b") == []


def test_of_many_writers_one_wins(place):
    for turn in range(3):
        texts = [f"writer {i} {turn}".encode() for i in range(8)]
        writers = [place.start("put_new", f"log/{turn}.json") for _ in texts]
        results = [w.communicate(t) for w, t in zip(writers, texts)]
        assert all(w.returncode == 0 for w in writers), results
        won = [t for t, (out, _) in zip(texts, results) if out == b"put\n"]
        assert len(won) == 1 and place("read", f"log/{turn}.json") == won[0]
        assert all(out in (b"put\n", b"taken\n") for out, _ in results)
    assert place.names("log") == ["0.json", "1.json", "2.json"]


def test_the_same_content_is_not_the_same_writer(place):
    assert place("race", 20, "log/1.json", "all the same") == "1 won, 0 failed"


@pytest.mark.parametrize("name", NAMES)
def test_odd_names(place, name):
    content = name.encode()
    assert place("put_new", f"odd/{name}", content=content) == "put"
    assert place("put_new", f"odd/{name}", content=b"other") == "taken"
    assert place("read", f"odd/{name}") == content
    assert place.list("odd") == [(name, str(len(content)), "file")]
    assert place("stage", f"{name}/{name}", content=content) == "put"
    assert place("fetch", len(content), f"{name}/{name}") == content
    assert place.list(name) == [(name, str(len(content)), "file")]
    place("remove", f"odd/{name}")
    assert place.list("odd") == []


def test_lists_are_sorted_and_may_begin_later(place):
    for name in ("b", "c", "a", "0001.json", "0001", "B", "d/x"):
        place("put", f"l/{name}", content=b"x")
    assert place.names("l") == ["0001", "0001.json", "B", "a", "b", "c", "d"]
    assert place.names("l/") == place.names("l")
    assert place.names("l", "0001") == ["0001.json", "B", "a", "b", "c", "d"]
    assert place.list("l", "b") == [("c", "1", "file"), ("d", "0", "folder")]
    assert place.names("l", "d") == [] and place.names("l", "zz") == []


def test_long_lists_come_whole(place):
    n = 250 if place.kind == "hdfs" else 1100  # pages are of 100 in our HDFS, of 1000 in S3
    place("many", n, "long")
    names = [f"{i:08}.json" for i in range(n)]
    assert place.names("long") == names
    assert place.names("long", names[n // 3]) == names[n // 3 + 1:]


def test_empty_and_large_objects(place):
    large = os.urandom(1 << 20) * 100
    for path, content in (("e/x", b""), ("l/x", large)):
        assert place("stage", path, content=content) == "put"
        assert place("fetch", len(content), path) == content
        assert place("adopt", path + "1", content=content) == "put"
        assert place("adopt", path + "1", content=b"other") == "taken"
        assert place("read", path + "1") == content
    assert place("put_new", "e/x2", content=b"") == "put"
    assert place("put_new", "e/x2", content=b"") == "taken"
    assert place("read", "e/x2") == b""
    assert place.list("l") == [("x", str(len(large)), "file"), ("x1", str(len(large)), "file")]


# --- remote ones

def test_fetched_files_are_kept(remote):
    paths = [f"t/p={i}/part-{i}.parquet" for i in range(20)]
    for path in paths:
        remote("put", path, content=path.encode().ljust(32))
    whole = b"".join(p.encode().ljust(32) for p in paths)
    assert remote("fetch", 32, *paths) == whole
    for path in paths:
        remote("remove", path)
    assert remote("fetch", 32, *paths) == whole  # a data file that a commit named never changes
    assert remote.try_("fetch", 32, "t/none")[0] == 2


def test_what_may_change_is_asked_for(remote):
    remote("put", "t/_delta_log/1.checkpoint.parquet", content=b"first")
    assert remote("fetch", -1, "t/_delta_log/1.checkpoint.parquet") == b"first"
    remote("put", "t/_delta_log/1.checkpoint.parquet", content=b"other")
    assert remote("fetch", -1, "t/_delta_log/1.checkpoint.parquet") == b"other"


def test_another_length_is_an_error(remote):
    remote("put", "t/x", content=b"12345")
    code, _, errors = remote.try_("fetch", 6, "t/x")
    assert code == 6 and "has 5 bytes, and should have 6" in errors
    assert remote("fetch", 5, "t/x") == b"12345"


def test_a_path_does_not_lead_out_of_the_mirror(remote):
    for path in ("../x", "t/../../x", "/etc/passwd", ".."):
        code, _, errors = remote.try_("fetch", 5, path)
        assert code == 6 and "is no path within" in errors


def test_two_processes_fetch_the_same(remote):
    content = os.urandom(1 << 20) * 8
    remote("put", "t/x", content=content)
    both = [remote.start("fetch", len(content), "t/x", "t/x") for _ in range(4)]
    assert all(p.communicate()[0] == content * 2 for p in both)


# --- S3

def test_s3_keys_are_wrong(s3, request, tmp_path):
    place = place_of("s3", request, tmp_path)
    code, _, errors = place.try_("list", "", AWS_SECRET_ACCESS_KEY="not-the-secret")
    assert code == 3 and "SignatureDoesNotMatch" in errors and "not-the-secret" not in errors
    code, _, errors = place.try_("list", "", AWS_ACCESS_KEY_ID="")
    assert code == 3 and "AWS_ACCESS_KEY_ID" in errors
    place.uri = "s3://no-such-bucket/x"
    for verb in ("list", "read", "put_new"):
        code, _, errors = place.try_(verb, "x")
        assert code == 2 and "NoSuchBucket" in errors


# --- HDFS

def webhdfs(hdfs, path, op):
    last = None
    for port in hdfs.http:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/webhdfs/v1{path}?op={op}&user.name=root") as answer:
                return json.load(answer)
        except OSError as e:
            last = e
    raise last


def test_hdfs_keeps_three_and_leaves_no_temporary_files(hdfs, request, tmp_path):
    place = place_of("hdfs", request, tmp_path)
    place("put_new", "t/_delta_log/0.json", content=b"x")
    place("put_new", "t/_delta_log/0.json", content=b"y")
    place("stage", "t/part", content=b"x")
    root = re.sub("hdfs://[^/]*", "", place.uri)
    for path in ("/t/_delta_log/0.json", "/t/part"):
        assert webhdfs(hdfs, root + path, "GETFILESTATUS")["FileStatus"]["replication"] == 3
    assert place.names("t/_delta_log") == ["0.json"]


def test_hdfs_users_and_addresses(hdfs, request, tmp_path):
    place = place_of("hdfs", request, tmp_path)
    place("put", "x", content=b"x")
    code, _, errors = place.try_("put", "y", HADOOP_USER_NAME="somebody")
    assert code == 3 and "AccessControlException" in errors
    code, _, errors = place.try_("put", "a:b")
    assert code == 2 and "InvalidPathException" in errors
    place.uri = f"hdfs://127.0.0.1:{hdfs.rpc[0]}/x"
    code, _, errors = place.try_("list", "", CUPEL_STORE_TIMEOUT="2s")
    assert code != 0 and "not their RPC ports" in errors
    place.uri = "hdfs://a b:1,/x"
    assert place.try_("list", "")[0] == 2
