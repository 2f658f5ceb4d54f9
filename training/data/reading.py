"""Files into items: whatever they are, by their content; what cannot be used is told and left."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from retrieval.book import BookChapter
from retrieval.errors import ReadError
from retrieval.readers import read_book
from training.data.formats.alpaca import Instruction
from training.data.formats.json_rows import json_rows, looks_like_json
from training.data.formats.layout import Layout
from training.data.formats.rows import read_row
from training.data.items import kind_of
from training.data.store import Source
from training.errors import BadInput
from training.types import Item, Kind, Origin, Refusal, Text

HOPELESS = 1000
"""After so many refusals, and nothing taken, the rest of the files is not read."""
_PACKED = (b"%PDF-", b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_JSON_NAMES = (".json", ".jsonl", ".ndjson")


@dataclass(frozen=True, slots=True)
class Options:
    layout: Layout | None = None
    """What the columns are; None: each row is told by its own fields."""
    instruction: Instruction = "joined"
    work: str = ""
    """The book that everything belongs to; a book's own file says it by itself."""
    encoding: str | None = None
    """Of text files; None to find it out."""


@dataclass
class Reading:
    """The items of some files in order, to be gone through once.

    When that is done, `refusals`, `sources` and `notes` are whole. Items of another kind than
    the first one are refused, as a data set holds one kind. Raises BadInput for a file that is
    not there and where nothing can be read at all.
    """

    paths: Sequence[Path]
    options: Options = field(default_factory=Options)
    refusals: list[Refusal] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What readers of books found doubtful."""
    kind: Kind | None = None
    taken: int = 0

    def __iter__(self) -> Iterator[Item]:
        for path in files_in(self.paths):
            self.sources.append(Source(path.name, sha256_of(path)))
            for row, item in self._items(path):
                self.kind = self.kind or kind_of(item)
                if kind_of(item) == self.kind:
                    self.taken += 1
                    yield item
                else:
                    reason = f"这一条是 {kind_of(item)}，前面的是 {self.kind}，请分开导入"
                    self._refuse(Refusal(path.name, row, "", reason))

    def _items(self, path: Path) -> Iterator[tuple[int | None, Item]]:
        try:
            if is_json(path):
                yield from self._rows(path)
            else:
                yield from ((None, text) for text in self._chapters(path))
        except ReadError as error:
            self._refuse(Refusal(path.name, None, "", error.message))

    def _rows(self, path: Path) -> Iterator[tuple[int, Item]]:
        for row in json_rows(path):
            origin = Origin(path.name, f"第 {row.number} 条", work=self.options.work)
            try:
                if row.problem:
                    raise BadInput(row.problem)
                options = self.options
                item = read_row(row.value, origin, options.layout, options.instruction)
            except BadInput as error:
                self._refuse(Refusal(path.name, row.number, error.field, error.reason))
            else:
                yield row.number, item

    def _chapters(self, path: Path) -> Iterator[Text]:
        book = read_book(path.read_bytes(), path.name, self.options.encoding)
        self.notes += [f"{path.name}：{doubt.message}" for doubt in book.doubts]
        work = self.options.work or book.title
        for chapter in book.chapters:
            if text := chapter_text(chapter):
                place = " · ".join(part for part in (chapter.volume, chapter.title) if part)
                yield Text(text, Origin(path.name, place, work=work))

    def _refuse(self, refusal: Refusal) -> None:
        self.refusals.append(refusal)
        if not self.taken and len(self.refusals) >= HOPELESS:
            first = self.refusals[0]
            raise BadInput(
                f"头 {HOPELESS} 条没有一条能用，先停在这里；这一条的问题是：{first.reason}",
                file=first.source, row=first.row, field=first.field,
            )  # fmt: skip


def is_json(path: Path) -> bool:
    """Raises ReadError for a file that calls itself JSON and is not."""
    with path.open("rb") as file:
        packed = file.read(8).startswith(_PACKED)
    if not packed and looks_like_json(path):
        return True
    if path.suffix.lower() in _JSON_NAMES and not packed:
        raise ReadError(f"{path.name} 不是 JSON：里面没有以 {{ 或 [ 开头的数据，请检查这个文件。")
    return False


def files_in(paths: Iterable[Path]) -> Iterator[Path]:
    """Files, and those in folders, in the order of their names. Raises BadInput."""
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.is_file() and not _hidden(p, path))
            if not inside:
                raise BadInput(f"目录 {path} 里没有文件")
            yield from inside
        elif path.is_file():
            yield path
        else:
            raise BadInput(f"没有文件 {path}，请检查路径")


def chapter_text(chapter: BookChapter) -> str:
    """A chapter as it stands in the book: its heading and its text."""
    return "\n".join(part for part in (chapter.heading.strip(), chapter.text) if part.strip())


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)
