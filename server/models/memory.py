"""What a persona remembers of its talks: summaries of what was said, and whether other talks count."""

from datetime import datetime

from sqlalchemy import Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from server.models.base import made_at, owned_by, row_id


class TalkSummary(SQLModel, table=True):
    """What was said from a conversation's first message to `upto_id`, as a model or the author told
    it. What no row tells is extracted when it is asked for, and stands nowhere."""

    __table_args__ = (UniqueConstraint("conversation_id", "upto_id"),)

    id: str = row_id()
    conversation_id: str = owned_by("conversation")
    upto_id: str = owned_by("chatmessage")
    """The last message that it tells. Its parents are the others: another branch has another one."""
    since_id: str | None = Field(default=None, max_length=32, nullable=True)
    """The `upto_id` of the summary that it went on from; None: it read from the first message."""
    text: str = Field(default="", sa_type=Text)
    maker: str = Field(default="", max_length=300)
    """The model's name, or `author` for what was written by hand."""
    source_hash: str = Field(default="", max_length=64)
    """SHA-256 over what it was made from; another one now means that it is stale."""
    created_at: datetime = made_at()
    updated_at: datetime = made_at()


class TalkMemory(SQLModel, table=True):
    """What the author chose for one conversation; no row: as it comes."""

    conversation_id: str = Field(
        primary_key=True, foreign_key="conversation.id", ondelete="CASCADE", max_length=32
    )
    others: bool = True
    """Whether the personas remember their other conversations in this one."""
