"""The formats of an exported work; a new one joins by one line in `FORMATS`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlmodel import Session

from server.exporting.docx import as_docx
from server.exporting.epub import as_epub
from server.exporting.manuscript import Manuscript, Wish, manuscript
from server.exporting.text import as_markdown, as_text
from server.models import Work
from server.project.writing import write_project

__all__ = ["FORMATS", "Format", "Wish", "export_work"]


@dataclass(frozen=True, slots=True)
class Format:
    """`text`: its bytes are UTF-8 that can be read as they are."""

    media_type: str
    write: Callable[[Session, Work, Wish], bytes]
    text: bool = False


def _told(write: Callable[[Manuscript], bytes]) -> Callable[[Session, Work, Wish], bytes]:
    return lambda session, work, wish: write(manuscript(session, work, wish))


FORMATS: Mapping[str, Format] = {
    "txt": Format("text/plain; charset=utf-8", _told(as_text), text=True),
    "md": Format("text/markdown; charset=utf-8", _told(as_markdown), text=True),
    "docx": Format(
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document", _told(as_docx)
    ),
    "epub": Format("application/epub+zip", _told(as_epub)),
    "zip": Format("application/zip", write_project),
}


def export_work(session: Session, work: Work, form: str, wish: Wish | None = None) -> bytes:
    """The book as a file; `form` is a key of FORMATS. Raises as `manuscript`, and Invalid where
    a part of a project is wanted."""
    return FORMATS[form].write(session, work, wish or Wish())
