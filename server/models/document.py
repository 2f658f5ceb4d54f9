"""Documents to ask about: files that belong to a work or to a persona, as they were read."""

from datetime import datetime

from sqlalchemy import JSON, Text
from sqlmodel import Field, SQLModel

from server.models.base import made_at, owned_by, row_id


class Document(SQLModel, table=True):
    """Belongs to a work or to a persona, never to both."""

    id: str = row_id()
    work_id: str | None = owned_by("work", nullable=True)
    persona_id: str | None = owned_by("persona", nullable=True)
    title: str = Field(max_length=300)
    filename: str = Field(max_length=300)
    form: str = Field(max_length=20)
    sha256: str = Field(max_length=64)
    size: int
    """Characters."""
    pages: int | None = None
    """None for a format without pages."""
    doubts: list[str] = Field(default_factory=list, sa_type=JSON)
    """What its reader was not sure of, in sentences."""
    created_at: datetime = made_at()


class DocumentPart(SQLModel, table=True):
    """A chapter, or all of a document without any."""

    id: str = row_id()
    document_id: str = owned_by("document")
    position: int
    title: str = Field(max_length=300)
    text: str = Field(sa_type=Text)
    pages: list[list[int]] = Field(default_factory=list, sa_type=JSON)
    """(offset in the text, page from 1) wherever a page begins; [] without pages."""
