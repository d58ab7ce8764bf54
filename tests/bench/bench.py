"""Measures mailsimd, and its peers if they are there; see script/bench.

Prints a row for each figure, with its target beside it if there is one, and writes all of them as
JSON. A figure that misses its target is no failure; a lost line, a ledger that does not add up or a
program that ends as it should not is.
"""
import argparse
import json
import os
import platform
import resource
import signal
import sys

from peers import Peers
from processes import Broken
from workloads import WORKLOADS, Bench

# of one workload with all its repeats and peers
HANGING_SECONDS = 1200


class Report:
    """The table: rows are printed as they come."""

    def __init__(self):
        self.rows = []

    def __call__(self, workload, figure, value, unit, target=None, at_least=False):
        row = {"workload": workload, "figure": figure, "value": value, "unit": unit}
        said = ""
        if target is not None:
            row["target"] = target
            row["is_reached"] = value >= target if at_least else value <= target
            said = f"{'>=' if at_least else '<='} {target:g}"
            said = f"{said:10} {'reached' if row['is_reached'] else 'MISSED'}"
        self.rows.append(row)
        amount = f"{value:.0f}" if value >= 10_000 else f"{value:.4g}"
        print(f"{workload:20} {figure:40} {amount:>9} {unit:10} {said}".rstrip(), flush=True)


class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(64, f"script/bench: {message}\n")


def parse_arguments():
    parser = Parser(prog="script/bench", description="Measures mailsimd.",
                    epilog=f"Workloads: {' '.join(WORKLOADS)}")
    parser.add_argument("--build", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--default-peers", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--peers", nargs="?", metavar="DIR", const="",
                        help="measure the peers in DIR that are installed, too")
    parser.add_argument("--json", metavar="FILE", help="where the figures go as JSON")
    parser.add_argument("--quick", action="store_true", help="a tenth of it, once")
    parser.add_argument("workload", nargs="*", metavar="WORKLOAD")
    arguments = parser.parse_args()
    # the word behind --peers may well have been the first workload
    if arguments.peers in WORKLOADS:
        arguments.workload.insert(0, arguments.peers)
        arguments.peers = ""
    for name in arguments.workload:
        if name not in WORKLOADS:
            parser.error(f"no such workload: {name} ({' '.join(WORKLOADS)})")
    if arguments.peers == "":
        arguments.peers = arguments.default_peers
    if arguments.peers and not os.path.isdir(arguments.peers):
        parser.error(f"there are no peers in {arguments.peers}")
    return arguments


def hangs(_signal, _frame):
    raise Broken(f"has not ended within {HANGING_SECONDS} s")


def main():
    arguments = parse_arguments()
    report = Report()
    peers = Peers(arguments.peers, f"{arguments.build}/work")
    bench = Bench(arguments.build, peers, report, arguments.quick)
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    signal.signal(signal.SIGALRM, hangs)
    failures = []
    for name in arguments.workload or WORKLOADS:
        print(f"==> {name}: {WORKLOADS[name].__doc__}")
        signal.alarm(HANGING_SECONDS)
        try:
            WORKLOADS[name](bench)
        except (Broken, OSError) as broken:
            failures.append(f"{name}: {broken}")
            print(f"FAILED: {failures[-1]}")
        finally:
            bench.kill_all()
    with open(arguments.json or f"{arguments.build}/bench.json", "w", encoding="utf-8") as f:
        json.dump({"machine": platform.machine(), "processors": os.cpu_count(),
                   "is_quick": arguments.quick, "peers": sorted({*peers.gatherers, *peers.servers,
                                                       *(["smtp-sink"] if peers.sink else [])}),
                   "rows": report.rows, "failures": failures}, f, indent=1)
    aimed = [row for row in report.rows if "target" in row]
    print(f"{sum(row['is_reached'] for row in aimed)} of {len(aimed)} targets reached, "
          f"{len(failures)} workloads failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
