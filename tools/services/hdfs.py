#!/usr/bin/env python3
"""HDFS on loopback for tests: two NameNodes (an HA pair on shared edits) and three DataNodes, replication 3.

As a module: `with Hdfs(folder) as hdfs: ... hdfs.uri`. As a program: `hdfs.py FOLDER` starts it, says where it is, and
ends it when its stdin is closed. The jars are those of `./dev setup services`; everything else lies in FOLDER. Every
process listens on 127.0.0.1 at a free port, and is ended by its id.
"""
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request

JAVA = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xss512k", "-Xmx192m", "-XX:-UsePerfData",
        "-Djava.net.preferIPv4Stack=true",
        "--add-opens", "java.base/java.lang=ALL-UNNAMED"]  # without it Java 17 answers every WebHDFS call with 500
PACKAGE = "org.apache.hadoop.hdfs."
NAMENODE, DATANODE = PACKAGE + "server.namenode.NameNode", PACKAGE + "server.datanode.DataNode"
LOG4J = """log4j.rootLogger=WARN,A
log4j.appender.A=org.apache.log4j.ConsoleAppender
log4j.appender.A.layout=org.apache.log4j.PatternLayout
log4j.appender.A.layout.ConversionPattern=%d{ISO8601} %p %c{1}: %m%n
"""


def free_ports(n):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def jars():
    folder = os.environ.get("CUPEL_HADOOP_JARS")
    return folder if folder and os.path.isdir(folder) else None


def java():
    return shutil.which("java")


class Hdfs:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder).resolve()
        self.conf = self.folder / "conf"
        self.processes = {}
        self.rpc, self.http = free_ports(2), free_ports(2)
        # What the Maven jars lack of a distribution: web pages, but empty folders do.
        for name in ("hdfs", "datanode", "secondary", "static"):
            (self.conf / "webapps" / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "logs").mkdir(exist_ok=True)
        (self.conf / "log4j.properties").write_text(LOG4J)
        self.write_conf()

    # --- settings

    def write_conf(self):
        pair = {}
        for i, node in enumerate(("nn1", "nn2")):
            pair |= {f"dfs.namenode.rpc-address.lake.{node}": f"127.0.0.1:{self.rpc[i]}",
                     f"dfs.namenode.http-address.lake.{node}": f"127.0.0.1:{self.http[i]}",
                     f"dfs.namenode.name.dir.lake.{node}": f"file://{self.folder}/{node}"}
        self.write_site("core", {"fs.defaultFS": "hdfs://lake", "hadoop.tmp.dir": f"{self.folder}/tmp"})
        self.write_site("hdfs", pair | {
            "dfs.nameservices": "lake", "dfs.ha.namenodes.lake": "nn1,nn2",
            "dfs.namenode.shared.edits.dir": f"file://{self.folder}/edits",
            "dfs.client.failover.proxy.provider.lake": PACKAGE + "server.namenode.ha.ConfiguredFailoverProxyProvider",
            "dfs.ha.fencing.methods": "shell(/bin/true)", "dfs.ha.tail-edits.period": "1s",
            "dfs.replication": 3, "dfs.ls.limit": 100, "dfs.webhdfs.enabled": "true", "dfs.namenode.safemode.extension": 0,
            "dfs.datanode.hostname": "127.0.0.1", "dfs.namenode.datanode.registration.ip-hostname-check": "false",
            "dfs.heartbeat.interval": 1, "dfs.namenode.heartbeat.recheck-interval": 1000, "dfs.datanode.du.reserved": 0,
            "dfs.client.block.write.replace-datanode-on-failure.policy": "NEVER",
            "dfs.permissions.superusergroup": "root", "hadoop.http.staticuser.user": "root"})

    def write_site(self, name, settings):
        rows = "".join(f"<property><name>{k}</name><value>{v}</value></property>\n" for k, v in settings.items())
        (self.conf / f"{name}-site.xml").write_text(f"<configuration>\n{rows}</configuration>\n")

    # --- processes

    def command(self, main, *args):
        return [java(), *JAVA, main, *args]

    def environment(self):
        return {**os.environ, "CLASSPATH": f"{self.conf}:{jars()}/*"}

    def run(self, main, *args):
        done = subprocess.run(self.command(main, *args), env=self.environment(), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise RuntimeError(f"{main} {args}: {done.stdout[-2000:]}\n{done.stderr[-2000:]}")

    def start_process(self, name, main, *args):
        with open(self.folder / "logs" / name, "ab") as log:
            self.processes[name] = subprocess.Popen(self.command(main, *args), env=self.environment(), stdout=log,
                                                    stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)

    def start_namenode(self, node):
        self.start_process(node, NAMENODE, f"-Ddfs.ha.namenode.id={node}")

    def start_datanode(self, i):
        data, http, ipc = free_ports(3)
        self.start_process(f"dn{i}", DATANODE, f"-Ddfs.datanode.data.dir=file://{self.folder}/data{i}",
                           f"-Ddfs.datanode.address=127.0.0.1:{data}", f"-Ddfs.datanode.http.address=127.0.0.1:{http}",
                           f"-Ddfs.datanode.ipc.address=127.0.0.1:{ipc}")

    def kill(self, name):
        self.processes[name].kill()
        self.processes.pop(name).wait()

    # By hand: nobody watches over the pair.
    def activate(self, node):
        self.run(PACKAGE + "tools.DFSHAAdmin", "-transitionToActive", node)

    def fail_over(self, old, new):
        self.run(PACKAGE + "tools.DFSHAAdmin", "-failover", old, new)

    # --- life

    def state(self, node):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http[node]}/jmx?qry=Hadoop:service=NameNode,"
                                    "name=FSNamesystemState", timeout=5) as answer:
            beans = json.load(answer)["beans"]
        return beans[0] if beans else {}

    def wait(self, good, seconds=60):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for name, process in self.processes.items():
                if process.poll() is not None:
                    raise RuntimeError(f"{name} ended:\n{(self.folder / 'logs' / name).read_text()[-3000:]}")
            try:
                if good():
                    return
            except (OSError, ValueError):
                pass
            time.sleep(0.1)
        raise RuntimeError("HDFS is not up in time")

    def wait_ready(self, node, datanodes=3):
        self.wait(lambda: self.state(node).get("NumLiveDataNodes") == datanodes and
                  self.state(node).get("FSState") == "Operational")

    def start(self):
        self.run(NAMENODE, "-Ddfs.ha.namenode.id=nn1", "-format", "-nonInteractive", "-force")
        shutil.copytree(self.folder / "nn1", self.folder / "nn2")
        for node in ("nn1", "nn2"):
            self.start_namenode(node)
        for i in (1, 2, 3):
            self.start_datanode(i)
        self.wait(lambda: all(self.state(i) for i in (0, 1)))
        self.activate("nn1")
        self.wait_ready(0)

    def stop(self):
        for process in self.processes.values():
            process.send_signal(signal.SIGKILL)
        for process in self.processes.values():
            process.wait()
        self.processes.clear()

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def addresses(self):
        return ",".join(f"127.0.0.1:{port}" for port in self.http)

    @property
    def uri(self):
        return f"hdfs://{self.addresses}"


if __name__ == "__main__":
    with Hdfs(sys.argv[1]) as running:
        print(running.uri, flush=True)
        sys.stdin.read()
