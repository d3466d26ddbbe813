"""What the tests of the whole program share: the stand-in server, copies of a project, the program itself.

CUPEL_BIN (or CUPEL) and TMDB_STANDIN name the binaries, build/ has them by default; CUPEL_SHARED is the folder of test
data, ../shared by default. What is not there skips the tests that need it, and fails them when CI=true.
"""
import http.client
import json
import os
import pathlib
import shutil
import subprocess
import urllib.parse
import urllib.request

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
SHARED = pathlib.Path(os.environ.get("CUPEL_SHARED", ROOT.parent / "shared"))


def absent(what):
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)


def binary(*variables, name):
    build = pathlib.Path(os.environ.get("CUPEL_BUILD", ROOT / "build"))
    path = next((os.environ[v] for v in variables if os.environ.get(v)), str(build / name))
    if not os.access(path, os.X_OK):
        absent(f"{path} is not there: ./dev build makes it")
    return path


def shared(path):
    file = SHARED / path
    if not file.exists():
        absent(f"{file} is not there")
    return file


class Standin:
    """A running server and one connection to it."""

    def __init__(self, program, *args):
        self.process = subprocess.Popen([program, "--port", "0", *map(str, args)], stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert line.startswith("listening on http://127.0.0.1:"), line
        self.url = line.split()[-1]
        parts = urllib.parse.urlsplit(self.url)
        self.origin, self.prefix = f"{parts.scheme}://{parts.netloc}", parts.path
        self.connection = http.client.HTTPConnection(parts.hostname, parts.port)
        self.key = next((args[i + 1] for i, a in enumerate(args) if a == "--key"), "any")

    def text(self, path, **query):
        """The body of an answer; None when there is no such thing."""
        query = urllib.parse.urlencode({"api_key": self.key, **query}, safe=",")
        self.connection.request("GET", f"{self.prefix}{path}?{query}")
        answer = self.connection.getresponse()
        body = answer.read().decode()
        assert answer.status in (200, 404), (path, answer.status, body)
        return body if answer.status == 200 else None

    def get(self, path, **query):
        body = self.text(path, **query)
        return json.loads(body) if body is not None else None

    def env(self, **more):
        return {**os.environ, "TMDB_BASE_URL": self.url, "TMDB_API_KEY": str(self.key), "TMDB_RATE_LIMIT": "0", **more}

    def requests(self):
        """How many it was asked for, by kind; of one with --stats."""
        with urllib.request.urlopen(self.origin + "/stats") as answer:
            return json.load(answer)["by_route"]

    def stop(self):
        self.connection.close()
        self.process.terminate()
        self.process.wait()


@pytest.fixture(scope="session")
def cupel_bin():
    return binary("CUPEL_BIN", "CUPEL", name="cupel")


@pytest.fixture(scope="module")
def standin():
    """standin("--data", file, ...): a server on a free port, stopped when the module's tests are over."""
    running = []

    def start(*args):
        running.append(Standin(binary("TMDB_STANDIN", name="tmdb-standin"), *args))
        return running[-1]

    yield start
    for server in running:
        server.stop()


@pytest.fixture(scope="session")
def make_project():
    """make_project(folder, "movies"): a fresh copy of a shipped project."""

    def make(folder, name="movies"):
        ignore = shutil.ignore_patterns("lake", ".cupel", ".env")
        return pathlib.Path(shutil.copytree(ROOT / "projects" / name, folder, ignore=ignore))

    return make


@pytest.fixture
def project(tmp_path, make_project):
    return make_project(tmp_path / "movies")


@pytest.fixture(scope="session")
def cupel(cupel_bin):
    """cupel(["run"], folder, env): runs the program to its end; `code` is the exit code it must have, None = any."""

    def run(args, cwd, env=None, code=0, timeout=600):
        done = subprocess.run([cupel_bin, *map(str, args)], cwd=cwd, env=env, capture_output=True, text=True,
                              timeout=timeout)
        assert code is None or done.returncode == code, f"{args}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return run


@pytest.fixture(scope="module")
def shop(request, cupel, tmp_path_factory):
    """The project that `cupel init` makes, run once; the module's PAGE, if it has one, is its page p."""
    folder = tmp_path_factory.mktemp("shop")
    cupel(["init", "shop"], folder)
    cupel(["run"], folder / "shop")
    if hasattr(request.module, "PAGE"):
        (folder / "shop" / "pages" / "p.md").write_text(request.module.PAGE)
    return folder / "shop"
