"""What is true when, and who knows it: scenes, progressions of sheets, relations, facts.

A place in the telling is a chapter's id and an offset into its current text; saving a chapter
moves the offsets along. The ids are plain columns, not foreign keys: what begins or ends in a
chapter that is gone holds nowhere until the author gives it a new place, instead of holding
everywhere.

`known_by` is None where everybody knows; else a list of `{"character_id", "chapter_id",
"offset"}`: who knows, from which place of the telling (`chapter_id` None: from the start).
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, ForeignKey, Text
from sqlmodel import Field, SQLModel

from server.models.base import made_at, owned_by, row_id

Knowers = list[dict[str, Any]]


def knowers() -> Any:
    return Field(default=None, sa_column=Column(JSON(none_as_null=True), nullable=True))


def place() -> Any:
    return Field(default=None, max_length=32, nullable=True)


class Scene(SQLModel, table=True):
    """A stretch of a chapter that happens at another time than its place in the telling says."""

    id: str = row_id()
    work_id: str = owned_by("work")
    chapter_id: str = owned_by("chapter")
    start: int = 0
    end: int | None = None
    """Offset behind its last character; None: to the chapter's end."""
    label: str = Field(default="", max_length=200)
    after_chapter_id: str | None = place()
    """It happens right after this chapter; None: before the book begins."""
    rank: float = 0.0
    """Order among the scenes after the same chapter."""
    backstory: bool = False
    """True from its story time on even for chapters told before it."""
    created_at: datetime = made_at()


class Progression(SQLModel, table=True):
    """A paragraph of a sheet that holds from one place of the telling to another.

    While it holds it stands in place of the sheet's own paragraph of the same label; of two
    that hold, the one that began later counts.
    """

    id: str = row_id()
    work_id: str = owned_by("work")
    character_id: str = owned_by("character")
    label: str = Field(max_length=100)
    text: str = Field(sa_type=Text)
    since_chapter_id: str | None = place()
    since_offset: int = 0
    until_chapter_id: str | None = place()
    until_offset: int = 0
    known_by: Knowers | None = knowers()
    created_at: datetime = made_at()
    updated_at: datetime = made_at()


class Relation(SQLModel, table=True):
    """What `b` is to `a` while it holds: a line of a's sheet, and of b's where it is mutual."""

    id: str = row_id()
    work_id: str = owned_by("work")
    a: str = owned_by("character")
    b: str = owned_by("character")
    label: str = Field(max_length=100)
    note: str = Field(default="", sa_type=Text)
    mutual: bool = True
    since_chapter_id: str | None = place()
    since_offset: int = 0
    until_chapter_id: str | None = place()
    until_offset: int = 0
    known_by: Knowers | None = knowers()
    created_at: datetime = made_at()
    updated_at: datetime = made_at()


class Fact(SQLModel, table=True):
    """(entity, attribute, value), when it holds, who knows it and where the text says so."""

    id: str = row_id()
    work_id: str = owned_by("work")
    character_id: str | None = Field(
        default=None,
        sa_column=Column(
            ForeignKey("character.id", ondelete="SET NULL"), nullable=True, index=True
        ),
    )
    entity: str = Field(max_length=200)
    attribute: str = Field(max_length=200)
    value: str = Field(sa_type=Text)
    since_chapter_id: str | None = place()
    since_offset: int = 0
    until_chapter_id: str | None = place()
    until_offset: int = 0
    known_by: Knowers | None = knowers()
    evidence: str = Field(default="", sa_type=Text)
    evidence_chapter_id: str | None = place()
    evidence_start: int = 0
    evidence_end: int = 0
    evidence_revision: int = 0
    origin: str = Field(default="author", max_length=20)
    """`author`, `import` or `extracted`."""
    created_at: datetime = made_at()
    updated_at: datetime = made_at()
