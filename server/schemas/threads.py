"""Wire shapes of threads: what was planted, where it came up, whether it was answered."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from retrieval.threads import EventKind
from server.schemas.common import Id, Note, Offset, Shape, Title, Wanted
from server.schemas.story import Evidence

State = Literal["planted", "advanced", "resolved", "abandoned"]
Importance = Annotated[int, Field(ge=1, le=3, description="3 is the most.")]


class EventNew(Wanted):
    kind: EventKind
    chapter_id: Id
    offset: Offset | None = Field(
        default=None, description="Without it behind the words quoted, else the chapter's end."
    )
    quote: Evidence = Field(default="", description="Words of the chapter; it lies behind them.")
    note: Note = Field(default="", description="Told in prompts in the quote's place.")


class EventOut(Shape):
    id: str
    kind: EventKind
    chapter_id: str
    offset: int
    quote: str
    quote_changed: bool = Field(description="Its words no longer stand there as they did.")
    note: str
    created_at: datetime


class EventChange(Wanted):
    kind: EventKind | None = None
    chapter_id: Id | None = None
    offset: Offset | None = None
    quote: Evidence | None = None
    note: Note | None = None


class ThreadNew(Wanted):
    title: Title
    note: Note = Field(
        default="", description="The author's own, the answer among others; no prompt has it."
    )
    state: State | None = Field(default=None, description="Null: what its events say.")
    importance: Importance = 2
    due_chapter_id: Id | None = Field(default=None, description="Answered by its end.")
    due_note: Note = Field(default="", description="How; told in prompts from that chapter on.")
    events: list[EventNew] = Field(default_factory=list, max_length=200)


class ThreadOut(Shape):
    id: str
    title: str
    note: str
    state: State
    state_set: bool = Field(description="By the author; otherwise its events say so.")
    importance: int
    due_chapter_id: str | None
    due_note: str
    events: list[EventOut] = Field(description="In the order of the telling.")
    created_at: datetime
    updated_at: datetime


class ThreadChange(Wanted):
    title: Title | None = None
    note: Note | None = None
    state: State | None = Field(default=None, description="Null leaves it to its events.")
    importance: Importance | None = None
    due_chapter_id: Id | None = None
    due_note: Note | None = None
