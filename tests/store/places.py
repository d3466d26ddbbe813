"""A place where a lake can be, and what to do there."""
import os
import subprocess
import uuid

import pytest

import hdfs as hdfs_service
import s3 as s3_service
from proxy import Proxy


def absent(what):
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)


def s3_server(folder):
    if not s3_service.program():
        absent("there is no versitygw: ./dev setup services makes it")
    return s3_service.S3(folder)


def hdfs_server(folder):
    if not hdfs_service.jars() or not hdfs_service.java():
        absent("there are no Hadoop jars or no java: ./dev setup services fetches them")
    return hdfs_service.Hdfs(folder)


class Place:
    """The root of a store, and store_tool on it."""

    def __init__(self, kind, uri, env, cache):
        self.kind, self.uri, self.env = kind, uri, {**os.environ, **env, "CUPEL_LAKE_CACHE": str(cache)}
        self.tool = os.path.join(os.environ.get("CUPEL_BUILD", "build"), "tests/tools/store_tool")

    def start(self, *args, **env):
        return subprocess.Popen([self.tool, self.uri, *map(str, args)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, env={**self.env, **env})

    def try_(self, *args, content=b"", timeout=120, **env):
        process = self.start(*args, **env)
        out, errors = process.communicate(content, timeout=timeout)
        return process.returncode, out, errors.decode()

    def __call__(self, *args, **more):
        code, out, errors = self.try_(*args, **more)
        assert code == 0, f"{args}: {code}\n{errors}"
        return out if args[0] in ("read", "fetch") else out.decode().strip()

    def list(self, *args):
        return [tuple(line.split("\t")) for line in self("list", *args).splitlines()]

    def names(self, *args):
        return [entry[0] for entry in self.list(*args)]


def place_of(kind, request, folder):
    name = uuid.uuid4().hex
    if kind == "local":
        return Place(kind, str(folder / "lake"), {}, folder / "cache")
    server = request.getfixturevalue(kind)
    if kind == "s3":
        return Place(kind, f"{server.uri}/{name}", server.env, folder / "cache")
    return Place(kind, f"{server.uri}/{name}", {"HADOOP_USER_NAME": "root"}, folder / "cache")


def in_settings(place, server):
    """`lake:` and `storage:` of a cupel.yaml for that place, what .env must have, and an environment that says nothing."""
    said = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "HADOOP_", "CUPEL_LAKE_"))}
    folder = f"  cache: {place.env['CUPEL_LAKE_CACHE']}\n  cache_size: 1GB\n  timeout: 20s\n"
    if place.kind == "s3":
        return (f"lake: {place.uri}\nstorage:\n{folder}  s3:\n    endpoint: {server.env['AWS_ENDPOINT_URL']}\n    region: us-east-1\n"
                "    access_key: ${LAKE_KEY}\n    secret_key: ${LAKE_SECRET}\n",
                f"LAKE_KEY={server.key}\nLAKE_SECRET={server.secret}\n", said)
    return (f"lake: {place.uri.replace(server.addresses, '')}\nstorage:\n{folder}  hdfs:\n    user: root\n"
            f"    namenodes: [{server.addresses}]\n", "", said)


def through_proxy(direct, server):
    """The same place behind a proxy."""
    proxy = Proxy(*([server.port] if direct.kind == "s3" else server.http))
    if direct.kind == "s3":
        place = Place("s3", direct.uri, {**direct.env, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{proxy.ports[0]}"}, "")
    else:
        hosts = ",".join(f"127.0.0.1:{port}" for port in proxy.ports)
        place = Place("hdfs", direct.uri.replace(server.addresses, hosts), {"HADOOP_USER_NAME": "root"}, "")
    place.env["CUPEL_LAKE_CACHE"] = direct.env["CUPEL_LAKE_CACHE"]
    place.proxy, place.direct = proxy, direct
    return place
