"""The nouns of reading a file: what is asked, what is found, what the author is shown.

Line numbers are 0-based indices in headings, 1-based in orders, doubts and chapters.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from retrieval.front_matter import Front

Kind = Literal["preface", "chapter", "extra", "afterword"]
Certainty = Literal["sure", "weak", "no"]


AUTO = "auto"
"""The way of telling chapters that the rules choose themselves."""


@dataclass(frozen=True, slots=True)
class Order:
    """How to cut a source into chapters; line numbers are 1-based.

    `name` is the file's, without folders and without the suffix of a known format. `pattern` is
    the id of a `Way`; `titles` are the author's own, by the line of the chapter.
    `drop_blank_lines`: see `retrieval.spacing`; None drops them from Markdown that is spaced.
    """

    name: str
    pattern: str = AUTO
    add_headings: frozenset[int] = frozenset()
    drop_headings: frozenset[int] = frozenset()
    titles: Mapping[int, str] = field(default_factory=dict)
    drop_blank_lines: bool | None = None


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something the author should look at; `code` is stable, `line` 1-based."""

    code: str
    message: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """A heading that the format itself declares: lines `line` to `end`, depth 1 to 6."""

    line: int
    end: int
    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Leaf:
    """Where a page's text begins: `column` characters into `line`; `page` counts from 1."""

    line: int
    column: int
    page: int


@dataclass(frozen=True, slots=True)
class Source:
    """What every reader makes of a file: lines, and what its format declares about them.

    `encodings` are those that the text can be read in, empty where the format knows its own.
    `leaves` are the pages with text, in order, empty where the format has none.
    """

    form: str
    lines: Sequence[str]
    marks: tuple[Mark, ...] = ()
    front: Front = field(default_factory=Front)
    doubts: tuple[Doubt, ...] = ()
    encoding: str = ""
    encodings: tuple[str, ...] = ()
    leaves: tuple[Leaf, ...] = ()


@dataclass(frozen=True, slots=True)
class Way:
    """A way of telling chapters that can be chosen."""

    id: str
    label: str


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
    lines: tuple[int, ...] = ()
    """The source's line of each line of the text, 1-based."""


@dataclass(frozen=True, slots=True)
class Book:
    """A file as read: nothing is stored yet, and the author may still correct headings.

    `blank_lines` counts those inside the chapters before any of them was dropped.
    """

    title: str
    author: str | None
    chapters: tuple[BookChapter, ...]
    doubts: tuple[Doubt, ...]
    form: str = "txt"
    encoding: str = ""
    encodings: tuple[str, ...] = ()
    pattern: str = AUTO
    patterns: tuple[Way, ...] = ()
    blank_lines: int = 0
    drop_blank_lines: bool = False
