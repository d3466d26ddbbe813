"""A proxy that does to requests what networks do: loses them, loses their answers, cuts them off, delays them, answers
itself. DataNodes that a NameNode redirects to are reached through it, too.
"""
import http.client
import http.server
import re
import threading
import time

# What may be done to a request. Of "lost answer" and "cut answer" the server has done the work.
CUT, LOST_ANSWER, CUT_ANSWER, BUSY, BROKEN = "cut", "lost answer", "cut answer", "busy", "broken"
SILENT, DRIP = "silent", "drip"
FAULTS = (CUT, LOST_ANSWER, CUT_ANSWER, BUSY, BROKEN)
LOCATION = re.compile(rb"http://127\.0\.0\.1:(\d+)/")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def answer(self, status, headers, body, cut=None, drip=0):
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(name, value)
        if not (self.command == "HEAD" and status == 200):
            self.send_header("Content-Length", str(len(body)))
        else:
            self.send_header("Content-Length", dict((k.lower(), v) for k, v in headers).get("content-length", "0"))
        self.end_headers()
        if self.command == "HEAD":
            return
        for i in range(0, len(body) if drip else 0):
            self.wfile.write(body[i:i + 1])
            time.sleep(drip)
        if not drip:
            self.wfile.write(body if cut is None else body[:cut])

    def forward(self, body):
        server = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        server.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            server.putheader(name, value)
        server.endheaders(body or None)
        answer = server.getresponse()
        content, status, headers = answer.read(), answer.status, answer.getheaders()
        server.close()
        return status, headers, content

    def do(self):
        proxy = self.server.proxy
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = proxy.next_fault(self.command, self.path)
        if fault == CUT:
            self.close_connection = True
            return
        if fault == SILENT:
            proxy.closing.wait(60)
            self.close_connection = True
            return
        if fault in (BUSY, BROKEN):
            status = 503 if fault == BUSY else 500
            return self.answer(status, [], b"<Error><Code>SlowDown</Code></Error>" if fault == BUSY else b"oops")
        status, headers, content = self.forward(body)
        content = proxy.redirect(content) if self.path.startswith("/webhdfs/") and b"Location" in content else content
        if fault == LOST_ANSWER:
            self.close_connection = True
        elif fault == CUT_ANSWER:
            self.answer(status, headers, content, cut=len(content) // 2)
            self.close_connection = True
        else:
            self.answer(status, headers, content, drip=0.3 if fault == DRIP else 0)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 100


class Proxy:
    """`fault` happens to request number `at` (from 0) since plan(), or to all of them when it is None."""

    def __init__(self, *ports):
        self.lock, self.closing, self.servers = threading.Lock(), threading.Event(), {}
        self.plan(None, None)
        self.ports = [self.port_for(p) for p in ports]

    def plan(self, fault, at=None, only=lambda method, path: True):
        with self.lock:
            self.fault, self.at, self.only, self.seen = fault, at, only, 0

    def next_fault(self, method, path):
        with self.lock:
            if not self.only(method, path):
                return None
            self.seen += 1
            return self.fault if self.at is None or self.at == self.seen - 1 else None

    def port_for(self, port):
        with self.lock:
            if port not in self.servers:
                server = Server(("127.0.0.1", 0), Handler)
                server.port, server.proxy = port, self
                threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
                self.servers[port] = server
            return self.servers[port].server_address[1]

    def redirect(self, content):
        return LOCATION.sub(lambda m: b"http://127.0.0.1:%d/" % self.port_for(int(m[1])), content)

    def close(self):
        self.closing.set()
        for server in self.servers.values():
            server.shutdown()
            server.server_close()
