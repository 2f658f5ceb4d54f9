"""Threads: what was planted in the telling and wants an answer, and where it came up.

Places are those of `server.models.story`: an event of a chapter that is gone counts nowhere.
"""

from datetime import datetime

from sqlalchemy import Text
from sqlmodel import Field, SQLModel

from server.models.base import made_at, owned_by, row_id
from server.models.story import place


class Thread(SQLModel, table=True):
    id: str = row_id()
    work_id: str = owned_by("work")
    title: str = Field(max_length=200)
    note: str = Field(default="", sa_type=Text)
    """The author's own, the answer to it among others: no prompt ever has it."""
    state: str = Field(default="", max_length=20)
    """What the author set; empty: what its events say."""
    importance: int = 2
    due_chapter_id: str | None = place()
    due_note: str = Field(default="", sa_type=Text)
    created_at: datetime = made_at()
    updated_at: datetime = made_at()


class ThreadEvent(SQLModel, table=True):
    """`offset` lies behind the quoted words, where there are any."""

    id: str = row_id()
    thread_id: str = owned_by("thread")
    kind: str = Field(max_length=20)
    """`plant`, `advance` or `resolve`."""
    chapter_id: str = Field(max_length=32, index=True)
    offset: int = 0
    quote: str = Field(default="", sa_type=Text)
    quote_changed: bool = False
    """Its words no longer stand in the chapter as they did."""
    note: str = Field(default="", sa_type=Text)
    created_at: datetime = made_at()
