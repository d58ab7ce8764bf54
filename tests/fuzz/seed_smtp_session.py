#!/usr/bin/env python3
"""Makes seeds for fuzz_smtp_session from dialogues: seed_smtp_session.py FOLDER tests/data/smtp/*.in

What each connection says goes to a file of its own kind; options are mapped to the octets that
choose the configuration as far as there are such (see smtp_setup.h).
"""
import os
import re
import sys

MOST = 4096  # octets of a seed
REPEATED = 40  # octets of what a dialogue says many times
PARTS = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|\*(\d+)\{([^}]*)\}|(.))", re.S)
ONES = {b"r": b"\r", b"n": b"\n", b"0": b"\0", b"t": b"\t", b"\\": b"\\", b"c": b""}
STAGES = {"connect": 5, "ehlo": 15, "mail": 6, "rcpt": 7, "data": 10, "eom": 9, "quit": 13}


def unescape(text):
    def part(m):
        if m[1]:
            return bytes([int(m[1], 16)])
        if m[2]:
            return unescape(m[3]) * min(int(m[2]), REPEATED // max(1, len(m[3])))
        return ONES[m[4]]

    return PARTS.sub(part, text).replace(b"~", b"~~") + (b"" if text.endswith(b"\\c") else b"\r\n")


def setup(options, is_lmtp):
    first, second, third, fourth = int(is_lmtp), 0, 0, 0
    for key, value in (o.split("=", 1) for o in options if "=" in o):
        if key.startswith("smtp~") and "drop_after" in key:
            third = 1
        elif key.startswith("smtp~"):
            third = STAGES[key[5:].split(".")[0]]
        elif key == "delivery.latency":
            fourth = 1 if value != "0s" else fourth
        elif key == "delivery.outcome":
            fourth = 2
        elif key == "smtp.auth":
            second |= 1 if value == "any" else 2
        first |= {"smtp.mode=inband": 2, "smtp.bare_newline=reject": 4}.get(f"{key}={value}", 0)
        first |= {"smtp.max_size": 8, "smtp.max_recipients": 16}.get(key, 0)
        second |= {"clock.scale=max": 24}.get(f"{key}={value}", 0)
    return bytes(64 + n for n in (first, second, third, fourth))


def seed(lines):
    options, connections, body, is_lmtp = [], {}, b"", False
    for line in lines:
        if line.startswith(b"# options: "):
            options = line[11:].decode().split()
        elif line.startswith(b"["):
            name, *kind = line[1:-1].split()
            if not connections:
                is_lmtp = kind == [b"lmtp"]
            number = connections.setdefault(name, len(connections) % 3)
            body += b"~%d" % number + (b"~a" if len(connections) > 3 else b"")
        elif line[:1] in (b"", b"#", b"="):
            continue
        elif line.startswith(b"&"):
            body += b"~s"
        elif line.startswith(b"---"):
            body += unescape(line[4:])
        else:
            replies, _, text = line.partition(b" ")
            body += unescape(text) + (b"" if replies.endswith(b"+") else b"~|")
    return setup(options, is_lmtp) + body


def main(folder, *paths):
    for path in paths:
        with open(path, "rb") as f:
            octets = seed(f.read().split(b"\n"))
        with open(os.path.join(folder, os.path.basename(path)[:-3]), "wb") as f:
            f.write(octets[:MOST])


main(*sys.argv[1:])
