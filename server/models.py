"""The tables. They are the truth; indexes and everything derived can be rebuilt from them.

Nothing saved is overwritten: a chapter's text lives in its revisions, and saving adds one.
Times are UTC. Ids are random hex, so that rows can move between databases.
"""

import uuid
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, Column, DateTime, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel


def new_id() -> str:
    return uuid.uuid4().hex


def now() -> datetime:
    return datetime.now(UTC)


class UtcTime(TypeDecorator[datetime]):
    """SQLite forgets the time zone; what we store is UTC, so say so when reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        if value is None or value.tzinfo is not None:
            return value
        return value.replace(tzinfo=UTC)


def _id() -> Any:
    return Field(default_factory=new_id, primary_key=True, max_length=32)


def _owner(table: str, *, index: bool = True, nullable: bool = False) -> Any:
    """A foreign key that goes when its owner goes."""
    return Field(
        sa_column_args=(ForeignKey(f"{table}.id", ondelete="CASCADE"),),
        sa_column_kwargs={"index": index, "nullable": nullable},
        max_length=32,
    )


def _time() -> Any:
    return Field(default_factory=now, sa_type=UtcTime)


def _maybe_time() -> Any:
    return Field(default=None, sa_column=Column(UtcTime, nullable=True))


class Work(SQLModel, table=True):
    id: str = _id()
    title: str = Field(max_length=200)
    author: str = Field(default="", max_length=200)
    synopsis: str = Field(default="", sa_type=Text)
    style: str = Field(default="", sa_type=Text)
    defaults: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    """What the author last chose for generation here: length, sampling, adapter."""
    created_at: datetime = _time()
    updated_at: datetime = _time()
    deleted_at: datetime | None = _maybe_time()
    """Set while it lies in the bin; nothing shows it then, nothing is lost."""


class Volume(SQLModel, table=True):
    id: str = _id()
    work_id: str = _owner("work")
    position: int = 0
    title: str = Field(max_length=200)


class Chapter(SQLModel, table=True):
    """`position` orders the whole work, across volumes; `revision` is the current number."""

    __table_args__ = (Index("ix_chapter_order", "work_id", "position"),)

    id: str = _id()
    work_id: str = _owner("work", index=False)
    volume_id: str | None = Field(
        default=None,
        sa_column=Column(ForeignKey("volume.id", ondelete="SET NULL"), nullable=True),
    )
    position: int
    title: str = Field(max_length=300)
    kind: str = Field(default="chapter", max_length=20)
    status: str = Field(default="draft", max_length=20)
    notes: str = Field(default="", sa_type=Text)
    revision: int = 0
    chars: int = 0
    created_at: datetime = _time()
    updated_at: datetime = _time()
    deleted_at: datetime | None = _maybe_time()


class ChapterRevision(SQLModel, table=True):
    __table_args__ = (UniqueConstraint("chapter_id", "number"),)

    id: str = _id()
    chapter_id: str = _owner("chapter")
    number: int
    text: str = Field(sa_type=Text)
    sha256: str = Field(max_length=64)
    origin: str = Field(default="typed", max_length=20)
    """`import`, `typed`, `accepted` (a generation) or `restored`."""
    generation_id: str | None = Field(default=None, max_length=32)
    created_at: datetime = _time()


class Character(SQLModel, table=True):
    id: str = _id()
    work_id: str = _owner("work")
    position: int = 0
    name: str = Field(max_length=100)
    aliases: list[str] = Field(default_factory=list, sa_type=JSON)
    role: str = Field(default="", max_length=100)
    sheet: dict[str, str] = Field(default_factory=dict, sa_type=JSON)
    """Labelled paragraphs in the author's own order, e.g. 外貌, 性格, 秘密."""
    created_at: datetime = _time()
    updated_at: datetime = _time()


class OutlineNode(SQLModel, table=True):
    id: str = _id()
    work_id: str = _owner("work")
    parent_id: str | None = Field(
        default=None,
        sa_column=Column(
            ForeignKey("outlinenode.id", ondelete="CASCADE"), nullable=True, index=True
        ),
    )
    chapter_id: str | None = Field(
        default=None,
        sa_column=Column(ForeignKey("chapter.id", ondelete="SET NULL"), nullable=True, index=True),
    )
    position: int = 0
    kind: str = Field(default="chapter", max_length=20)
    """`premise`, `volume`, `chapter` or `beat`."""
    title: str = Field(default="", max_length=300)
    summary: str = Field(default="", sa_type=Text)


class Generation(SQLModel, table=True):
    """One request to the engine: what was asked, sent and answered, and the verdict."""

    id: str = _id()
    work_id: str = _owner("work")
    chapter_id: str | None = Field(
        default=None,
        sa_column=Column(ForeignKey("chapter.id", ondelete="SET NULL"), nullable=True, index=True),
    )
    revision: int
    offset: int
    request: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    prompt: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    outputs: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)
    """Per candidate: `text` and `finish_reason`; partial when it broke off."""
    usage: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    model: str = Field(default="", max_length=300)
    state: str = Field(default="running", max_length=20)
    """`running`, `done`, `failed` or `cancelled`."""
    error: str = Field(default="", sa_type=Text)
    verdict: str = Field(default="", max_length=20)
    """`accepted`, `refused` or empty; becomes preference data later."""
    created_at: datetime = _time()
    finished_at: datetime | None = _maybe_time()


class Upload(SQLModel, table=True):
    """A file waiting between preview and import; its bytes lie in the data directory."""

    id: str = _id()
    filename: str = Field(max_length=300)
    sha256: str = Field(max_length=64)
    size: int
    created_at: datetime = _time()
