"""Wire shapes: what the HTTP API takes and gives. Sizes are limited here, once."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Id = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Offset = Annotated[int, Field(ge=0, le=10_000_000)]
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
ChapterTitle = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
Note = Annotated[str, StringConstraints(max_length=20_000)]
LONGEST_CHAPTER = 2_000_000
ChapterBody = Annotated[str, StringConstraints(max_length=LONGEST_CHAPTER)]
Status = Literal["outline", "draft", "done", "locked"]
Kind = Literal["preface", "chapter", "extra", "afterword"]


class Shape(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class Wanted(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Knower(Wanted):
    """Who knows it, from where of the telling on; without a chapter from the start."""

    character_id: Id
    chapter_id: Id | None = None
    offset: Offset = 0
