"""Counts packages and kilobytes by one field, or lists the largest packages.

usage: aggregate.py FOLDER section|priority|maintainer|largest
"""

import collections
import json
import pathlib
import sys


def main(folder, by):
    folder = pathlib.Path(folder)
    with open(folder / "packages.jsonl", encoding="utf-8") as lines:
        packages = [json.loads(line) for line in lines]
    if by == "largest":
        packages.sort(key=lambda package: (-package["kilobytes"], package["name"]))
        result = [[package["name"], package["kilobytes"]] for package in packages[:20]]
    else:
        counts = collections.defaultdict(lambda: [0, 0])
        for package in packages:
            counts[package[by]][0] += 1
            counts[package[by]][1] += package["kilobytes"]
        result = sorted(([name, *count] for name, count in counts.items()), key=lambda row: (-row[1], row[0]))
    (folder / f"{by}.json").write_text(json.dumps(result))
    print(f"{len(packages)} packages make {len(result)} rows by {by}; the first is {result[0]}")


main(*sys.argv[1:])
