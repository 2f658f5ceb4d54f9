"""Wire shapes of a work's time: everything that happens at a place, in the story's order."""

from typing import Literal

from pydantic import BaseModel, Field

from server.schemas.common import Shape

Kind = Literal["chapter", "scene", "progression", "relation", "fact", "thread"]


class PlaceOut(Shape):
    chapter_id: str
    offset: int


class MomentOut(BaseModel):
    at: PlaceOut = Field(description="Where it is told.")
    story_order: float | None = Field(
        description="Chapter n happens between n and n + 1, counted from 0; a scene between two"
        " chapters in the first tenth behind the earlier. Null: nobody knows when."
    )  # fmt: skip
    kind: Kind
    id: str = Field(description="Of the row; of a thread its event's.")
    title: str
    text: str
    character_ids: list[str]
    ends: bool = Field(default=False, description="It stops to hold here.")
    thread_id: str | None = None
