"""`python -m bench [NAME …]`: all of them, or those that are named.

`retrieval` is all of its steps; `retrieval titles` that step of it alone.
"""

import sys
from collections.abc import Callable, Sequence

from bench import api, lora, prefix, training, ttft, web
from bench.report import Report
from bench.retrieval import STEPS
from bench.retrieval_quality import tell

GROUP = "retrieval"
BENCHES: dict[str, Callable[[Report], None]] = {
    **STEPS,
    "ttft-desk": ttft.run_alone,
    "ttft": ttft.run,
    "prefix": prefix.run,
    "lora": lora.run,
    "web": web.run,
    "training": training.run,
    "api": api.run,
}


def chosen(names: Sequence[str]) -> list[str]:
    """The benches that the words name, in their own order. Raises ValueError for another word."""
    unknown = [name for name in names if name not in BENCHES and name != GROUP]
    if unknown:
        known = ", ".join([GROUP, *BENCHES])
        raise ValueError(f"unknown: {', '.join(unknown)}; there are: {known}")
    wanted = set(names) - {GROUP}
    if GROUP in names and not wanted & STEPS.keys():
        wanted |= STEPS.keys()
    return [name for name in BENCHES if name in wanted or not wanted]


def main(names: list[str]) -> int:
    try:
        benches = chosen(names)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    report = Report()
    for number, name in enumerate(benches, start=1):
        tell(f"[{number}/{len(benches)}] {name}")
        BENCHES[name](report)
        report.save()
    report.print()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
