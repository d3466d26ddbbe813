#!/usr/bin/env python3
"""An S3 server on loopback for tests: versitygw on a folder.

As a module: `with S3(folder) as s3: ... s3.env`. As a program: `s3.py FOLDER` starts it, says what to set, and ends it
when its stdin is closed. The program is that of `./dev setup services`.
"""
import os
import pathlib
import secrets
import shlex
import socket
import subprocess
import sys
import time


def program():
    path = os.environ.get("CUPEL_VERSITYGW")
    return path if path and os.access(path, os.X_OK) else None


class S3:
    def __init__(self, folder, bucket="lake"):
        self.folder = pathlib.Path(folder).resolve()
        (self.folder / "data" / bucket).mkdir(parents=True, exist_ok=True)
        (self.folder / "meta").mkdir(exist_ok=True)
        self.bucket, self.key, self.secret = bucket, "test" + secrets.token_hex(6), secrets.token_hex(20)
        with socket.create_server(("127.0.0.1", 0)) as s:
            self.port = s.getsockname()[1]

    @property
    def env(self):
        return {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}", "AWS_REGION": "us-east-1",
                "AWS_ACCESS_KEY_ID": self.key, "AWS_SECRET_ACCESS_KEY": self.secret}

    @property
    def uri(self):
        return f"s3://{self.bucket}"

    def __enter__(self):
        self.log = open(self.folder / "log", "wb")
        self.process = subprocess.Popen(
            [program(), "--port", f"127.0.0.1:{self.port}", "--region", "us-east-1", "--quiet", "--keep-alive",
             "posix", "--sidecar", str(self.folder / "meta"), str(self.folder / "data")],
            env={**os.environ, "ROOT_ACCESS_KEY": self.key, "ROOT_SECRET_KEY": self.secret}, cwd=self.folder,
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, start_new_session=True)
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return self
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.05)
        self.__exit__()
        raise RuntimeError((self.folder / "log").read_text()[-2000:])

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.log.close()


if __name__ == "__main__":
    with S3(sys.argv[1]) as running:
        print("export", *(f"{k}={shlex.quote(v)}" for k, v in running.env.items()), flush=True)
        print(running.uri, flush=True)
        sys.stdin.read()
