"""Who can be talked to, and what was said: cards, conversations with their members, and their
trees of messages.

A persona may belong to a place of a work: `chapter_id` and `offset` say as of when they speak
(offset None: the chapter's end; chapter None: all of the work), `character_id` through whose
knowledge. Both are plain columns: where the chapter or the character is gone, less is known, not
everything.

A message's siblings (same `parent_id`) are its other versions; nothing that was said is changed
or lost by swiping, editing or asking again.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, ForeignKey, LargeBinary, Text
from sqlmodel import Field, SQLModel

from server.models.base import made_at, maybe_time, owned_by, row_id
from server.models.story import place


def _named_row(table: str) -> Any:
    """A foreign key that is forgotten when what it names goes."""
    reference = ForeignKey(f"{table}.id", ondelete="SET NULL")
    return Field(default=None, sa_column=Column(reference, nullable=True, index=True))


class Persona(SQLModel, table=True):
    id: str = row_id()
    slug: str = Field(max_length=64, unique=True)
    """The name for programs, ASCII."""
    position: int = 0
    name: str = Field(max_length=100)
    nickname: str = Field(default="", max_length=100)
    """What they are called where they speak; empty: the name."""
    summary: str = Field(default="", max_length=500)
    description: str = Field(default="", sa_type=Text)
    personality: str = Field(default="", sa_type=Text)
    scenario: str = Field(default="", sa_type=Text)
    first_message: str = Field(default="", sa_type=Text)
    alternates: list[str] = Field(default_factory=list, sa_type=JSON)
    """Other first messages."""
    examples: list[str] = Field(default_factory=list, sa_type=JSON)
    """Lines that they might say."""
    system_prompt: str = Field(default="", sa_type=Text)
    """In place of the template's own opening; empty: that one."""
    post_history: str = Field(default="", sa_type=Text)
    """What stands behind the last message."""
    color: str = Field(default="ink", max_length=20)
    tags: list[str] = Field(default_factory=list, sa_type=JSON)
    creator: str = Field(default="", max_length=200)
    notes: str = Field(default="", sa_type=Text)
    """For people; no prompt has them."""
    lorebook_id: str | None = _named_row("lorebook")
    work_id: str | None = _named_row("work")
    character_id: str | None = place()
    chapter_id: str | None = place()
    offset: int | None = None
    adapter: str | None = Field(default=None, max_length=200)
    extra: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    """What else a card from elsewhere brought."""
    created_at: datetime = made_at()
    updated_at: datetime = made_at()
    deleted_at: datetime | None = maybe_time()

    @property
    def called(self) -> str:
        """What `{{char}}` becomes."""
        return self.nickname or self.name


class Avatar(SQLModel, table=True):
    persona_id: str = Field(
        primary_key=True, foreign_key="persona.id", ondelete="CASCADE", max_length=32
    )
    image: bytes = Field(sa_type=LargeBinary)
    """As a character's portrait (`models.portrait`)."""
    sha256: str = Field(max_length=64)
    updated_at: datetime = made_at()


class Conversation(SQLModel, table=True):
    id: str = row_id()
    persona_id: str = owned_by("persona")
    """Who it began with: always its first member."""
    title: str = Field(default="", max_length=200)
    user_name: str = Field(default="我", max_length=100)
    user_note: str = Field(default="", sa_type=Text)
    """Who the other one is, as the persona knows it."""
    author_note: str = Field(default="", sa_type=Text)
    author_depth: int = 2
    """Messages that stand behind the author's note."""
    leaf_id: str | None = Field(default=None, max_length=32, nullable=True)
    """The message at which the conversation stands; None: before the first."""
    sampling: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    created_at: datetime = made_at()
    updated_at: datetime = made_at()
    deleted_at: datetime | None = maybe_time()


class Member(SQLModel, table=True):
    """Who takes part in a conversation, by the order in which they take turns. Whoever leaves it
    keeps the row, since what they said stays."""

    conversation_id: str = Field(
        primary_key=True, foreign_key="conversation.id", ondelete="CASCADE", max_length=32
    )
    persona_id: str = Field(primary_key=True, max_length=32)
    """Plain: of a persona that is gone there is still `name`."""
    name: str = Field(max_length=100)
    position: int = 0
    muted: bool = False
    """Speaks only where they are chosen."""
    present: bool = True


class ChatMessage(SQLModel, table=True):
    id: str = row_id()
    conversation_id: str = owned_by("conversation")
    parent_id: str | None = Field(
        default=None,
        sa_column=Column(
            ForeignKey("chatmessage.id", ondelete="CASCADE"), nullable=True, index=True
        ),
    )
    number: int
    """Counts the conversation's messages in the order in which they were made."""
    role: str = Field(max_length=20)
    """`user` or `assistant`."""
    persona_id: str | None = place()
    """Who spoke, of the members; None: the user."""
    text: str = Field(sa_type=Text)
    origin: str = Field(max_length=20)
    """`typed`, `generated`, `edited` or `greeting`."""
    details: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    """Of a generated one: model, how it ended, usage."""
    prompt: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    """The account of what it was written from."""
    created_at: datetime = made_at()
