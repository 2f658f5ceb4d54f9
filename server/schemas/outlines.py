"""Wire shapes of the outline."""

from typing import Literal

from pydantic import Field

from server.pigments import Pigment
from server.schemas.common import Note, Shape, Wanted


class OutlineOut(Shape):
    id: str
    parent_id: str | None
    chapter_id: str | None
    position: int
    kind: str
    title: str
    summary: str
    done: bool = Field(description="Ticked off: what a beat plans has been written.")
    color: Pigment | Literal[""]


class OutlineNew(Wanted):
    kind: Literal["premise", "volume", "chapter", "beat"]
    title: str = Field(default="", max_length=300)
    summary: Note = ""
    parent_id: str | None = None
    chapter_id: str | None = None
    position: int = Field(default=0, ge=0)
    done: bool = False
    color: Pigment | Literal[""] = ""


class OutlineChange(Wanted):
    title: str | None = Field(default=None, max_length=300)
    summary: Note | None = None
    parent_id: str | None = None
    chapter_id: str | None = None
    position: int | None = Field(default=None, ge=0)
    done: bool | None = None
    color: Pigment | Literal[""] | None = None


class OutlineMove(Wanted):
    """Where it goes: its new place among the children of `parent_id`, null for the top."""

    parent_id: str | None = None
    position: int = Field(ge=0)
