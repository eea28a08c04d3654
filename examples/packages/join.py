"""Joins the aggregations into one report.

usage: join.py FOLDER
"""

import json
import pathlib
import sys


def main(folder):
    folder = pathlib.Path(folder)
    report = {by: json.loads((folder / f"{by}.json").read_text()) for by in ("section", "priority", "maintainer", "largest")}
    totals = {by: sum(row[1] for row in report[by]) for by in ("section", "priority", "maintainer")}
    if len(set(totals.values())) != 1:
        sys.exit(f"the aggregations disagree about the number of packages: {totals}")
    report["packages"] = totals["section"]
    (folder / "report.json").write_text(json.dumps(report, sort_keys=True))
    print(f"the report covers {report['packages']} packages")


main(*sys.argv[1:])
