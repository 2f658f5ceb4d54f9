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


class SearchOut(BaseModel):
    passages: list[FoundOut]
