"""A file's bytes to a book of chapters, with everything doubtful said.

`READERS` maps a file name's suffix to its reader; a new format joins by one line there.
"""

import re
from collections.abc import Callable, Collection, Mapping
from pathlib import PurePosixPath

from retrieval.book import Book, BookChapter, Doubt, Kind, Order
from retrieval.chapters import make_book
from retrieval.encoding import decode
from retrieval.errors import ReadError
from retrieval.front_matter import Front
from retrieval.headings import choose
from retrieval.markdown import read_markdown

__all__ = ["READERS", "Book", "BookChapter", "Doubt", "Kind", "Order", "read_book"]


def read_book(
    data: bytes,
    filename: str,
    encoding: str | None = None,
    *,
    add_headings: Collection[int] = (),
    drop_headings: Collection[int] = (),
) -> Book:
    """Read a file's bytes as a book.

    `filename` chooses the reader by its suffix and may name the book; `encoding` overrides
    detection. `add_headings` and `drop_headings` are 1-based line numbers of the source that
    the author declares to be headings, or not to be.

    Raises ReadError: an unsupported suffix, a line that cannot be a heading, or one of
    EmptyText, BinaryFile, UnknownEncoding and MixedEncoding.
    """
    path = PurePosixPath(filename.replace("\\", "/"))
    suffix = path.suffix.lower()
    name = path.stem if suffix in READERS else path.name
    order = Order(data, name, encoding, frozenset(add_headings), frozenset(drop_headings))
    return _reader_for(suffix)(order)


def _reader_for(suffix: str) -> Callable[[Order], Book]:
    if suffix in READERS:
        return READERS[suffix]
    if re.fullmatch(r"\.[a-z][a-z0-9]{0,4}", suffix):
        known = "、".join(sorted(READERS))
        raise ReadError(f"还不能导入 {suffix} 文件，请另存为 TXT 或 Markdown（{known}）后再导入。")
    return read_txt  # no suffix, or a dot inside a Chinese name


def read_txt(order: Order) -> Book:
    decoded = decode(order.data, order.encoding)
    lines = decoded.text.split("\n")
    stray = tuple(Doubt("stray_bytes", w.message, w.line) for w in decoded.warnings)
    return make_book(order, lines, choose(lines), decoded.encoding, stray, Front())


READERS: Mapping[str, Callable[[Order], Book]] = {
    ".txt": read_txt,
    ".text": read_txt,
    ".md": read_markdown,
    ".markdown": read_markdown,
}
