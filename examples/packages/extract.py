"""Reads the machine's package database and writes what is installed as JSON lines.

usage: extract.py DATABASE FOLDER
"""

import json
import pathlib
import sys


def paragraphs(path):
    """The paragraphs of a Debian control file, as dictionaries of their first lines."""
    fields = {}
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line == "\n":
                if fields:
                    yield fields
                fields = {}
            elif line[0] not in " \t":
                name, _, value = line.partition(":")
                fields[name] = value.strip()
    if fields:
        yield fields


def main(database, folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    with open(folder / "packages.jsonl", "w", encoding="utf-8") as out:
        for fields in paragraphs(database):
            if "installed" not in fields.get("Status", "").split():
                continue
            package = {
                "name": fields["Package"],
                "section": fields.get("Section", "unknown").split("/")[-1],
                "priority": fields.get("Priority", "unknown"),
                "maintainer": fields.get("Maintainer", "unknown").split("<")[0].strip(),
                "kilobytes": int(fields.get("Installed-Size", 0)),
            }
            out.write(json.dumps(package) + "\n")
            count += 1
    print(f"{count} packages are installed")
    if count == 0:
        sys.exit(f"{database} names no installed package")


main(*sys.argv[1:])
