"""Places where a lake can be, on servers that are started here: a folder, HDFS, S3."""
import pathlib
import sys

import pytest

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[2] / "tools" / "services"),
                str(pathlib.Path(__file__).resolve().parent)]

import places  # noqa: E402


@pytest.fixture(scope="session")
def s3(tmp_path_factory):
    with places.s3_server(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture(scope="session")
def hdfs(tmp_path_factory):
    with places.hdfs_server(tmp_path_factory.mktemp("hdfs")) as server:
        yield server


@pytest.fixture(params=["local", "s3", "hdfs"])
def place(request, tmp_path):
    return places.place_of(request.param, request, tmp_path)


@pytest.fixture(params=["s3", "hdfs"])
def remote(request, tmp_path):
    return places.place_of(request.param, request, tmp_path)


@pytest.fixture
def faulty(remote, request):
    place = places.through_proxy(remote, request.getfixturevalue(remote.kind))
    yield place
    place.proxy.close()
