"""Each book measured with weights that have not seen it, beside those that have."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from retrieval import evaluate
from retrieval.evaluate import Interval, Ranks
from training.fusion.fit import fit, ranks
from training.fusion.samples import Sample

Books = Mapping[str, Sequence[Sample]]


@dataclass(frozen=True, slots=True)
class Figures:
    """R@10 and MRR@10 of some queries."""

    queries: int
    left_out: tuple[float, float]
    """With weights from the other books: the headline."""
    seen: tuple[float, float]
    """With weights from all books."""
    single: dict[str, tuple[float, float]]
    margin: Interval
    """R@10 left out beyond that of the best single method."""

    @property
    def best_single(self) -> str:
        return max(self.single, key=lambda name: self.single[name])


@dataclass(frozen=True, slots=True)
class Report:
    by_kind: dict[str, Figures]
    """By kind of query."""
    by_book: dict[str, Figures]
    by_task: dict[str, Figures]
    """By kind of task, each over all its books."""


def report(books: Books, ridge: float) -> Report:
    """Fits once with all books and once without each. At least two books."""
    everything = fit([sample for one in books.values() for sample in one], ridge)
    rows = []
    for book, mine in books.items():
        others = [sample for name, one in books.items() if name != book for sample in one]
        apart, together = ranks(mine, fit(others, ridge)), ranks(mine, everything)
        rows += [_Row(book, *row) for row in zip(mine, apart, together, strict=True)]
    return Report(
        _split(rows, lambda row: row.sample.query.kind),
        _split(rows, lambda row: row.book),
        _split(rows, lambda row: row.sample.task),
    )


@dataclass(frozen=True, slots=True)
class _Row:
    book: str
    sample: Sample
    left_out: float
    seen: float


def _split(rows: Sequence[_Row], key: Callable[[_Row], str]) -> dict[str, Figures]:
    names = dict.fromkeys(key(row) for row in rows)
    return {name: _figures([row for row in rows if key(row) == name]) for name in names}


def _figures(rows: Sequence[_Row]) -> Figures:
    apart = np.array([row.left_out for row in rows])
    alone = {
        name: np.array([row.sample.single[name] for row in rows]) for name in rows[0].sample.single
    }
    single = {name: _measured(places) for name, places in alone.items()}
    best = alone[max(single, key=lambda name: single[name])]
    return Figures(
        len(rows),
        _measured(apart),
        _measured(np.array([row.seen for row in rows])),
        single,
        evaluate.paired_interval(evaluate.hits(apart), evaluate.hits(best)),
    )


def _measured(places: Ranks) -> tuple[float, float]:
    return evaluate.recall_at(places), evaluate.mrr(places)
