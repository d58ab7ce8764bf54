"""The peers that are installed: programs that do the same work, and servers that take requests."""
import os
import shutil
import socket
import subprocess
import sys
import time

from processes import SERVERS, Broken, run_measured, start_on


def _port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


# where Debian has what only root needs
SEARCHED = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"


class Server:
    """A server under load. kind: what to send it; address: where it listens."""

    def __init__(self, kind, address, command, directory):
        self.kind, self.address = kind, address
        with open(f"{directory}/peer.out", "wb") as out, start_on(SERVERS):
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out,
                                            stderr=subprocess.STDOUT)
        self.pid = self.process.pid
        self._wait_until_it_listens()

    def _wait_until_it_listens(self):
        for _ in range(200):
            try:
                if self.address.startswith("unix:"):
                    with socket.socket(socket.AF_UNIX) as s:
                        s.connect(self.address[len("unix:"):])
                else:
                    host, port = self.address.rsplit(":", 1)
                    socket.create_connection((host, int(port))).close()
                return
            except OSError:
                time.sleep(0.05)
        self.stop()
        raise Broken(f"{self.kind} does not listen at {self.address}")

    def stop(self):
        self.process.kill()
        self.process.wait()


class Peers:
    def __init__(self, directory, work):
        """directory: the peers' programs, or None for no peers; work: where files may be."""
        self.directory, self.work = directory, work
        self.gatherers, self.servers = {}, {}
        self.sink = None
        if directory:
            self._find_gatherers()
            self._find_servers()
            self.sink = shutil.which("smtp-sink", path=SEARCHED)

    def _find_gatherers(self):
        self._add(self.gatherers, "asyncio", [sys.executable], "gather_asyncio.py")
        self._add(self.gatherers, "node", ["node", "--max-old-space-size=16000"], "gather_node.js")

    def _find_servers(self):
        self._add(self.servers, "asyncio", [sys.executable], "ingest_asyncio.py")
        self._add(self.servers, "node", ["node"], "ingest_node.js")
        for name in ("redis", "redis-set", "memcached", "beanstalkd"):
            program = "redis-server" if name.startswith("redis") else name
            if shutil.which(program):
                self.servers[name] = [program]

    def _add(self, table, name, interpreter, script):
        path = os.path.join(self.directory, script)
        if shutil.which(interpreter[0]) and os.path.exists(path):
            table[name] = [*interpreter, path]

    def gather(self, name, n):
        """n timed deliveries of a second each in one process, two lines each to a file."""
        return run_measured([*self.gatherers[name], str(n)], self.work)

    def serve(self, name):
        """A running server, to be stopped."""
        command = self.servers[name]
        if name in ("asyncio", "node"):
            path = os.path.abspath(f"{self.work}/peer.sock")
            if os.path.exists(path):
                os.unlink(path)
            return Server("plain", f"unix:{path}", [*command, path], self.work)
        port = str(_port())
        redis = ["--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
                 "--maxclients", "15000"]
        options = {
            "redis": redis,
            "redis-set": redis,
            "memcached": ["-u", "root", "-l", "127.0.0.1", "-p", port, "-t", "1", "-m", "4096",
                          "-c", "15000"],
            "beanstalkd": ["-l", "127.0.0.1", "-p", port],
        }[name]
        return Server(name, f"127.0.0.1:{port}", [*command, *options], self.work)

    def serve_smtp(self):
        """A running smtp-sink, to be stopped."""
        address = f"127.0.0.1:{_port()}"
        user = ["-u", "nobody"] if os.getuid() == 0 else []
        return Server("smtp-sink", address, [self.sink, *user, address, "1000"], self.work)
