"""What judging a persona found, as plain data: `report.json` is this and nothing else.

What could not be measured is None, and `missing` says why in a sentence.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from retrieval.evaluate import Interval
from training.judging.persona.probing import Kind
from training.judging.persona.speaker import Accuracy
from training.judging.written import plain, write_report

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Subject:
    """Who was judged, on what, and how the answers were made."""

    persona: str
    slug: str
    role: str
    base: str
    adapter: str
    source: str
    held_out: str
    """How the scenes held out were found, for people."""
    scenes: tuple[str, ...]
    lines: int
    learned: int
    """The role's lines in the other scenes: style and classifier know them."""
    sampling: Mapping[str, Any]
    judge: str
    other: str
    """Whose lines are the floor."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A mean over `answers` with the interval of drawing `groups` anew (scenes, or questions)."""

    value: Interval
    answers: int
    groups: int


@dataclass(frozen=True, slots=True)
class Measure:
    """By side, and the character's and another's own lines where they can be measured."""

    code: str
    name: str
    better: Literal["high", "low"]
    group: str
    cells: Mapping[str, Cell | None]
    share: bool = True
    """Whether it is a share, to be told in percent."""


@dataclass(frozen=True, slots=True)
class Written:
    """`characters` is the mean of the answers to scenes."""

    answers: int
    empty: int
    characters: float


@dataclass(frozen=True, slots=True)
class Example:
    """A held-out line with everyone's answer; `who` is whom the classifier takes each for."""

    scene: str
    asked: str
    reference: str
    answers: Mapping[str, str]
    who: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question put to every side; `failed` has the words that gave an answer away."""

    id: str
    kind: Kind
    question: str
    holds: str
    answers: Mapping[str, str]
    failed: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Report:
    title: str
    created: str
    seconds: float
    subject: Subject
    sides: tuple[str, ...]
    measures: tuple[Measure, ...]
    written: Mapping[str, Written]
    classifier: Accuracy | None
    examples: tuple[Example, ...]
    asked: tuple[Asked, ...]
    missing: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {"format": FORMAT, **plain(self)}

    def write(self, folder: Path) -> tuple[Path, Path]:
        """`report.json` and `report.html`, each replaced whole. Returns their paths."""
        from training.judging.persona.page import render

        return write_report(folder, self.to_json(), render(self))
