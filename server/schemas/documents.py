"""Wire shapes of documents, and of questions about them."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from server.schemas.common import Shape, Wanted


class DocumentOut(Shape):
    id: str
    title: str
    filename: str
    form: str
    size: int = Field(description="Characters.")
    pages: int | None = Field(description="Null for a format without pages.")
    doubts: list[str] = Field(description="What its reader was not sure of.")
    created_at: datetime


class PartOut(Shape):
    """A chapter of a document, or all of it; only in a project file."""

    title: str
    text: str
    position: int = Field(ge=0)


class AskIn(Wanted):
    question: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)
    ]
    text: bool = Field(default=True, description="Also ask a work's own text.")


class WhereOut(Shape):
    source: str = Field(description="As a reader would cite it.")
    document_id: str | None = Field(description="Null: the work's own text.")
    document: str
    chapter_id: str | None = Field(description="Of the work's own text.")
    chapter: str
    page: int | None = Field(description="Null where the file has no pages.")
    position: int = Field(description="Characters of the chapter before it.")
    text: str


class SeenOut(WhereOut):
    """A passage that the model was shown."""

    score: float


class QuoteOut(WhereOut):
    """Words that stand where they are said to stand."""

    passage: int = Field(description="Which of the passages, from 0.")


class AnswerOut(Shape):
    """`done` of a question: an answer that rests on quotes, or `found` false."""

    found: bool
    answer: str
    unproved: str = Field(description="What the model said and could not prove; else empty.")
    quotes: list[QuoteOut]
    invented: list[str] = Field(description="What it gave for quotes and stands nowhere.")
