"""What servers other than ours may answer: a made-up one says it."""
import http.server
import json
import threading
import urllib.parse

import pytest

from places import Place

HEADERS = {"hdfs": {"HADOOP_USER_NAME": "root"},
           "s3": {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret-of-all", "AWS_SESSION_TOKEN": "token-of-all"}}


@pytest.fixture
def made_up(tmp_path):
    """made_up("s3", script): a place whose server answers script(method, path, query, body) = status, headers, body."""
    servers = []

    def make(kind, script):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                url = urllib.parse.urlsplit(self.path)
                query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
                place.asked.append((self.command, urllib.parse.unquote(url.path), query))
                status, headers, content = script(self.command, urllib.parse.unquote(url.path), query, body, self.headers)
                content = content.encode() if isinstance(content, str) else content
                self.send_response_only(status)
                for name, value in {"Content-Length": len(content), **headers}.items():
                    if value is not None:
                        self.send_header(name, str(value))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)
                self.close_connection = "Content-Length" in headers and headers["Content-Length"] is None

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        servers.append(server)
        address = f"127.0.0.1:{server.server_address[1]}"
        env = {**HEADERS[kind], "CUPEL_STORE_TIMEOUT": "1s"}
        if kind == "s3":
            env["AWS_ENDPOINT_URL"] = f"http://{address}/"
        place = Place(kind, "s3://bucket/lake" if kind == "s3" else f"hdfs://{address}/lake", env, tmp_path / "cache")
        place.asked = []
        return place

    yield make
    for server in servers:
        server.shutdown()
        server.server_close()


# --- S3

def page(items, token=None, encoding="<EncodingType>url</EncodingType>"):
    more = f"<IsTruncated>true</IsTruncated><NextContinuationToken>{token}</NextContinuationToken>" if token else ""
    return f'<?xml version="1.0"?><ListBucketResult xmlns="x">{encoding}{more}{items}</ListBucketResult>'


def item(key, when="2026-11-21T06:50:03.000Z"):
    return f"<Contents><Key>{key}</Key><LastModified>{when}</LastModified><Size>3</Size></Contents>"


def test_s3_lists_as_aws_writes_them(made_up):
    def script(method, path, query, *_):
        assert path == "/bucket/" and query["prefix"] == "lake/l/" and query["list-type"] == "2"
        if query.get("continuation-token") == "a+b/c=":
            return 200, {}, page(item("lake/l/%C3%BC") + item("lake/l/") + item("other/x") + item("lake/l/b/c"))
        return 200, {}, page(item("lake/l/a+b%2Bc") + item("lake%2fl%2f50%25", "never") + item("lake/l/%zz") +
                             "<CommonPrefixes><Prefix>lake/l/d%3D1/</Prefix></CommonPrefixes>"
                             "<CommonPrefixes><Prefix>lake/l/</Prefix></CommonPrefixes>", token="a+b/c=")
    place = made_up("s3", script)
    assert place.list("l") == [("%zz", "3", "file"), ("50%", "3", "file without a time"), ("a b+c", "3", "file"),
                               ("d=1", "0", "folder"), ("ü", "3", "file")]
    place.asked.clear()
    assert place.names("l", "a b+c") == ["d=1", "ü"]
    assert place.asked[0][2]["start-after"] == "lake/l/a b+c" and "start-after" not in place.asked[1][2]


def test_s3_answers_that_are_none(made_up):
    place = made_up("s3", lambda method, *_: (200, {"Content-Length": None} if method == "HEAD" else {}, "hello"))
    code, _, errors = place.try_("list", "l")
    assert code == 4 and "the answer is no listing" in errors
    code, _, errors = place.try_("exists", "l")
    assert code == 4 and "does not say how long" in errors
    place = made_up("s3", lambda *_: (200, {"Content-Length": None}, "hello"))
    code, _, errors = place.try_("read", "l")
    assert code == 4 and "did not say how long its answer is" in errors


@pytest.mark.parametrize("status, body, code, words", [
    (403, "<Error><Code>ExpiredToken</Code><Message>too old &amp; gone</Message></Error>", 3, "too old & gone"),
    (403, "", 3, "the server answers 403"),
    (301, "<Error><Code>PermanentRedirect</Code></Error>", 2, "the region or the endpoint"),
    (400, "<Error><Code>RequestTimeTooSkewed</Code></Error>", 3, "clock"),
    (400, "<Error><Code>Odd</Code></Error>", 8, "400 Odd"),
    (404, "<Error><Code>XAdminUserNotFound</Code></Error>", 3, "does not know the key"),
    (404, "<Error><Code>NoSuchBucket</Code></Error>", 2, "make the bucket first"),
    (501, "<Error><Code>NotImplemented</Code></Error>", 2, "conditional PUT"),
    (429, "", 4, "429"),
    (500, "<html>", 4, "500"),
])
def test_s3_errors(made_up, status, body, code, words):
    place = made_up("s3", lambda *_: (status, {}, body))
    for verb in ("read",) if code == 4 else ("read", "list", "remove", "put"):
        got, _, errors = place.try_(verb, "x", content=b"x")
        assert got == code and words in errors
        assert "secret-of-all" not in errors and "token-of-all" not in errors


@pytest.mark.parametrize("uri, env, words", [
    ("s3://bucket/lake", {"AWS_ENDPOINT_URL": "http://no-such-host.invalid:9000"}, ["resolve", "no-such-host.invalid", "storage.s3"]),
    ("s3://bucket/lake", {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, ["connect", "asked was http://127.0.0.1:1/bucket"]),
    ("hdfs://no-such-host.invalid/lake", {}, ["resolve", "no-such-host.invalid", "port 9870"]),
    ("hdfs://127.0.0.1:1/lake", {}, ["connect", "storage.hdfs.namenodes"]),
])
def test_a_server_that_is_not_there(made_up, uri, env, words):
    place = made_up("s3", None)
    place.uri = uri
    for verb in ("read", "put_new"):
        code, _, errors = place.try_(verb, "x", content=b"x", **env)
        assert code in (4, 8 if verb == "put_new" else 4) and all(w in errors for w in words), errors
        assert "secret-of-all" not in errors and "token-of-all" not in errors


def conditional(meta, there):
    """A server on which every name is taken, by an object with this id and content."""
    def script(method, path, query, body, headers):
        if method == "PUT":
            return 412, {}, "<Error><Code>PreconditionFailed</Code></Error>"
        assert headers["x-amz-security-token"] == "token-of-all"
        return 200, {"x-amz-meta-cupel-id": meta}, there
    return script


def test_s3_without_metadata_the_content_tells(made_up):
    place = made_up("s3", conditional(None, b"mine"))
    assert place.try_("put_new", "x", content=b"mine") == (0, b"put\n", "")
    assert made_up("s3", conditional(None, b"more")).try_("put_new", "x", content=b"mine")[1] == b"taken\n"
    assert made_up("s3", conditional(None, b"longer")).try_("put_new", "x", content=b"mine")[1] == b"taken\n"
    assert made_up("s3", conditional("another", b"mine")).try_("put_new", "x", content=b"mine")[1] == b"taken\n"


def test_s3_a_name_that_is_refused_and_not_there_is_asked_for_again(made_up):
    """As when somebody else's put is under way: the name is theirs when they get through, else ours."""
    def server(busy_puts, id_then):
        said = {"refused": 0, "there": None}

        def script(method, path, _, body, headers):
            if path.endswith(".cupel-put-once"):
                return (412, {}, "") if method == "PUT" else (200, {"x-amz-meta-cupel-id": "some"}, "")
            if method == "PUT" and said["there"] is None:
                said["refused"] += 1
                if said["refused"] <= busy_puts:
                    return 412, {}, "<Error><Code>PreconditionFailed</Code></Error>"
                said["there"] = id_then or headers["x-amz-meta-cupel-id"]
                return (412, {}, "") if id_then else (200, {}, "")
            return (200, {"x-amz-meta-cupel-id": said["there"]}, "") if said["there"] else (404, {}, "")
        return script
    assert made_up("s3", server(2, None)).try_("put_new", "x", content=b"mine")[1] == b"put\n"
    assert made_up("s3", server(2, "another")).try_("put_new", "x", content=b"mine")[1] == b"taken\n"
    code, _, errors = made_up("s3", server(1000, None)).try_("put_new", "x", content=b"mine")
    assert code == 8 and "that it is there, and that it is not" in errors and "may have been written" in errors


def test_s3_that_overwrites_is_refused(made_up):
    place = made_up("s3", lambda *_: (200, {"ETag": '"x"'}, ""))
    code, _, errors = place.try_("put_new", "log/0.json", content=b"x")
    assert code == 2 and "If-None-Match" in errors
    assert {path for _, path, _ in place.asked} == {"/bucket/lake/.cupel-put-once"}


@pytest.mark.parametrize("broken, words", [
    ("begin", "no upload id"), ("etag", "no ETag"), ("part", "AccessDenied"), ("complete", "the upload is gone")])
def test_s3_uploads_that_fail_are_aborted(made_up, broken, words):
    def script(method, path, query, body, headers):
        if "uploads" in query:
            return 200, {}, "<x/>" if broken == "begin" else "<r><UploadId>id/&amp;1</UploadId></r>"
        if "partNumber" in query:
            assert query["uploadId"] == "id/&1"
            if broken == "part":
                return 403, {}, "<Error><Code>AccessDenied</Code></Error>"
            return 200, {} if broken == "etag" else {"ETag": '"e&1"'}, ""
        if method == "POST":  # an error in a success
            assert b"<ETag>&quot;e&amp;1&quot;</ETag>" in body
            return 200, {}, "<Error><Code>InternalError</Code></Error>"
        return (204, {}, "") if method == "DELETE" else (200, {"x-amz-meta-cupel-id": "old"}, "old")
    place = made_up("s3", script)
    code, _, errors = place.try_("stage", "x", content=bytes(65 << 20))
    assert code != 0 and words in errors
    aborted = [query for method, _, query in place.asked if method == "DELETE"]
    assert aborted == ([] if broken == "begin" else [{"uploadId": "id/&1"}])


@pytest.mark.parametrize("uri, env, words", [
    ("s3://b/x", {}, "'b' is no name of a bucket"),
    ("s3://bucket/a//b", {}, "empty names"),
    ("s3://bucket/a/../b", {}, "'..'"),
    ("s3://bucket/x", {"AWS_ENDPOINT_URL": "ftp://x"}, "http:// or https://"),
    ("s3://bucket/x", {"CUPEL_STORE_TIMEOUT": "soon"}, "CUPEL_STORE_TIMEOUT"),
    ("s3://bucket/x", {"CUPEL_STORE_TIMEOUT": "1ms"}, "a second is the least"),
    ("hdfs:///x", {}, "names no NameNode"),
    ("hdfs://user@host/x", {}, "no address of a NameNode"),
])
def test_settings_that_cannot_be(made_up, uri, env, words):
    place = made_up("s3", None)
    place.uri = uri
    code, _, errors = place.try_("list", "", **env)
    assert code == 2 and words in errors


@pytest.mark.parametrize("uri, host", [
    ("s3://no-such-bucket/x", "no-such-bucket.s3.nowhere-1.amazonaws.com"), ("s3://no.such.bucket/x", "s3.nowhere-1.amazonaws.com")])
def test_s3_of_aws_is_asked_by_its_name(made_up, uri, host):
    place = made_up("s3", None)
    place.uri = uri
    code, _, errors = place.try_("list", "", AWS_ENDPOINT_URL="", AWS_REGION="nowhere-1", https_proxy="http://127.0.0.1:1")
    assert code == 4, errors  # the proxy is not there: nothing leaves this machine


# --- HDFS

def remote_exception(name, message="words\nand more"):
    return json.dumps({"RemoteException": {"exception": name, "message": message}})


@pytest.mark.parametrize("status, body, code, words", [
    (403, remote_exception("SafeModeException"), 4, "SafeModeException: words\n"),
    (403, remote_exception("StandbyException"), 4, "no NameNode of the list is active"),
    (403, remote_exception("AccessControlException"), 3, "HADOOP_USER_NAME"),
    (403, remote_exception("DSQuotaExceededException"), 5, "DSQuotaExceededException"),
    (403, remote_exception("ParentNotDirectoryException"), 8, "a file is where a folder is wanted"),
    (403, remote_exception("OddException"), 8, "OddException"),
    (401, "<html>", 3, "not Kerberos"),
    (404, "<html>", 8, "not their RPC ports"),
    (500, remote_exception("RuntimeException"), 4, "RuntimeException"),
])
def test_hdfs_errors(made_up, status, body, code, words):
    place = made_up("hdfs", lambda *_: (status, {}, body))
    for verb in ("list",) if code == 4 else ("read", "list", "remove", "put", "exists"):
        got, _, errors = place.try_(verb, "x", content=b"x")
        assert got == code and words in errors


def test_hdfs_answers_that_are_none(made_up):
    place = made_up("hdfs", lambda *_: (200, {}, "{}"))
    for verb, words in (("read", "names no DataNode"), ("put", "names no DataNode"), ("list", "no listing")):
        code, _, errors = place.try_(verb, "x", content=b"x")
        assert code == 4 and words in errors
    place = made_up("hdfs", lambda *_: (200, {}, "hello"))
    assert "invalid JSON" in place.try_("list", "x")[2]


def test_hdfs_a_file_that_was_cut_off_is_written_again(made_up):
    tries = []

    def script(method, path, query, body, headers):
        if path == "/data":
            tries.append(body)
            return 201, {}, ""
        if query["op"] == "CREATE":
            return 200, {}, json.dumps({"Location": f"http://{headers['Host']}/data"})
        length = 1 if len(tries) < 2 else 3
        return 200, {}, json.dumps({"FileStatus": {"type": "FILE", "length": length, "fileId": 7}})
    assert made_up("hdfs", script).try_("stage", "x", content=b"abc")[1] == b"put\n"
    assert tries == [b"abc"] * 2


def test_hdfs_a_folder_in_the_way(made_up):
    place = made_up("hdfs", lambda *_: (403, {}, remote_exception("FileAlreadyExistsException")))
    code, _, errors = place.try_("stage", "x", content=b"abc")
    assert code == 8 and "a folder has that name" in errors


def test_hdfs_a_rename_that_was_done_by_a_lost_attempt(made_up):
    """The file's id says whose it is: 7 is ours."""
    for id_there, result in ((7, b"put\n"), (8, b"taken\n")):
        def script(method, path, query, body, headers):
            if path == "/data":
                return 201, {}, ""
            if query["op"] == "CREATE":
                return 200, {}, json.dumps({"Location": f"http://{headers['Host']}/data"})
            if query["op"] == "RENAME":
                return 404, {}, remote_exception("FileNotFoundException")
            there = 7 if path.endswith(".tmp") else id_there
            return 200, {}, json.dumps({"FileStatus": {"type": "FILE", "length": 3, "fileId": there}})
        assert made_up("hdfs", script).try_("put_new", "x", content=b"abc")[1] == result
