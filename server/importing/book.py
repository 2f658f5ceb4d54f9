"""A book in a file: read, and made into a work."""

from pathlib import Path

from sqlmodel import Session

from retrieval.errors import RetrievalError
from retrieval.readers import Book, Source, file_order, make_book, read_source
from server.errors import from_retrieval
from server.importing.corrections import Corrections
from server.importing.rows import Fresh, chapter_rows
from server.kept import Kept
from server.models import Volume, Work

MOST_READ = 2
"""Files that stay read while their authors look at them; a large one takes a few hundred MB."""


def read(data: bytes, filename: str, wish: Corrections | None = None) -> Book:
    """The book in a file. Raises Refused with retrieval's own code."""
    wish = wish or Corrections()
    try:
        return _cut(read_source(data, filename, wish.encoding), filename, wish)
    except RetrievalError as error:
        raise from_retrieval(error) from error


def read_upload(path: Path, filename: str, wish: Corrections) -> Book:
    """The same of a file that waits. It is read once for all corrections but the encoding."""
    try:
        return _cut(_sources.of(path.name, (path, filename, wish.encoding)), filename, wish)
    except RetrievalError as error:
        raise from_retrieval(error) from error


def create_work(session: Session, book: Book, wish: Corrections | None = None) -> Work:
    """All rows of the book, in the caller's transaction."""
    wish = wish or Corrections()
    work = Work(
        title=(wish.title or book.title).strip()[:200] or "未命名",
        author=(wish.author or book.author or "").strip()[:200],
    )
    session.add(work)
    session.flush()
    names = dict.fromkeys(c.volume for c in book.chapters if c.volume)
    volumes = {
        name: Volume(work_id=work.id, position=n, title=name[:200]) for n, name in enumerate(names)
    }
    session.add_all(volumes.values())
    session.flush()
    ids = {name: volume.id for name, volume in volumes.items()}
    session.add_all(chapter_rows(work.id, [
        Fresh(title=c.title[:300], text=c.text, volume_id=ids.get(c.volume or ""), kind=c.kind)
        for c in book.chapters
    ]))  # fmt: skip
    session.flush()
    return work


def _cut(source: Source, filename: str, wish: Corrections) -> Book:
    order = file_order(
        filename, wish.pattern, wish.add_headings, wish.drop_headings, wish.titles,
        wish.drop_blank_lines,
    )  # fmt: skip
    return make_book(source, order)


def _read_source(what: tuple[Path, str, str | None]) -> Source:
    path, filename, encoding = what
    return read_source(path.read_bytes(), filename, encoding)


_sources: Kept[tuple[Path, str, str | None], Source] = Kept(_read_source, MOST_READ)
