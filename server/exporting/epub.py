"""An EPUB 3: one document a chapter, contents for new and old readers, a cover in its cloth.

Source: EPUB 3.3, and EPUB 2's NCX for readers that know no other contents.
"""

import io
import uuid
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC
from typing import Any

from server.exporting.epub_templates import CONTAINER, STYLE, TEMPLATES
from server.exporting.manuscript import Manuscript, blocks, printable

CLOTHS: Mapping[str, str] = {
    "ink": "#4a4f57", "azurite": "#2c5878", "malachite": "#45614f", "gamboge": "#80662a",
    "ochre": "#7a5238", "rouge": "#78404c", "indigo": "#4f4c80", "ash": "#6d7470",
}  # fmt: skip
"""The cloth of each pigment, as `webui/src/ui/cloth.css` has it."""
_KINDS = {"chapter": "chapter", "preface": "preface", "extra": "chapter", "afterword": "afterword"}
_ROLES = {"chapter": "doc-chapter", "preface": "doc-preface", "afterword": "doc-afterword"}
LABEL_LINES = 9
"""Characters of a title, from top to bottom, that one column of the cover's label holds."""


@dataclass(frozen=True, slots=True)
class _Page:
    id: str
    title: str
    text: str

    @property
    def href(self) -> str:
        return f"{self.id}.xhtml"


@dataclass(frozen=True, slots=True)
class _Entry:
    """A line of the contents."""

    order: int
    title: str
    href: str
    below: tuple["_Entry", ...] = ()


def as_epub(book: Manuscript) -> bytes:
    book = replace(book, title=printable(book.title), author=printable(book.author))
    pages = list(_pages(book))
    shared = {
        "book": book,
        "title": book.title,
        "identifier": f"urn:uuid:{uuid.UUID(book.id)}",
        "modified": book.edited_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "cloth": CLOTHS.get(book.cover, CLOTHS["ink"]),
        "pages": pages,
        "contents": _contents(pages),
        "start": pages[0].href,
        **_label(book.title),
    }
    files = {"META-INF/container.xml": CONTAINER, "OEBPS/style.css": STYLE}
    for name in ("content.opf", "nav.xhtml", "toc.ncx", "cover.svg", "cover.xhtml"):
        files[f"OEBPS/{name}"] = TEMPLATES.get_template(name).render(shared)
    files |= {f"OEBPS/{page.href}": page.text for page in pages}
    return _zipped(files, book)


def _pages(book: Manuscript) -> Iterator[_Page]:
    volume, chapter = TEMPLATES.get_template("volume"), TEMPLATES.get_template("chapter")
    volumes = 0
    for number, told in enumerate(book.chapters, 1):
        if told.volume is not None:
            volumes += 1
            title = printable(told.volume)
            yield _Page(f"v{volumes:03d}", title, volume.render(title=title))
        title = printable(told.title)
        text = chapter.render(
            title=title,
            kind=_KINDS.get(told.kind, "chapter"),
            role=_ROLES.get(told.kind, ""),
            level=2 if book.has_volumes else 1,
            blocks=list(blocks(told.text)),
            notes=list(blocks(told.notes)),
        )
        yield _Page(f"c{number:04d}", title, text)


def _contents(pages: list[_Page]) -> list[_Entry]:
    """Chapters below their volumes; those before the first one stand by themselves."""
    entries: list[_Entry] = []
    inside = False
    for order, page in enumerate(pages, 1):
        entry = _Entry(order, page.title, page.href)
        inside = inside or page.id.startswith("v")
        if inside and not page.id.startswith("v"):
            entries[-1] = replace(entries[-1], below=(*entries[-1].below, entry))
        else:
            entries.append(entry)
    return entries


def _label(title: str) -> dict[str, Any]:
    """Where each character of the title stands on the cover, in columns from the right."""
    size = 96 if len(title) <= 2 * LABEL_LINES else 48
    high = LABEL_LINES * 96 // size
    columns = [title[n : n + high] for n in range(0, min(len(title), 3 * high), high)]
    glyphs = [
        {"x": 900 - 160 - size * (0.5 + 1.25 * c), "y": 160 + size * (r + 0.9), "text": glyph}
        for c, column in enumerate(columns)
        for r, glyph in enumerate(column)
    ]
    wide = size * (1 + 1.25 * (len(columns) - 1))
    tall = size * max(len(column) for column in columns)
    return {"size": size, "glyphs": glyphs, "left": 900 - 200 - wide, "tall": tall}


def _zipped(files: Mapping[str, str], book: Manuscript) -> bytes:
    """The type of the whole comes first, as it is, so that its bytes tell it."""
    when = book.edited_at.timetuple()[:6]
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        first = zipfile.ZipInfo("mimetype", when)
        archive.writestr(first, "application/epub+zip", zipfile.ZIP_STORED)
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name, when), text, zipfile.ZIP_DEFLATED)
    return made.getvalue()
