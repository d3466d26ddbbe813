"""The network and the server do what they should not: an operation ends as if nothing had been, or with an error, in
bounded time. What is done twice must not count twice.
"""
import time

import pytest

import proxy as p

CONTENT = b"0123456789" * 1000


def each_request(faulty, fault, operation):
    """Runs it with a fault at its first request, at its second, until it needs no more; returns how often."""
    for at in range(50):
        faulty.proxy.plan(fault, at)
        operation(at)
        if faulty.proxy.seen <= at:
            return at
    raise AssertionError("it never ends")


@pytest.mark.parametrize("fault", p.FAULTS)
def test_put_new_is_done_once(faulty, fault):
    def put(at):
        assert faulty("put_new", f"log/{at}.json", content=CONTENT) == "put"
        faulty.proxy.plan(None)
        assert faulty.direct("read", f"log/{at}.json") == CONTENT
        faulty.proxy.plan(fault, at)  # and once more, of a name that is taken
        assert faulty("put_new", f"log/{at}.json", content=b"other") == "taken"
        assert faulty.direct("read", f"log/{at}.json") == CONTENT
    assert each_request(faulty, fault, put) >= 2
    assert all(name.endswith(".json") for name in faulty.direct.names("log") if not name.startswith("."))


@pytest.mark.parametrize("fault", [p.LOST_ANSWER, p.CUT_ANSWER, p.BUSY])
def test_everything_else_goes_on(faulty, fault):
    direct = faulty.direct
    direct("put", "t/x", content=CONTENT)
    direct("put", "t/y", content=b"")

    def all_of_them(at):
        def step(*args, content=b""):
            faulty.proxy.plan(fault, at)
            return faulty(*args, content=content)
        assert step("read", "t/x") == CONTENT
        assert step("list", "t").count("file") >= 2
        assert step("exists", "t/x") == "yes" and step("exists", "t/z") == "no"
        direct("put", f"f/{at}", content=CONTENT)
        assert step("fetch", len(CONTENT), f"f/{at}") == CONTENT
        assert step("fetch", -1, "t/x") == CONTENT
        assert step("put", "t/hint", content=str(at).encode()) == "put"
        assert direct("read", "t/hint") == str(at).encode()
        assert step("adopt", f"a/{at}", content=CONTENT) == "put"
        step("remove", "t/hint")
        assert direct("exists", "t/hint") == "no"
        step("stage", f"s/{at}", content=CONTENT)
        assert direct("read", f"s/{at}") == CONTENT
    each_request(faulty, fault, all_of_them)


@pytest.mark.parametrize("fault", [p.CUT, p.BUSY, p.SILENT])
def test_a_server_that_never_works_is_given_up(faulty, fault):
    faulty.direct("put", "t/x", content=CONTENT)
    faulty.proxy.plan(fault)
    for verb in ("read", "list", "put_new"):
        began = time.monotonic()
        code, _, errors = faulty.try_(verb, "t/x", CUPEL_STORE_TIMEOUT="2s")
        assert code == 4, errors
        assert time.monotonic() - began < 6


def test_when_nobody_can_tell_it_is_said(faulty):
    faulty("put_new", "t/first", content=CONTENT)

    def decides(method, path):
        return method == "PUT" and ("op=RENAME" in path if faulty.kind == "hdfs" else path.endswith("/t/x"))
    faulty.proxy.plan(p.LOST_ANSWER, None, decides)
    code, _, errors = faulty.try_("put_new", "t/x", content=CONTENT, CUPEL_STORE_TIMEOUT="2s")
    assert code == 8 and "may have been written" in errors
    assert faulty.direct("read", "t/x") == CONTENT


def test_bytes_that_drip_are_given_up(faulty):
    faulty.direct("put", "t/x", content=CONTENT)
    faulty.proxy.plan(p.DRIP)
    began = time.monotonic()
    code, _, errors = faulty.try_("read", "t/x", CUPEL_STORE_TIMEOUT="2s")
    assert code == 4 and time.monotonic() - began < 6, errors


def test_a_large_upload_that_breaks_is_made_whole(faulty):
    content = b"abcdefgh" * (10 << 20)  # 80 MiB: parts in S3
    for at in ((1, 2, 3) if faulty.kind == "s3" else (1,)):
        faulty.proxy.plan(p.CUT, at)
        assert faulty("stage", f"l/{at}", content=content) == "put"
        assert faulty.direct.list("l")[-1][1] == str(len(content))
    if faulty.kind == "s3":  # the last request completes it; its answer is lost
        faulty.proxy.plan(p.LOST_ANSWER, 0, lambda method, path: method == "POST" and "uploadId=" in path)
        assert faulty("adopt", "l/last", content=content) == "put"
        assert faulty.direct("read", "l/last") == content
