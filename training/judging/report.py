"""What judging found, as plain data: `report.json` is this and nothing else.

A part that could not be measured is None, and `missing` says why in a sentence.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from retrieval.evaluate import Interval
from training.judging.measured import Looping, Measured, Recited
from training.judging.verdict import Verdict
from training.judging.votes import Criterion, Vote
from training.judging.written import plain, write_report

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Subject:
    """What was judged, and how it was made to write."""

    adapter: str
    run: str
    base: str
    data: str
    digest: str
    cases: int
    books: tuple[str, ...]
    sampling: Mapping[str, Any]
    writer: str
    judge: str


@dataclass(frozen=True, slots=True)
class Rates:
    """Perplexities."""

    per_token: float
    per_character: float


@dataclass(frozen=True, slots=True)
class Surprise:
    """Perplexity of the held-out items, `items` in all and `refused` left out; `gain` is how
    many nats a character less the tuned model needs, items drawn anew for the interval."""

    base: Rates
    tuned: Rates | None
    tokens: int
    characters: int
    items: int
    refused: int
    gain: Interval | None


@dataclass(frozen=True, slots=True)
class Long:
    """Long texts of about `wanted` characters that go on with `openings` beginnings: repetition
    by side and length reached, what of them stands in the training set, and the first of them
    whole (`opening`, and by side). Under `reference` is what the person wrote, where it is known."""

    wanted: int
    openings: int
    at: Mapping[str, Mapping[int, Looping]]
    recited: Mapping[str, Recited | None]
    opening: str
    texts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class General:
    """The general questions before and after tuning: shares by kind and, under `all`, of all;
    `margin` is after − before. `lost` and `won` are [question, before, after]."""

    questions: int
    base: Mapping[str, float]
    tuned: Mapping[str, float] | None
    margin: Interval | None
    lost: tuple[tuple[str, str, str], ...] = ()
    won: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Curves:
    """[step, value] of a run's log."""

    loss: Sequence[tuple[int, float]] = ()
    evaluated: Sequence[tuple[int, float]] = ()
    learning_rate: Sequence[tuple[int, float]] = ()


@dataclass(frozen=True, slots=True)
class Example:
    """A case with everyone's answer, and what the judge said of tuned against base."""

    case: str
    place: str
    asked: str
    reference: str
    answers: Mapping[str, str]
    votes: Mapping[Criterion, Vote]


VERDICTS: Mapping[str, str] = {"better": "更好", "worse": "更差", "even": "分不出"}
"""What an outcome may say of the tuned model beside the base."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`verdict` is one of `VERDICTS`; `facts` are the sentence's numbers, for who says it in
    another language."""

    code: str
    verdict: str
    sentence: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    title: str
    created: str
    seconds: float
    subject: Subject
    sides: tuple[str, ...]
    outcomes: tuple[Outcome, ...]
    surprise: Surprise | None
    measured: Mapping[str, Measured]
    """By side, and the references' own under `reference`."""
    margins: Mapping[str, Interval]
    """ROUGE-L F1 by characters of each side − the base's, case by case."""
    long: Long | None
    general: General | None
    verdict: Verdict | None
    curves: Curves | None
    examples: tuple[Example, ...]
    missing: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {"format": FORMAT, **plain(self)}

    def write(self, folder: Path) -> tuple[Path, Path]:
        """`report.json` and `report.html`, each replaced whole. Returns their paths."""
        from training.judging.page import render

        return write_report(folder, self.to_json(), render(self))
