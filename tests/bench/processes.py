"""Runs what is measured and reads from the kernel what it has used."""
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import time


# A server and those who load it have processors of their own, as far as there are two: else what is
# measured is where the scheduler puts them, and how dear it is to wake another processor.
_PROCESSORS = sorted(os.sched_getaffinity(0))
SERVERS = {_PROCESSORS[0]}
LOADS = set(_PROCESSORS[1:] or _PROCESSORS)


@contextlib.contextmanager
def start_on(processors):
    """What is started meanwhile stays on these processors."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, processors)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class Broken(Exception):
    """Something is wrong that is no matter of time."""


def expect(condition, what):
    if not condition:
        raise Broken(what)


def cpu_seconds(pid):
    """What all threads of a process have used, to the nanosecond; exact while they sleep."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as f:
            total += int(f.read().split()[0])
    return total / 1e9


def kernel_ticks(pid):
    """What a process has used in the kernel, and altogether, in coarse units."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        user, system = (int(field) for field in f.read().rsplit(")", 1)[1].split()[11:13])
    return system, user + system


def memory_bytes(pid, key="VmRSS"):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(re.search(rf"^{key}:\s+(\d+) kB", f.read(), re.M).group(1)) * 1024


def wait_until_idle(pid):
    """Until a process has used nothing for a while."""
    before = -1
    while (now := cpu_seconds(pid)) != before:
        before = now
        time.sleep(0.05)


def run_measured(command, directory):
    """Runs a program to its end, output to a file: its CPU, wall and peak RSS, and what it said."""
    with open(f"{directory}/peer.out", "wb") as out, tempfile.TemporaryFile() as err:
        began = time.monotonic()
        with subprocess.Popen(command, stdout=out, stderr=err, stdin=subprocess.DEVNULL) as process:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.monotonic() - began
        err.seek(0)
        said = err.read().decode(errors="replace")
    expect(process.returncode == 0, f"{command[0]} has failed: {said}")
    return {"cpu": usage.ru_utime + usage.ru_stime, "wall": wall,
            "peak": usage.ru_maxrss * 1024, "said": said}


def run_tool(command):
    """One of the programs beside this file: its figures."""
    return json.loads(run_load(command))


def run_load(command):
    """Who loads a server, to its end: what it said."""
    with start_on(LOADS):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    expect(done.returncode == 0,
           f"{os.path.basename(command[0])}: {done.stderr.strip() or done.returncode}")
    return done.stdout


def numbers_of(line):
    return {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)(?= |$)", line)}


class Daemon:
    """A mailsimd on standard input and output, or with `port` on a port and one connection to it.

    `callgrind` is a file for the figures of an instrumented run. stop() checks the ledger."""

    STATES = ("delivered", "bounced", "expired", "dropped", "cancelled")

    def __init__(self, program, options, port=False, callgrind=None):
        command = [program] if port else [program, "--stdio"]
        if callgrind:
            command = ["valgrind", "--quiet", "--tool=callgrind",
                       f"--callgrind-out-file={callgrind}", *command]
        if port:
            options = ["listen.line=127.0.0.1:0", *options]
        for option in options:
            command += ["-o", option]
        self.began = time.monotonic()
        with start_on(SERVERS if port else os.sched_getaffinity(0)):
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=subprocess.PIPE)
        self.pid = self.process.pid
        try:
            self._get_ready(port)
        except BaseException:
            self.process.kill()
            raise

    def _get_ready(self, port):
        ready = self._read_until_ready()
        self.seconds_to_ready = time.monotonic() - self.began
        self.ready = ready
        self.address = None
        self.connection = None
        self.requests, self.replies = self.process.stdin, self.process.stdout
        if port:
            self.address = self.address_of("line")
            self.connection = self.connect()
            self.requests = self.replies = self.connection.makefile("rwb")

    def _read_until_ready(self):
        said = ""
        for line in self.process.stderr:
            said += line.decode()
            if " ready " in line.decode():
                return line.decode()
        raise Broken(f"mailsimd does not start: {said}")

    def address_of(self, kind):
        """Where it listens for the line protocol, for SMTP, ..."""
        return re.search(rf" {kind}=(\S+)", self.ready).group(1)

    def connect(self):
        host, port = self.address.rsplit(":", 1)
        return socket.create_connection((host, int(port)))

    def ask(self, *commands):
        """Gives commands at once; the last reply."""
        self.requests.write("".join(command + "\n" for command in commands).encode())
        self.requests.flush()
        reply = ""
        for _ in commands:
            while not reply.startswith("+"):
                reply = self.replies.readline().decode()
                expect(reply and not reply.startswith("-"), f"{commands[-1]}: {reply!r}")
            last, reply = reply, ""
        return last.rstrip("\n")

    def stats(self):
        return numbers_of(self.ask("stats"))

    def cpu(self):
        return cpu_seconds(self.pid)

    def kernel_share(self):
        """How much of what it has used since its start was for the kernel's work."""
        system, total = kernel_ticks(self.pid)
        return system / total if total else 0

    def memory(self, key="VmRSS"):
        return memory_bytes(self.pid, key)

    def stop(self, accepted, lost=0):
        """Ends it in order; wall from its start to its end. Its books have to balance."""
        if self.connection:
            self.connection.close()
            self.process.send_signal(signal.SIGTERM)
        else:
            self.process.stdin.close()
        said = self.process.stderr.read().decode()
        status = self.process.wait()
        wall = time.monotonic() - self.began
        self.process.stdout.close()
        self.process.stderr.close()
        expect(status == 0, f"mailsimd has ended with {status}: {said}")
        ledger = numbers_of(re.search(r"stopped (.*)", said).group(1))
        final = sum(ledger[state] for state in self.STATES)
        expect(ledger["accepted"] == accepted and final == accepted and ledger["unfinished"] == 0
               and ledger["log_lost"] == lost, f"the ledger does not add up: {said}")
        return wall


def check_log(path, kinds, n):
    """A log has n lines of each kind, all of them whole, with the same numbers in each kind.

    kinds: how lines look, patterns with the message's number as their only group."""
    pattern = re.compile("|".join(kinds).encode(), re.M)
    counts, sums, lines = [0] * len(kinds), [0] * len(kinds), 0
    with open(path, "rb") as f:
        while piece := f.read(1 << 22):
            piece += f.readline()
            expect(piece.endswith(b"\n"), f"the last line of {path} is not complete")
            lines += piece.count(b"\n")
            for i, numbers in enumerate(zip(*pattern.findall(piece))):
                numbers = [int(number) for number in numbers if number]
                counts[i] += len(numbers)
                sums[i] += sum(numbers)
    expect(counts == [n] * len(kinds), f"{path} has {counts} lines by kind instead of {n} each")
    expect(lines == n * len(kinds), f"{path} has {lines} lines instead of {n * len(kinds)}")
    expect(len(set(sums)) == 1, f"{path} does not have the same numbers in each kind")


def instructions_of(callgrind):
    with open(callgrind, encoding="utf-8") as f:
        for line in f:
            if line.startswith(("totals:", "summary:")):
                return int(line.split()[1])
    raise Broken(f"{callgrind} has no total")
