"""Wire shapes of search."""

from pydantic import BaseModel, Field


class FoundOut(BaseModel):
    chapter: int = Field(description="The chapter's place in the book, from 1.")
    chapter_id: str
    title: str
    position: int = Field(description="Characters of the chapter before the passage.")
    score: float
    ranks: dict[str, int]
    text: str


class ChapterFoundOut(BaseModel):
    chapter: int
    title: str
    score: float


class SearchOut(BaseModel):
    passages: list[FoundOut]
    chapters: list[ChapterFoundOut]
    notice: str | None = None
    """What the search had to do without, in a sentence for the author."""
