"""The rows of documents: who owns them, what is in them.

Functions take an open session and leave the transaction to the caller.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlmodel import Session, col, select

from retrieval.types import ChapterText
from server.errors import Conflict, NotFound
from server.manuscript import get_work
from server.models import Document, DocumentPart
from server.personas.cards import get_persona


@dataclass(frozen=True, slots=True)
class Owner:
    """A work or a persona."""

    kind: Literal["work", "persona"]
    id: str

    @property
    def index(self) -> str:
        """The name of its documents' index in the library."""
        return f"doc-{self.id}"

    def check(self, session: Session) -> None:
        """Raises NotFound."""
        if self.kind == "work":
            get_work(session, self.id)
        else:
            get_persona(session, self.id)


def list_documents(session: Session, owner: Owner) -> list[Document]:
    """The first uploaded first."""
    query = select(Document).where(_column(owner) == owner.id)
    return list(session.exec(query.order_by(col(Document.created_at), col(Document.id))))


def get_document(session: Session, document_id: str) -> Document:
    found = session.get(Document, document_id)
    if found is None:
        raise NotFound("没有这份资料，它可能已被删除。", code="document_not_found")
    return found


def owner_of(document: Document) -> Owner:
    if document.work_id is not None:
        return Owner("work", document.work_id)
    assert document.persona_id is not None
    return Owner("persona", document.persona_id)


def add_document(
    session: Session, owner: Owner, document: Document, parts: Sequence[DocumentPart]
) -> Document:
    """Raises Conflict where the owner has the very same file."""
    same = select(Document).where(_column(owner) == owner.id, Document.sha256 == document.sha256)
    there = session.exec(same).first()
    if there is not None:
        raise Conflict(f"这份资料已经在了，就是“{there.title}”。", code="same_document")
    session.add(document)
    session.flush()
    session.add_all(parts)
    return document


def parts_of(session: Session, owner: Owner) -> list[tuple[Document, DocumentPart]]:
    """Every part of every document, in the order in which the index counts them."""
    query = (
        select(Document, DocumentPart)
        .join(DocumentPart)
        .where(_column(owner) == owner.id)
        .order_by(col(Document.created_at), col(Document.id), col(DocumentPart.position))
    )
    return list(session.exec(query).all())


def chapters_of(parts: Sequence[tuple[Document, DocumentPart]]) -> list[ChapterText]:
    """As an index reads them."""
    return [ChapterText(part.id, n, part.title, part.text) for n, (_, part) in enumerate(parts)]


def _column(owner: Owner) -> Any:
    return col(Document.work_id if owner.kind == "work" else Document.persona_id)
