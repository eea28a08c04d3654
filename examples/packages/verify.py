"""Reads the report back and compares it with what was sent.

usage: verify.py FOLDER URL
"""

import pathlib
import sys
import urllib.request


def main(folder, url):
    sent = (pathlib.Path(folder) / "report.json").read_bytes()
    with urllib.request.urlopen(url, timeout=5) as answer:
        received = answer.read()
    if received != sent:
        sys.exit(f"{len(sent)} bytes were sent and {len(received)} other bytes came back")
    print(f"all {len(sent)} bytes came back")


main(*sys.argv[1:])
