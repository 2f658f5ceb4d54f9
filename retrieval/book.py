"""The nouns of reading a file: what is asked, what is found, what the author is shown.

Line numbers are 0-based indices in headings, 1-based in orders, doubts and chapters.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["preface", "chapter", "extra", "afterword"]
Certainty = Literal["sure", "weak", "no"]


@dataclass(frozen=True, slots=True)
class Order:
    """What to read and how; line numbers are 1-based.

    `name` is the file's, without folders and without the suffix of a known format.
    """

    data: bytes
    name: str
    encoding: str | None = None
    add_headings: frozenset[int] = frozenset()
    drop_headings: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something the author should look at; `code` is stable, `line` 1-based."""

    code: str
    message: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Heading:
    """One line read as a heading.

    `volumes` are (rank, title) of the volumes named in the line, outermost first; `unit` is
    章, 回 …, empty for keywords such as 楔子 and None where the line names volumes alone.
    `last` differs from `number` in ranges (第3-5章).
    """

    title: str
    kind: Kind = "chapter"
    unit: str | None = ""
    number: int | None = None
    last: int | None = None
    volumes: tuple[tuple[int, str], ...] = ()
    certainty: Certainty = "sure"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A line that may be a heading, before it is judged against the others."""

    line: int
    heading: Heading


@dataclass(frozen=True, slots=True)
class Chosen:
    """A heading in its place: it takes the lines `line` to `end` (exclusive)."""

    line: int
    end: int
    heading: Heading
    is_volume: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """`skipped` lines are neither heading nor text: a table of contents, repeated headings."""

    headings: tuple[Chosen, ...]
    skipped: frozenset[int]
    doubts: tuple[Doubt, ...]


@dataclass(frozen=True, slots=True)
class BookChapter:
    """`heading` is the line as it stands in the source, `title` what the author is shown.

    `line` is the heading's, 1-based; a chapter that no heading opens has an empty `heading`
    and the line of its first text. `volume` joins nested volumes with a space.
    """

    volume: str | None
    heading: str
    title: str
    number: int | None
    kind: Kind
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Book:
    """A file as read: nothing is stored yet, and the author may still correct headings."""

    title: str
    author: str | None
    chapters: tuple[BookChapter, ...]
    encoding: str
    doubts: tuple[Doubt, ...]
