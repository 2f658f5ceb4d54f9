"""A file's bytes to a book of chapters, with everything doubtful said.

`READERS` maps a format to its reader; a new one joins by one line there and one in `formats`.
Every reader makes the same noun, `Source`: lines, and the headings that the format declares.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from retrieval.book import AUTO, Book, BookChapter, Doubt, Kind, Order, Source, Way
from retrieval.chapters import make_book
from retrieval.readers.docx import read_docx
from retrieval.readers.epub import read_epub
from retrieval.readers.formats import SUFFIXES, told_apart
from retrieval.readers.markdown import read_markdown
from retrieval.readers.pdf import read_pdf
from retrieval.readers.text import read_text

__all__ = [
    "READERS", "Book", "BookChapter", "Doubt", "Kind", "Order", "Source", "Way", "file_order",
    "make_book", "read_book", "read_source",
]  # fmt: skip

Reader = Callable[[bytes, str | None], Source]


def read_book(
    data: bytes,
    filename: str,
    encoding: str | None = None,
    *,
    pattern: str = AUTO,
    add_headings: Collection[int] = (),
    drop_headings: Collection[int] = (),
    titles: Mapping[int, str] | None = None,
    drop_blank_lines: bool | None = None,
) -> Book:
    """Read a file's bytes as a book.

    `filename` may name the book, and its suffix the format; `encoding` overrides detection.
    `pattern` is a `Way`'s id. `add_headings` and `drop_headings` are 1-based line numbers of the
    source that the author declares to be headings, or not to be; `titles` are the author's own,
    by a chapter's line. `drop_blank_lines` between paragraphs: None decides by the format.

    Raises as `read_source` and `make_book`.
    """
    source = read_source(data, filename, encoding)
    order = file_order(
        filename, pattern, add_headings, drop_headings, titles or {}, drop_blank_lines
    )
    return make_book(source, order)


def file_order(
    filename: str,
    pattern: str,
    add_headings: Collection[int],
    drop_headings: Collection[int],
    titles: Mapping[int, str],
    drop_blank_lines: bool | None = None,
) -> Order:
    path = PurePosixPath(filename.replace("\\", "/"))
    name = path.stem if path.suffix.lower() in SUFFIXES else path.name
    return Order(
        name, pattern, frozenset(add_headings), frozenset(drop_headings), titles, drop_blank_lines
    )


def read_source(data: bytes, filename: str, encoding: str | None = None) -> Source:
    """What a file says, before anybody decides what its chapters are.

    Raises ReadError: an unsupported suffix, or one of EmptyText, BinaryFile, UnknownEncoding,
    MixedEncoding, EncryptedFile, DamagedFile, OversizedFile and ScannedPages.
    """
    form, doubts = told_apart(data, filename)
    source = READERS[form](data, encoding)
    return replace(source, doubts=(*doubts, *source.doubts))


READERS: Mapping[str, Reader] = {
    "txt": read_text,
    "md": read_markdown,
    "docx": lambda data, _: read_docx(data),
    "epub": lambda data, _: read_epub(data),
    "pdf": lambda data, _: read_pdf(data),
}
