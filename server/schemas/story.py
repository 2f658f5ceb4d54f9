"""Wire shapes of story time: scenes, progressions of sheets, facts.

A place in the telling is a chapter's id and an offset into its current text, characters.
"""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from server.schemas.common import Id, Knower, Offset, Shape, Wanted

Rank = Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)]
Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Term = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000)]
Evidence = Annotated[str, StringConstraints(max_length=2000)]
Knowers = Annotated[list[Knower], Field(max_length=500)]

MOST_FACTS = 2000
"""Facts that one import may bring."""


class SceneFields(BaseModel):
    chapter_id: Id
    start: Offset = 0
    end: Offset | None = Field(default=None, description="None: to the chapter's end.")
    label: str = Field(default="", max_length=200)
    after_chapter_id: Id | None = Field(
        default=None, description="It happens right after this chapter; null: before the book."
    )
    rank: Rank = Field(default=0, description="Order among scenes after the same chapter.")
    backstory: bool = Field(
        default=False, description="Known from its story time on, even before it is told."
    )


class SceneNew(SceneFields, Wanted):
    pass


class SceneOut(SceneFields, Shape):
    id: str
    created_at: datetime


class SceneChange(Wanted):
    chapter_id: Id | None = None
    start: Offset | None = None
    end: Offset | None = None
    label: str | None = Field(default=None, max_length=200)
    after_chapter_id: Id | None = None
    rank: Rank | None = None
    backstory: bool | None = None


class TimeFields(BaseModel):
    """Where in the telling it begins and ends to hold, and who knows it; null: everybody."""

    since_chapter_id: Id | None = None
    since_offset: Offset = 0
    until_chapter_id: Id | None = None
    until_offset: Offset = 0
    known_by: Knowers | None = None


class TimeChange(BaseModel):
    since_chapter_id: Id | None = None
    since_offset: Offset | None = None
    until_chapter_id: Id | None = None
    until_offset: Offset | None = None
    known_by: Knowers | None = None


class ProgressionNew(TimeFields, Wanted):
    character_id: Id
    label: Label
    text: Text


class ProgressionOut(TimeFields, Shape):
    id: str
    character_id: str
    label: str
    text: str
    created_at: datetime
    updated_at: datetime


class ProgressionChange(TimeChange, Wanted):
    label: Label | None = None
    text: Text | None = None


class FactNew(TimeFields, Wanted):
    entity: Term
    attribute: Term
    value: Text
    character_id: Id | None = None
    evidence: Evidence = Field(
        default="", description="Words of the chapter that prove it; without a `since` of its own"
        " the fact holds from behind them on.",
    )  # fmt: skip
    evidence_chapter_id: Id | None = None
    evidence_start: Offset | None = Field(
        default=None, description="Where they stand; needed where they stand more than once."
    )


class FactOut(TimeFields, Shape):
    id: str
    entity: str
    attribute: str
    value: str
    character_id: str | None
    evidence: str
    evidence_chapter_id: str | None
    evidence_start: int
    evidence_end: int
    evidence_changed: bool = Field(
        default=False, description="Its words no longer stand in the chapter as they did."
    )
    origin: str
    created_at: datetime
    updated_at: datetime


class FactChange(TimeChange, Wanted):
    entity: Term | None = None
    attribute: Term | None = None
    value: Text | None = None
    character_id: Id | None = None
    evidence: Evidence | None = None
    evidence_chapter_id: Id | None = None
    evidence_start: Offset | None = None


class FactsIn(Wanted):
    facts: list[FactNew] = Field(min_length=1, max_length=MOST_FACTS)


class ParagraphOut(Shape):
    id: str = Field(description="The progression's; empty for what the sheet itself says.")
    label: str
    text: str


class HiddenOut(ParagraphOut):
    reason: str


class BondOut(BaseModel):
    character_id: str
    name: str
    label: str
    note: str


class StandingOut(BaseModel):
    """A sheet as it stands at one place, and what of it may not be shown there; whom they are
    related to, and which facts that hold there they know and do not know."""

    paragraphs: list[ParagraphOut]
    hidden: list[HiddenOut]
    relations: list[BondOut]
    known: list[str]
    unknown: list[str]
