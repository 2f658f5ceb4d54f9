"""The book itself: works, volumes, chapters and their revisions, characters, outlines, and what
was generated for them.

Nothing saved is overwritten: a chapter's text lives in its revisions, and saving adds one.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.event import listens_for
from sqlmodel import Field, SQLModel

from server.models.base import made_at, maybe_time, owned_by, row_id
from server.pigments import pigment


class Work(SQLModel, table=True):
    id: str = row_id()
    title: str = Field(max_length=200)
    author: str = Field(default="", max_length=200)
    synopsis: str = Field(default="", sa_type=Text)
    style: str = Field(default="", sa_type=Text)
    defaults: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    """What the author last chose for generation here: length, sampling, adapter."""
    cover: str = Field(default="", max_length=20)
    """A pigment; chosen by the work's id when it is first written, if nobody chose."""
    goal: int = 0
    """Characters to write a day; 0: none."""
    numbering: str = Field(default="own", max_length=20)
    """`own`: a chapter's title says its number; `auto`: chapters are counted (`server.titles`)."""
    unit: str = Field(default="章", max_length=20)
    created_at: datetime = made_at()
    updated_at: datetime = made_at()
    edited_at: datetime = made_at()
    """When a text of it last changed."""
    deleted_at: datetime | None = maybe_time()
    """Set while it lies in the bin; nothing shows it then, nothing is lost."""


@listens_for(Work, "before_insert")
def _bind(_mapper: Any, _connection: Any, work: Work) -> None:
    work.cover = work.cover or pigment(int(work.id, 16))


class Volume(SQLModel, table=True):
    id: str = row_id()
    work_id: str = owned_by("work")
    position: int = 0
    title: str = Field(max_length=200)


class Chapter(SQLModel, table=True):
    """`position` orders the whole work, across volumes; `revision` is the current number."""

    __table_args__ = (Index("ix_chapter_order", "work_id", "position"),)

    id: str = row_id()
    work_id: str = owned_by("work", index=False)
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
    han: int = 0
    context: dict[str, list[str]] = Field(default_factory=dict, sa_type=JSON)
    """What every prompt in this chapter has to take (`pinned`) or to leave (`excluded`), by id."""
    created_at: datetime = made_at()
    updated_at: datetime = made_at()
    deleted_at: datetime | None = maybe_time()


class ChapterRevision(SQLModel, table=True):
    __table_args__ = (
        UniqueConstraint("chapter_id", "number"),
        Index("ix_chapterrevision_created_at", "created_at"),
    )

    id: str = row_id()
    chapter_id: str = owned_by("chapter")
    number: int
    text: str = Field(sa_type=Text)
    sha256: str = Field(max_length=64)
    origin: str = Field(default="typed", max_length=20)
    """`import`, `restored`, `replaced`, `accepted` (a generation), or how the author's own hand
    came by it: `typed`, `rewritten`, `pasted`, `synced`."""
    generation_id: str | None = Field(default=None, max_length=32)
    candidate: int = 0
    """Which of the generation's candidates."""
    chars: int = 0
    added: int = 0
    """Characters that the revision before did not have; blanks do not count."""
    removed: int = 0
    snapshot: str = Field(default="", max_length=20)
    """`author` or `before` (something was about to change a lot) where it is kept; else empty."""
    label: str = Field(default="", max_length=200)
    created_at: datetime = made_at()


class Character(SQLModel, table=True):
    id: str = row_id()
    work_id: str = owned_by("work")
    position: int = 0
    name: str = Field(max_length=100)
    aliases: list[str] = Field(default_factory=list, sa_type=JSON)
    role: str = Field(default="", max_length=100)
    sheet: dict[str, str] = Field(default_factory=dict, sa_type=JSON)
    """Labelled paragraphs in the author's own order, e.g. 外貌, 性格, 秘密."""
    color: str = Field(default="ink", max_length=20)
    summary: str = Field(default="", max_length=500)
    """One line for whoever only wants to know who it is."""
    voice: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)
    """What they might say, as `server.voices` keeps it: lines with their places in the book."""
    created_at: datetime = made_at()
    updated_at: datetime = made_at()


class OutlineNode(SQLModel, table=True):
    id: str = row_id()
    work_id: str = owned_by("work")
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
    done: bool = False
    color: str = Field(default="", max_length=20)


class Generation(SQLModel, table=True):
    """One request to the engine: what was asked, sent and answered, and the verdict."""

    __table_args__ = (Index("ix_generation_latest", "chapter_id", "created_at"),)

    id: str = row_id()
    work_id: str = owned_by("work")
    chapter_id: str | None = Field(
        default=None,
        sa_column=Column(ForeignKey("chapter.id", ondelete="SET NULL"), nullable=True),
    )
    kind: str = Field(default="continue", max_length=20)
    """`continue` or `rewrite`."""
    revision: int
    offset: int
    end: int | None = None
    """Of what was to be rewritten, which begins at `offset`."""
    request: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    prompt: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    settled: dict[str, Any] = Field(
        default_factory=dict, sa_column=Column(JSON, nullable=False, server_default="{}")
    )
    """What of the prompt the next continuation of the chapter goes on from (`writing.standing`)."""
    outputs: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)
    """Per candidate: `text` and `finish_reason`; partial when it broke off."""
    usage: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    model: str = Field(default="", max_length=300)
    state: str = Field(default="running", max_length=20)
    """`running`, `done`, `failed` or `cancelled`."""
    error: str = Field(default="", sa_type=Text)
    verdict: str = Field(default="", max_length=20)
    """`accepted`, `refused` or empty; becomes preference data later."""
    created_at: datetime = made_at()
    finished_at: datetime | None = maybe_time()


class Upload(SQLModel, table=True):
    """A file waiting between preview and import; its bytes lie in the data directory."""

    id: str = row_id()
    filename: str = Field(max_length=300)
    sha256: str = Field(max_length=64)
    size: int
    created_at: datetime = made_at()
