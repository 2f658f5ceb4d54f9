"""From a file to a work: preview first, then one transaction that makes all of it or nothing."""

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from sqlmodel import Session, col, select

from retrieval.errors import RetrievalError
from retrieval.readers import Book, read_book
from server.errors import NotFound, TooLarge, from_retrieval
from server.manuscript import add_chapter
from server.models import Upload, Volume, Work, new_id, now

KEPT_FOR = timedelta(days=1)
"""How long an upload waits for its author before it is cleared away."""


@dataclass(frozen=True, slots=True)
class Corrections:
    """What the author changed in the preview; lines count from 1."""

    encoding: str | None = None
    title: str | None = None
    author: str | None = None
    add_headings: frozenset[int] = field(default_factory=frozenset)
    drop_headings: frozenset[int] = field(default_factory=frozenset)


def check_size(size: int, limit: int) -> None:
    if size > limit:
        raise TooLarge(
            f"文件有 {size / 2**20:.0f} MB，超过了上限 {limit / 2**20:.0f} MB，"
            "请分成几个文件导入，或调高 YANCHI_MAX_IMPORT_BYTES。"
        )


def read(data: bytes, filename: str, corrections: Corrections | None = None) -> Book:
    """The book in a file. Raises Refused with retrieval's own code."""
    wish = corrections or Corrections()
    try:
        return read_book(
            data,
            filename,
            wish.encoding,
            add_headings=wish.add_headings,
            drop_headings=wish.drop_headings,
        )
    except RetrievalError as error:
        raise from_retrieval(error) from error


def keep_upload(session: Session, folder: Path, filename: str, data: bytes) -> Upload:
    """Put a file aside until its author has looked at the preview."""
    folder.mkdir(parents=True, exist_ok=True)
    _clear_old(session, folder)
    upload = Upload(
        id=new_id(),
        filename=Path(filename).name[:300] or "未命名.txt",
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
    )
    partial = folder / f"{upload.id}.part"
    partial.write_bytes(data)
    partial.replace(folder / upload.id)
    session.add(upload)
    return upload


def open_upload(session: Session, folder: Path, upload_id: str) -> tuple[Upload, bytes]:
    upload = session.get(Upload, upload_id)
    path = folder / upload.id if upload else None
    if upload is None or path is None or not path.is_file():
        raise NotFound("这个待导入的文件已不在了，请重新上传。", code="upload_not_found")
    return upload, path.read_bytes()


def drop_upload(session: Session, folder: Path, upload: Upload) -> None:
    session.delete(upload)
    (folder / upload.id).unlink(missing_ok=True)


def create_work(session: Session, book: Book, corrections: Corrections | None = None) -> Work:
    """All rows of the book, in the caller's transaction."""
    wish = corrections or Corrections()
    work = Work(
        title=(wish.title or book.title).strip()[:200] or "未命名",
        author=(wish.author or book.author or "").strip()[:200],
    )
    session.add(work)
    session.flush()
    volumes: dict[str, str] = {}
    for place, chapter in enumerate(book.chapters):
        if chapter.volume and chapter.volume not in volumes:
            volume = Volume(work_id=work.id, position=len(volumes), title=chapter.volume[:200])
            session.add(volume)
            session.flush()
            volumes[chapter.volume] = volume.id
        add_chapter(
            session,
            work,
            chapter.title[:300],
            text=chapter.text,
            volume_id=volumes.get(chapter.volume or ""),
            kind=chapter.kind,
            position=place,
            origin="import",
        )
    return work


def _clear_old(session: Session, folder: Path) -> None:
    old = session.exec(select(Upload).where(col(Upload.created_at) < now() - KEPT_FOR))
    for upload in old:
        drop_upload(session, folder, upload)
