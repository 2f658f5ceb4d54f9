"""The nouns of a script: parts make blocks, blocks make scenes; together they are the text."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from retrieval.book import Doubt

PartKind = Literal["header", "setting", "role", "direction", "speech", "narration", "mark"]
BlockKind = Literal["header", "setting", "speech", "direction", "narration", "blank"]


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of the text as it stands; `mark` is what nobody says: colons, quotes, line ends."""

    kind: PartKind
    text: str


@dataclass(frozen=True, slots=True)
class Heading:
    """`第203幕（续）` is level 2, unit 幕, number 203, continued; the outermost level is 0."""

    level: int
    label: str
    """As a reader would cite it: the row without decoration, line end and title."""
    unit: str = ""
    number: int | None = None
    continued: bool = False
    title: str = ""

    @property
    def identity(self) -> tuple[int, str, int | None]:
        """The same for a scene and its continuation."""
        return self.level, self.unit, self.number


@dataclass(frozen=True, slots=True)
class Block:
    """Rows that belong together: a heading, one speech with its rows, a stage direction …

    `line` and `last` count rows from 1. `speakers` are as written, without inner white space;
    empty where the script does not name who speaks. A narrator's rows are `narration`, and have
    the narrator for a speaker.
    """

    kind: BlockKind
    parts: tuple[Part, ...]
    line: int
    last: int
    speakers: tuple[str, ...] = ()
    headings: tuple[Heading, ...] = ()

    @property
    def text(self) -> str:
        return "".join(part.text for part in self.parts)


@dataclass(frozen=True, slots=True)
class Scene:
    """What stands between two headings.

    `path` are the headings above it, outermost first. `continues` is the index of the scene
    that this one goes on with, its own index where it is not the continuation of another.
    """

    index: int
    path: tuple[Heading, ...]
    blocks: tuple[Block, ...]
    continues: int

    @property
    def name(self) -> str:
        """“第十一集 第203幕（续）”; empty before the first heading."""
        return " ".join(heading.label for heading in self.path)

    @property
    def line(self) -> int:
        return self.blocks[0].line


@dataclass(frozen=True, slots=True)
class Script:
    """A whole text: the parts of its blocks, joined, are the text, character by character."""

    blocks: tuple[Block, ...]
    scenes: tuple[Scene, ...]
    """In order; every block but headings and blank rows is in one."""
    doubts: tuple[Doubt, ...] = ()

    @property
    def text(self) -> str:
        return "".join(part.text for part in self.parts())

    def parts(self) -> Iterator[Part]:
        for block in self.blocks:
            yield from block.parts
