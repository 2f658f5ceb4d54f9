"""What an upload would become: a book cut into chapters, or a project taken over as it is."""

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path

from sqlmodel import Session

from retrieval.book import AUTO, Doubt
from retrieval.readers import Book
from server.errors import NotFound
from server.importing.book import create_work, read_upload
from server.importing.corrections import Corrections
from server.models import Work
from server.project.keeping import keep_project
from server.project.reading import Project, is_project, read_project
from server.schemas.files import DoubtOut, PreviewChapter, PreviewOut, PreviewText, WayOut
from server.titles import full_titles

BEGINNING = 60
"""Characters of a chapter that the list shows."""


class Draft(ABC):
    """Nothing of it is a work before `keep`. `size` counts characters."""

    count: int
    size: int

    @abstractmethod
    def preview(self, upload: str, filename: str) -> PreviewOut: ...

    @abstractmethod
    def chapter(self, index: int) -> PreviewText:
        """Raises NotFound."""

    @abstractmethod
    def keep(self, session: Session) -> tuple[Work, Sequence[Doubt]]:
        """The work, in the caller's transaction, and what to tell its author."""


def open_draft(path: Path, filename: str, wish: Corrections) -> Draft:
    """Raises Refused and Invalid."""
    with path.open("rb") as file:
        zipped = file.read(4) == b"PK\x03\x04"
    if zipped and is_project(data := path.read_bytes()):
        return ProjectDraft(read_project(data), wish)
    return BookDraft(read_upload(path, filename, wish), wish)


class BookDraft(Draft):
    def __init__(self, book: Book, wish: Corrections) -> None:
        self._book, self._wish = book, wish
        self.count = len(book.chapters)
        self.size = sum(len(c.text) for c in book.chapters)

    def preview(self, upload: str, filename: str) -> PreviewOut:
        book = self._book
        doubts = _by_chapter(book)
        return PreviewOut(
            upload=upload,
            filename=filename,
            format=book.form,
            title=self._wish.title or book.title,
            author=book.author or "" if self._wish.author is None else self._wish.author,
            encoding=book.encoding,
            encodings=list(book.encodings),
            pattern=book.pattern,
            patterns=[WayOut.model_validate(way) for way in book.patterns],
            chars=self.size,
            chapters=[
                PreviewChapter(
                    index=n,
                    title=c.title,
                    volume=c.volume,
                    kind=c.kind,
                    line=c.line,
                    chars=len(c.text),
                    begins=c.text.strip()[:BEGINNING],
                    doubt=doubts.get(n),
                )
                for n, c in enumerate(book.chapters)
            ],
            doubts=[DoubtOut.model_validate(d) for d in book.doubts],
            blank_lines=book.blank_lines,
            drop_blank_lines=book.drop_blank_lines,
        )

    def chapter(self, index: int) -> PreviewText:
        _check(index, self.count)
        found = self._book.chapters[index]
        return PreviewText(title=found.title, text=found.text, lines=list(found.lines))

    def keep(self, session: Session) -> tuple[Work, Sequence[Doubt]]:
        return create_work(session, self._book, self._wish), self._book.doubts


class ProjectDraft(Draft):
    def __init__(self, project: Project, wish: Corrections) -> None:
        self._project, self._wish = project, wish
        self._texts = project.texts
        self.count = len(project.rows["chapters"])
        self.size = sum(map(len, self._texts.values()))

    def preview(self, upload: str, filename: str) -> PreviewOut:
        rows, work = self._project.rows, self._project.work
        titles = full_titles(work, rows["chapters"])
        volumes = {volume.id: volume.title for volume in rows["volumes"]}
        texts = [self._texts.get(chapter.id, "") for chapter in rows["chapters"]]
        return PreviewOut(
            upload=upload,
            filename=filename,
            format="zip",
            title=self._wish.title or work.title,
            author=work.author if self._wish.author is None else self._wish.author,
            encoding="",
            encodings=[],
            pattern=AUTO,
            patterns=[],
            chars=self.size,
            characters=len(rows["characters"]),
            chapters=[
                PreviewChapter(
                    index=n,
                    title=titles[c.id],
                    volume=volumes.get(c.volume_id),
                    kind=c.kind,
                    line=n + 1,
                    chars=len(text),
                    begins=text.strip()[:BEGINNING],
                )
                for n, (c, text) in enumerate(zip(rows["chapters"], texts, strict=True))
            ],
            doubts=[],
        )

    def chapter(self, index: int) -> PreviewText:
        _check(index, self.count)
        chapters = self._project.rows["chapters"]
        title = full_titles(self._project.work, chapters)[chapters[index].id]
        return PreviewText(title=title, text=self._texts.get(chapters[index].id, ""), lines=[])

    def keep(self, session: Session) -> tuple[Work, Sequence[Doubt]]:
        return keep_project(session, self._project, self._wish.title, self._wish.author)


def _check(index: int, count: int) -> None:
    if index >= count:
        raise NotFound("预览里没有这一章，请刷新预览。", code="chapter_not_found")


def _by_chapter(book: Book) -> dict[int, str]:
    """The first doubt about each chapter, by its index: the one whose lines hold the doubt's."""
    starts = [chapter.line for chapter in book.chapters]
    found: dict[int, str] = {}
    for doubt in book.doubts:
        place = bisect_right(starts, doubt.line) - 1 if doubt.line else -1
        if place >= 0:
            found.setdefault(place, doubt.message)
    return found
