"""`python -m bench [NAME …]`: all of them, or those that are named."""

import sys
from collections.abc import Callable

from bench import ingest, ttft
from bench.report import Report

BENCHES: dict[str, Callable[[Report], None]] = {"ingest": ingest.run, "ttft": ttft.run}


def main(names: list[str]) -> int:
    unknown = [n for n in names if n not in BENCHES]
    if unknown:
        print(f"unknown: {', '.join(unknown)}; there are: {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    report = Report()
    for name in names or BENCHES:
        BENCHES[name](report)
    report.print()
    report.save()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
