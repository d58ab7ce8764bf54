"""The workloads. Each function of WORKLOADS measures one and puts rows into the report."""
import functools
import math
import os
import shutil
import time

from peers import SEARCHED
from processes import (Daemon, check_log, cpu_seconds, expect, instructions_of, run_load, run_tool,
                       wait_until_idle)

MICRO = 1e6
DISTRIBUTIONS = {
    "fixed": "fixed 1s",
    "uniform": "uniform 500ms 1500ms",
    "lognormal": "lognormal median=882ms sigma=0.5 max=20s",
}
TEMPLATE = ("log.format=template", "template.dispatched=dispatched {id}",
            "template.delivered=delivered {id}")
TEMPLATE_LINES = (r"^dispatched (\d+)$", r"^delivered (\d+)$")
TEXT_LINES = tuple(rf"^\S+ {event} id=m(\d+) .*$"
                   for event in ("queued", "dispatched", "delivered"))
# by SMTP, messages without an id of their own
SMTP_LINES = tuple(rf"^\S+ {event} id=s(\d+) .*$"
                   for event in ("queued", "dispatched", "delivered"))
# smtp-source makes Message-IDs, so the number is that of the daemon
SMTP_SOURCE_LINES = tuple(rf"^\S+ {event} id=\S+ seq=(\d+) .*$"
                          for event in ("queued", "dispatched", "delivered"))
SMTP_SESSIONS = 10
NO_LOG = ("log.target=none",)
# what our CPU may be of theirs: of a server, with many lines at once or with few
RATIOS = {("redis-set", True): 1, ("memcached", True): 1, ("beanstalkd", True): 0.125,
          ("redis", False): 1.2}
SLOW_SERVERS = ("asyncio", "node", "beanstalkd")
# a reader of events keeps up with so many at once
PIECE = 100


class Bench:
    """What the workloads share: programs, repeats, and the report."""

    def __init__(self, build, peers, report, is_quick):
        self.mailsimd = f"{build}/daemon/mailsimd"
        self.load = f"{build}/tests/bench/bench_load"
        self.reader = f"{build}/tests/bench/bench_reader"
        self.smtp = f"{build}/tests/bench/bench_smtp"
        self.work = f"{build}/work"
        self.peers, self.row = peers, report
        self.repeats = 1 if is_quick else 3
        self.million = 100_000 if is_quick else 1_000_000
        self.daemons = []
        self.has_valgrind = shutil.which("valgrind") is not None
        os.makedirs(self.work, exist_ok=True)

    def log(self):
        """An empty file for a log, and the option that says so."""
        path = f"{self.work}/event.log"
        if os.path.exists(path):
            os.unlink(path)
        return path, f"log.target={path}"

    def daemon(self, *options, port=False, callgrind=None):
        self.daemons = [d for d in self.daemons if d.process.returncode is None]
        self.daemons.append(Daemon(self.mailsimd, options, port, callgrind))
        return self.daemons[-1]

    def kill_all(self):
        """Ends what a broken workload has left behind."""
        for d in self.daemons:
            d.process.kill()
            d.process.wait()

    def least(self, measure):
        """The least of each figure of several runs."""
        return self.in_turn({"ours": measure})["ours"]

    def in_turn(self, measures):
        """{name: measure}, in turn and several times: {name: the least of its figures}."""
        turns = [{name: measure() for name, measure in measures.items()}
                 for _ in range(self.repeats)]
        return {name: {key: min(turn[name][key] for turn in turns)
                       for key, value in turns[0][name].items() if isinstance(value, (int, float))}
                for name in measures}

    @functools.lru_cache(maxsize=None)
    def ranges(self, n, latency="fixed"):
        """A range of n, ours and for a million with a fixed latency the peers' in turn."""
        measures = {"ours": lambda: run_range(self, n, latency)}
        if n == self.million and latency == "fixed":
            for name in self.peers.gatherers:
                measures[name] = functools.partial(self.peers.gather, name, n)
        return self.in_turn(measures)

    def instructions(self, name, run, few, many, parts=1, each="a message"):
        """Instructions for each part of many - few, so that the start cancels out."""
        if not self.has_valgrind:
            return
        totals = []
        for n in (few, many):
            callgrind = f"{self.work}/callgrind.{name}.{n}"
            run(n, callgrind)
            totals.append(instructions_of(callgrind))
        self.row(name, f"instructions {each}", (totals[1] - totals[0]) / (many - few) / parts, "")


def run_range(bench, n, latency="fixed", callgrind=None, times=1):
    """send 0..n-1, wait, all of it as often; CPU from the first command to the end of the wait."""
    path, target = bench.log()
    d = bench.daemon(target, *TEMPLATE, f"delivery.latency={DISTRIBUTIONS[latency]}",
                     f"limits.pending={n + 1}", f"limits.range={n + 1}", callgrind=callgrind)
    d.ask("hello")
    idle, began = d.memory(), d.cpu()
    d.ask(f"send 0..{n - 1}")
    full = d.memory()
    pending = d.stats()["sending"]
    reply = d.ask("wait")
    for _ in range(1, times):
        d.ask(f"send 0..{n - 1}", "wait")
    used, peak, kernel = d.cpu() - began, d.memory("VmHWM"), d.kernel_share()
    expect(f" delivered={n} " in reply, reply)
    wall = d.stop(accepted=n * times)
    check_log(path, TEMPLATE_LINES, n * times)
    os.unlink(path)
    return {"cpu": used, "kernel": kernel, "wall": wall, "peak": peak,
            "bytes": (full - idle) / pending if pending else math.inf}


def million(bench):
    """A million at once, one second each, two lines of log each"""
    n = bench.million
    found = bench.ranges(n)
    ours = found["ours"]
    bench.row("million", "CPU a message", ours["cpu"] / n * MICRO, "us")
    bench.row("million", "of it in the kernel", ours["kernel"] * 100, "%")
    for peer, target in (("asyncio", 100), ("node", 5)):
        if peer in found:
            theirs = found[peer]
            bench.row("million", f"CPU a message, {peer}", theirs["cpu"] / n * MICRO, "us")
            bench.row("million", f"{peer}'s CPU / ours", theirs["cpu"] / ours["cpu"], "x", target,
                      at_least=True)
            bench.row("million", f"wall beyond the ideal, {peer}", theirs["wall"] - 1, "s")
            bench.row("million", f"peak RSS, {peer}", theirs["peak"] / 1e6, "MB")
    bench.row("million", "wall beyond the ideal", ours["wall"] - 1, "s", 0.15)
    bench.row("million", "RSS a pending message", ours["bytes"], "bytes", 48)
    bench.row("million", "peak RSS", ours["peak"] / 1e6, "MB")
    bench.instructions("million", lambda n, out: run_range(bench, n, "fixed", out), 20_000, 60_000)


def ten_million(bench):
    """The same with ten million"""
    n = 10 * bench.million
    ours, million_ours = bench.ranges(n)["ours"], bench.ranges(bench.million)["ours"]
    cpu = ours["cpu"] / n * MICRO
    bench.row("ten-million", "CPU a message", cpu, "us")
    bench.row("ten-million", "CPU / that of a million",
              cpu / (million_ours["cpu"] / bench.million * MICRO), "x", 1.3)
    bench.row("ten-million", "wall beyond the ideal", ours["wall"] - 1, "s")
    bench.row("ten-million", "peak RSS", ours["peak"] / 1e6, "MB", 600)


def sizes(bench):
    """CPU a message does not depend on how many there are"""
    # a thousand is over too soon to be measured, so it is done ten times by the same daemon
    few = bench.least(lambda: run_range(bench, 1000, times=10))
    costs = [few["cpu"] / 10_000 * MICRO]
    bench.row("sizes", "CPU a message of 1000, ten times", costs[0], "us")
    for n in (bench.million // 10, bench.million, 10 * bench.million):
        costs.append(bench.ranges(n)["ours"]["cpu"] / n * MICRO)
        bench.row("sizes", f"CPU a message of {n}", costs[-1], "us")
    bench.row("sizes", "most / least", max(costs) / min(costs), "x", 2)


def distributions(bench):
    """Latencies that differ, and how late deliveries are"""
    n = bench.million
    fixed = bench.ranges(n)["ours"]["cpu"] / n * MICRO
    for latency in ("uniform", "lognormal"):
        ours = bench.ranges(n, latency)["ours"]
        cpu = ours["cpu"] / n * MICRO
        bench.row(latency, "CPU a message", cpu, "us")
        bench.row(latency, "of it in the kernel", ours["kernel"] * 100, "%")
        bench.row(latency, "CPU a message beyond fixed", cpu - fixed, "us", 0.15)
        bench.instructions(latency, lambda n, out: run_range(bench, n, latency, out),
                           20_000, 60_000)
        late = bench.least(lambda: run_late(bench, n // 10, latency))
        bench.row(latency, "earliest, as a client sees", late["least_us"] / 1000, "ms", 0,
                  at_least=True)
        for key, target in (("p50", None), ("p99", 1.5), ("max", None)):
            bench.row(latency, f"lateness {key}, as a client sees", late[f"{key}_us"] / 1000, "ms",
                      target)


def run_late(bench, n, latency):
    """Events carry the moment they were due; a client compares it with its own clock."""
    d = bench.daemon(*NO_LOG, f"delivery.latency={DISTRIBUTIONS[latency]}", port=True)
    figures = run_tool([bench.reader, d.address, "events json type=delivered", f"send 0..{n - 1}",
                        "wait"])
    expect(figures["events"] + figures["lost"] == n, f"events are missing: {figures}")
    d.stop(accepted=n)
    return figures


def run_pipelined(bench, connections, lines, rounds, callgrind=None):
    """Requests of many clients to the last delivery."""
    n = connections * lines * rounds
    path, target = bench.log()
    d = bench.daemon(target, f"limits.connections={connections + 10}", f"limits.pending={n + 1}",
                     port=True, callgrind=callgrind)
    d.ask("hello")
    began = d.cpu()
    figures = run_tool([bench.load, "send", d.address, str(connections), str(lines), str(rounds)])
    d.ask("wait all")
    used, kernel = d.cpu() - began, d.kernel_share()
    d.stop(accepted=n)
    check_log(path, TEXT_LINES, n)
    return {"cpu_each": used / n, "kernel": kernel, "wall": figures["wall"]}


def run_pipelined_peer(bench, name, connections, lines, rounds):
    server = bench.peers.serve(name)
    try:
        began = cpu_seconds(server.pid)
        figures = run_tool([bench.load, server.kind, server.address, str(connections), str(lines),
                            str(rounds)])
        if server.kind == "plain":
            time.sleep(1.1)  # what it delivers a second later is part of the work
        wait_until_idle(server.pid)
        used = cpu_seconds(server.pid) - began
        return {"cpu_each": used / figures["replies"], "wall": figures["wall"]}
    finally:
        server.stop()


def pipelined(bench):
    """Clients that send line by line, log of all events to a file, to the last delivery"""
    for connections, lines, total, target in ((100, 100, bench.million, 0.7),
                                              (100, 1, bench.million // 5, None),
                                              (10_000, 10, bench.million, None)):
        name = f"pipelined-{connections}x{lines}"
        rounds = total // (connections * lines)
        measures = {"ours": lambda: run_pipelined(bench, connections, lines, rounds)}
        for peer in bench.peers.servers:
            # the slow ones need fewer rounds to be measured
            fewer = max(1, rounds // 10) if peer in SLOW_SERVERS else rounds
            measures[peer] = functools.partial(run_pipelined_peer, bench, peer, connections, lines,
                                               fewer)
        found = bench.in_turn(measures)
        figures = found.pop("ours")
        ours = figures["cpu_each"]
        bench.row(name, "server CPU a message", ours * MICRO, "us", target)
        bench.row(name, "of it in the kernel", figures["kernel"] * 100, "%")
        for peer, figures in found.items():
            bench.row(name, f"server CPU a message, {peer}", figures["cpu_each"] * MICRO, "us")
            bench.row(name, f"our CPU / {peer}'s", ours / figures["cpu_each"], "x",
                      RATIOS.get((peer, lines == 100)))
    bench.instructions("pipelined-100x100", lambda n, out: run_pipelined(
        bench, 100, 100, n // 10_000, callgrind=out), 10_000, 30_000)


def run_smtp(bench, load, n, lines=SMTP_LINES, callgrind=None):
    """Messages by SMTP from a load generator to the last delivery.

    load: gives the command that sends to an address."""
    path, target = bench.log()
    d = bench.daemon(target, "listen.smtp=127.0.0.1:0", f"limits.pending={n + 1}", port=True,
                     callgrind=callgrind)
    d.ask("hello")
    began = d.cpu()
    wall = run_smtp_load(load(d.address_of("smtp")))
    d.ask("wait all")
    used, kernel = d.cpu() - began, d.kernel_share()
    d.stop(accepted=n)
    check_log(path, lines, n)
    return {"cpu_each": used / n, "kernel": kernel, "wall": wall}


def run_smtp_sink(bench, load, n):
    server = bench.peers.serve_smtp()
    try:
        wait_until_idle(server.pid)
        began = cpu_seconds(server.pid)
        wall = run_smtp_load(load(server.address))
        wait_until_idle(server.pid)
        return {"cpu_each": (cpu_seconds(server.pid) - began) / n, "wall": wall}
    finally:
        server.stop()


def run_smtp_load(command):
    """What it takes, from its start to its end."""
    began = time.monotonic()
    run_load(command)
    return time.monotonic() - began


def measure_smtp(bench, load, n, lines=SMTP_LINES):
    measures = {"ours": lambda: run_smtp(bench, load, n, lines)}
    if bench.peers.sink:
        measures["smtp-sink"] = lambda: run_smtp_sink(bench, load, n)
    return bench.in_turn(measures)


def smtp(bench):
    """Messages by SMTP over ten sessions, log of all events to a file, to the last delivery"""
    def load(mode, n, octets):
        return lambda address: [bench.smtp, mode, address, str(SMTP_SESSIONS), str(n), str(octets)]

    for name, mode, octets, n, target in (
            ("smtp-pipelined", "pipelined", 500, bench.million // 2, 0.8),
            ("smtp-steps", "steps", 500, bench.million // 5, 0.8),
            ("smtp-10kB", "pipelined", 10_000, bench.million // 5, 0.6)):
        found = measure_smtp(bench, load(mode, n, octets), n)
        ours = found["ours"]
        bench.row(name, "server CPU a message", ours["cpu_each"] * MICRO, "us")
        bench.row(name, "of it in the kernel", ours["kernel"] * 100, "%")
        if "smtp-sink" in found:
            theirs = found["smtp-sink"]["cpu_each"]
            bench.row(name, "server CPU a message, smtp-sink", theirs * MICRO, "us")
            bench.row(name, "our CPU / smtp-sink's", ours["cpu_each"] / theirs, "x", target)
    bench.instructions("smtp-pipelined", lambda n, out: run_smtp(
        bench, load("pipelined", n, 500), n, callgrind=out), 5_000, 15_000)
    bench.instructions("smtp-steps", lambda n, out: run_smtp(
        bench, load("steps", n, 500), n, callgrind=out), 5_000, 15_000)
    compare_by_smtp_source(bench)


def compare_by_smtp_source(bench):
    """Postfix's own load generator, which can be slower than what it measures."""
    source = shutil.which("smtp-source", path=SEARCHED)
    if not source or not bench.peers.sink:
        return
    n = bench.million // 25
    for name, options in (("smtp-source", []), ("smtp-source -d", ["-d"])):
        def load(address, options=options):
            return [source, *options, "-s", str(SMTP_SESSIONS), "-m", str(n), "-l", "500",
                    "-f", "a@example.com", "-t", "b@example.org", address]
        found = measure_smtp(bench, load, n, SMTP_SOURCE_LINES)
        for server, figures in found.items():
            bench.row(name, f"messages a second, {server}", n / figures["wall"], "/s")
            bench.row(name, f"server CPU a message, {server}", figures["cpu_each"] * MICRO, "us")
        bench.row(name, "our messages a second / smtp-sink's",
                  found["smtp-sink"]["wall"] / found["ours"]["wall"], "x", 1, at_least=True)


def labelled(bench):
    """RSS of messages with a label and an address of their own"""
    n = bench.million

    def measure():
        d = bench.daemon(*NO_LOG, "delivery.latency=1h", f"limits.pending={n + 1}", port=True)
        d.ask("hello")
        idle, began = d.memory(), d.cpu()
        run_tool([bench.load, "order", d.address, "100", "100", str(n // 10_000)])
        pending = d.stats()["sending"]
        expect(pending == n, f"{pending} of {n} are pending")
        figures = {"bytes": (d.memory() - idle) / n, "cpu": d.cpu() - began}
        d.ask("cancel all")
        d.stop(accepted=n)
        return figures
    least = bench.least(measure)
    bench.row("labelled", "RSS a pending message", least["bytes"], "bytes", 128)
    bench.row("labelled", "server CPU to accept a message, no log", least["cpu"] / n * MICRO, "us")


def idle(bench):
    """RSS of connections that do nothing"""
    n = 10_000

    def measure():
        d = bench.daemon(*NO_LOG, f"limits.connections={n + 10}", port=True)
        d.ask("hello")
        before = d.memory()
        connections = [d.connect() for _ in range(n)]
        while d.stats()["connections"] != n + 1:
            time.sleep(0.01)
        figures = {"bytes": (d.memory() - before) / n}
        for connection in connections:
            connection.close()
        d.stop(accepted=0)
        return figures
    bench.row("idle", "RSS a connection", bench.least(measure)["bytes"], "bytes", 512)


def run_attempts(bench, n, callgrind=None):
    d = bench.daemon(*NO_LOG, "clock.scale=max", callgrind=callgrind)
    began, real = d.cpu(), time.monotonic()
    reply = d.ask(f"send 0..{n - 1} outcome=system_error:forever latency=0s", "wait")
    figures = {"cpu": d.cpu() - began, "wall": time.monotonic() - real}
    figures["attempts"] = d.stats()["attempts"]
    expect(f" expired={n} " in reply and figures["attempts"] >= 100 * n, reply)
    d.stop(accepted=n)
    return figures


def attempts(bench):
    """Retries as fast as they go"""
    n = bench.million // 10
    least = bench.least(lambda: run_attempts(bench, n))
    bench.row("attempts", "attempts a message", least["attempts"] / n, "")
    bench.row("attempts", "attempts a CPU second", least["attempts"] / least["cpu"] / MICRO, "M/s",
              5, at_least=True)
    bench.row("attempts", "attempts a second", least["attempts"] / least["wall"] / MICRO, "M/s")
    bench.instructions("attempts", lambda n, out: run_attempts(bench, n, out), 500, 1500,
                       least["attempts"] / n, "an attempt")


def run_events(bench, n, *commands):
    """The reader sends by pieces, and the next when it has read what came of the last."""
    d = bench.daemon(*NO_LOG, port=True)
    pieces = [f"send {first}..{first + PIECE - 1}" for first in range(0, n, PIECE)]
    began = d.cpu()
    figures = run_tool([bench.reader, d.address, *commands, *pieces, "wait", "ping"])
    figures["cpu"] = d.cpu() - began
    # queued, dispatched and delivered for each, finished for each piece
    due = 3 * n + n // PIECE if commands else 0
    expect(figures["events"] + figures["lost"] == due, f"of {due} events some lack: {figures}")
    d.stop(accepted=n)
    return figures


def events(bench):
    """What a client costs that reads all events"""
    n = bench.million
    found = bench.in_turn({
        "without": lambda: run_events(bench, n),
        "with": lambda: run_events(bench, n, "events json")})
    lost = found["with"]["lost"] / (3 * n + n // PIECE)
    # an event that is lost shall not look like one that costs nothing
    more = (found["with"]["cpu"] - found["without"]["cpu"]) / (1 - lost) / n * MICRO
    bench.row("events", "server CPU a message more", more, "us", 0.7)
    bench.row("events", "events lost, as the client is told", lost * 100, "%")


def queries(bench):
    """Questions while a million is pending"""
    n, times = bench.million, 1000
    d = bench.daemon(*NO_LOG, "delivery.latency=1h", f"limits.pending={n + 1}", port=True)
    d.ask(f"send 0..{n - 1}")
    for name in ("stats", "status", "cancel"):
        trips = []
        began = d.cpu()
        for i in range(times):
            at = time.monotonic()
            d.ask("stats" if name == "stats" else f"{name} {i * 977 % n}")
            trips.append(time.monotonic() - at)
        used = (d.cpu() - began) / times
        trips.sort()
        bench.row("queries", f"{name}: server CPU", used * MICRO, "us", 100)
        bench.row("queries", f"{name}: round trip p50", trips[times // 2] * MICRO, "us")
        bench.row("queries", f"{name}: round trip p99", trips[times * 99 // 100] * MICRO, "us")
    d.ask("cancel all")
    d.stop(accepted=n)


def start(bench):
    """From exec to ready"""
    seconds = []
    for _ in range(20):
        d = bench.daemon(*NO_LOG, port=True)
        seconds.append(d.seconds_to_ready)
        d.stop(accepted=0)
    seconds.sort()
    bench.row("start", "start to ready, least", seconds[0] * 1000, "ms", 10)
    bench.row("start", "start to ready, p50", seconds[len(seconds) // 2] * 1000, "ms")


WORKLOADS = {
    "million": million,
    "ten-million": ten_million,
    "sizes": sizes,
    "distributions": distributions,
    "pipelined": pipelined,
    "smtp": smtp,
    "labelled": labelled,
    "idle": idle,
    "attempts": attempts,
    "events": events,
    "queries": queries,
    "start": start,
}
