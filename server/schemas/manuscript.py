"""Wire shapes of the book: works, volumes, chapters, revisions, characters, outlines."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints, field_validator

from retrieval.budget import shares_from
from server.schemas.common import ChapterBody, Kind, Note, Shape, Status, Title, Wanted


class WorkOut(Shape):
    id: str
    title: str
    author: str
    synopsis: str
    style: str
    defaults: dict[str, Any]
    chapters: int = 0
    chars: int = 0
    created_at: datetime
    updated_at: datetime


class WorkNew(Wanted):
    title: Title
    author: str = Field(default="", max_length=200)
    synopsis: Note = ""
    style: Note = ""


class WorkChange(Wanted):
    title: Title | None = None
    author: str | None = Field(default=None, max_length=200)
    synopsis: Note | None = None
    style: Note | None = None
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


class ChapterOut(Shape):
    """A chapter without its text."""

    id: str
    volume_id: str | None
    position: int
    title: str
    kind: str
    status: str
    notes: str
    revision: int
    chars: int
    created_at: datetime
    updated_at: datetime


class ChapterFull(ChapterOut):
    text: str


class ChapterNew(Wanted):
    title: Title
    text: ChapterBody = ""
    volume_id: str | None = None
    kind: Kind = "chapter"
    position: int | None = Field(default=None, ge=0)


class ChapterChange(Wanted):
    title: Title | None = None
    status: Status | None = None
    notes: Note | None = None
    volume_id: str | None = None
    position: int | None = Field(default=None, ge=0)


class TextSave(Wanted):
    text: ChapterBody
    base_revision: int | None = Field(
        default=None, ge=0, description="The revision this text was made from."
    )


class Saved(BaseModel):
    revision: int
    chars: int
    changed: bool


class RevisionOut(Shape):
    number: int
    sha256: str
    origin: str
    generation_id: str | None
    created_at: datetime
    length: int = 0


class RevisionFull(RevisionOut):
    text: str


class CharacterOut(Shape):
    id: str
    position: int
    name: str
    aliases: list[str]
    role: str
    sheet: dict[str, str]


Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]


class CharacterNew(Wanted):
    name: Name
    aliases: list[Name] = Field(default_factory=list, max_length=50)
    role: str = Field(default="", max_length=100)
    sheet: dict[str, Note] = Field(default_factory=dict, max_length=100)


class CharacterChange(Wanted):
    name: Name | None = None
    aliases: list[Name] | None = Field(default=None, max_length=50)
    role: str | None = Field(default=None, max_length=100)
    sheet: dict[str, Note] | None = Field(default=None, max_length=100)
    position: int | None = Field(default=None, ge=0)


class OutlineOut(Shape):
    id: str
    parent_id: str | None
    chapter_id: str | None
    position: int
    kind: str
    title: str
    summary: str


class OutlineNew(Wanted):
    kind: Literal["premise", "volume", "chapter", "beat"]
    title: str = Field(default="", max_length=300)
    summary: Note = ""
    parent_id: str | None = None
    chapter_id: str | None = None
    position: int = Field(default=0, ge=0)


class OutlineChange(Wanted):
    title: str | None = Field(default=None, max_length=300)
    summary: Note | None = None
    parent_id: str | None = None
    chapter_id: str | None = None
    position: int | None = Field(default=None, ge=0)
