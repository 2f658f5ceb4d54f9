"""Wire shapes of the book: works, volumes, chapters, revisions."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints, field_validator

from retrieval.budget import shares_from
from server.pigments import Pigment
from server.schemas.common import (
    ChapterBody,
    ChapterTitle,
    Id,
    Kind,
    Note,
    Shape,
    Status,
    Title,
    Wanted,
)

Numbering = Literal["auto", "own"]
Unit = Literal["章", "回", "节", "集"]
Goal = Annotated[int, Field(ge=0, le=1_000_000, description="Characters a day; 0: none.")]
ItemId = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class WorkOut(Shape):
    id: str
    title: str
    author: str
    synopsis: str
    style: str
    defaults: dict[str, Any]
    cover: Pigment
    goal: int
    numbering: Numbering
    unit: Unit
    chapters: int = 0
    done: int = Field(default=0, description="Chapters that are finished or locked.")
    chars: int = Field(default=0, description="Without blanks.")
    han: int = Field(default=0, description="Chinese characters alone.")
    today: int = Field(default=0, description="Characters typed and accepted today.")
    created_at: datetime
    updated_at: datetime
    edited_at: datetime = Field(description="When a chapter's text last changed.")
    deleted_at: datetime | None = None


class WorkNew(Wanted):
    title: Title
    author: str = Field(default="", max_length=200)
    synopsis: Note = ""
    style: Note = ""
    cover: Pigment | None = Field(default=None, description="null: one is given.")
    goal: Goal = 0
    numbering: Numbering = "auto"
    unit: Unit = "章"


class WorkChange(Wanted):
    title: Title | None = None
    author: str | None = Field(default=None, max_length=200)
    synopsis: Note | None = None
    style: Note | None = None
    cover: Pigment | None = None
    goal: Goal | None = None
    numbering: Numbering | None = None
    unit: Unit | None = None
    defaults: dict[str, Any] | None = Field(
        default=None,
        description="What is remembered for the next continuation; `budget` holds the work's own "
        'shares of the prompt by group, e.g. `{"passages": 0.2}`.',
    )

    @field_validator("defaults")
    @classmethod
    def _makes_a_budget(cls, defaults: dict[str, Any] | None) -> dict[str, Any] | None:
        budget = (defaults or {}).get("budget", {})
        if not isinstance(budget, dict):
            raise ValueError("budget 应当是各组份额的对照表")
        shares_from(budget)
        return defaults


class VolumeOut(Shape):
    id: str
    position: int
    title: str


class VolumeNew(Wanted):
    title: Title


class VolumeChange(Wanted):
    title: Title | None = None
    position: int | None = Field(
        default=None, ge=0, description="Its chapters move along in the telling."
    )


class ContextChoice(Wanted):
    """Ids of context items that every prompt in the chapter has to take or to leave."""

    pinned: list[ItemId] = Field(default_factory=list, max_length=500)
    excluded: list[ItemId] = Field(default_factory=list, max_length=500)


class ChapterOut(Shape):
    """A chapter without its text."""

    id: str
    volume_id: str | None
    position: int
    title: str
    label: str = Field(default="", description="第十二章; empty where it has no number.")
    name: str = Field(default="", description="The title without its number.")
    kind: str
    status: str
    notes: str
    context: ContextChoice
    revision: int
    chars: int
    han: int
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None


class ChapterFull(ChapterOut):
    text: str


class ChapterNew(Wanted):
    title: ChapterTitle = ""
    text: ChapterBody = ""
    volume_id: str | None = None
    kind: Kind = "chapter"
    position: int | None = Field(default=None, ge=0)


class ChapterChange(Wanted):
    title: ChapterTitle | None = None
    status: Status | None = None
    notes: Note | None = None
    context: ContextChoice | None = None
    volume_id: str | None = None
    position: int | None = Field(default=None, ge=0)


class TextSave(Wanted):
    text: ChapterBody
    base_revision: int | None = Field(
        default=None, ge=0, description="The revision this text was made from."
    )
    origin: Literal["typed", "rewritten", "pasted", "synced"] = "typed"
    generation: Id | None = Field(
        default=None,
        description="The text holds this generation or a part of it, which counts as accepted.",
    )
    candidate: int = Field(default=0, ge=0, le=100)


class Saved(BaseModel):
    revision: int
    chars: int
    changed: bool
