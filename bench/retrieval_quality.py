"""Runs every method over every book of a set: ranks first, then what is told of them."""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from bench.peers.base import Method, PeerMissing, Searcher
from bench.retrieval_sets import ChapterTask, Task
from retrieval.evaluate import Ranks, chapter_rank, mrr, recall_at, span_rank

ANSWERS = 10


@dataclass
class Measured:
    """One method's ranks by book; `missing` are the reasons where it could not take part."""

    method: Method
    ranks: dict[str, Ranks] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    @property
    def every(self) -> Ranks:
        """All books' queries, [n]."""
        return np.concatenate(list(self.ranks.values())) if self.ranks else np.empty(0)

    @property
    def recall(self) -> float:
        return recall_at(self.every)

    @property
    def mrr(self) -> float:
        return mrr(self.every)

    @property
    def over_books(self) -> float:
        """Mean of the books' recalls: a book of few queries counts as much as any."""
        return float(np.mean([recall_at(r) for r in self.ranks.values()])) if self.ranks else 0.0

    @property
    def why_not(self) -> str:
        return "; ".join(dict.fromkeys(self.missing.values()))


Ask = Callable[[Searcher], list[float]]


def measure_chapters(
    label: str, tasks: Sequence[ChapterTask], methods: Sequence[Method]
) -> list[Measured]:
    """Ranks of the right chapter among the chapters."""
    measured = [Measured(method) for method in methods]
    for task in tasks:

        def ask(searcher: Searcher, task: ChapterTask = task) -> list[float]:
            return [chapter_rank(searcher.chapters(q.text), {q.gold}) for q in task.queries]

        _each(label, task, measured, ask)
    return measured


def measure_spans(label: str, tasks: Sequence[Task], methods: Sequence[Method]) -> list[Measured]:
    """Ranks of the first of ten passages that overlaps a gold span by half of the shorter."""
    measured = [Measured(method) for method in methods]
    for task in tasks:

        def ask(searcher: Searcher, task: Task = task) -> list[float]:
            return [span_rank(searcher.passages(q.text, ANSWERS), q.gold) for q in task.queries]

        _each(label, task, measured, ask)
    return measured


def _each(label: str, task: Task | ChapterTask, measured: Sequence[Measured], ask: Ask) -> None:
    for one in measured:
        start = time.perf_counter()
        try:
            searcher = one.method.build(task.chapters, task.cast)
        except PeerMissing as reason:
            one.missing[task.book] = str(reason)
            continue
        built = time.perf_counter()
        one.ranks[task.book] = np.array(ask(searcher))
        asked = time.perf_counter()
        tell(f"{label} {task.book}: {one.method.name}: {built - start:.1f} s to build, "
             f"{asked - built:.1f} s for {len(task.queries)} queries")  # fmt: skip


def tell(line: str) -> None:
    """Progress, apart from the results."""
    print(line, file=sys.stderr, flush=True)
