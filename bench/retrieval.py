"""The steps of `python -m bench retrieval`, in the order in which they run.

Latencies come first, before the peers' packages are in this process.
"""

from collections.abc import Callable

from bench import ingest, latency, leaks, retrieval_tables
from bench.report import Report


def million(report: Report) -> None:
    """A million synthetic passages: latency, memory, and recall against exact search."""
    from bench.million import run

    run(report)


STEPS: dict[str, Callable[[Report], None]] = {
    "ingest": ingest.run,
    "query": latency.query,
    "edit": latency.edit,
    "leaks": leaks.run,
    "titles": retrieval_tables.titles,
    "classical": retrieval_tables.classical,
    "paraphrase": retrieval_tables.paraphrase,
    "million": million,
}
