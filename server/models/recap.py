"""Recaps: what a stretch of the book told, tied to the hash of what was read for it."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from server.models.base import made_at, owned_by, row_id


class Recap(SQLModel, table=True):
    """One for each chapter, volume and, at a volume's end, the whole so far."""

    __table_args__ = (UniqueConstraint("work_id", "level", "target_id"),)

    id: str = row_id()
    work_id: str = owned_by("work")
    level: str = Field(max_length=20)
    """`chapter`, `volume` or `book` (the skeleton of everything up to the target's end)."""
    target_id: str = Field(max_length=64)
    text: str = Field(default="", sa_type=Text)
    maker: str = Field(default="", max_length=300)
    """`extractive`, the model's name, or `author` for what was written by hand."""
    source_hash: str = Field(default="", max_length=64)
    """SHA-256 over what it was made from; another one now means that it is stale."""
    sources: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)
    created_at: datetime = made_at()
    updated_at: datetime = made_at()
