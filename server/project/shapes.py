"""The shapes of what stands in JSON columns, as a project file must have it."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from server.schemas.common import Id, Offset

Words = Annotated[str, Field(max_length=1000)]


class PlacedKnower(BaseModel):
    model_config = ConfigDict(extra="ignore")

    character_id: Id
    chapter_id: Id | None = None
    offset: Offset = 0


class Piece(BaseModel):
    words: Words
    chapter_id: Id | None = None
    offset: Offset = 0


class Line(BaseModel):
    text: Words
    pieces: list[Piece] = Field(default_factory=list, max_length=1000)
