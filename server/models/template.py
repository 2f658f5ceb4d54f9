"""Prompt templates that the author changed: every saved version is a row, the newest counts."""

from datetime import datetime

from sqlalchemy import Index, Text
from sqlmodel import Field, SQLModel

from server.models.base import made_at, owned_by, row_id


class TemplateVersion(SQLModel, table=True):
    __table_args__ = (Index("ix_template_name", "name", "work_id"),)

    id: str = row_id()
    name: str = Field(max_length=100)
    work_id: str | None = owned_by("work", nullable=True)
    """None: for every work that has none of its own."""
    number: int
    """1, 2, … for the same name and work."""
    shipped: bool = False
    """A return to the shipped template; the parts are empty then."""
    system: str = Field(default="", sa_type=Text)
    user: str = Field(default="", sa_type=Text)
    assistant: str = Field(default="", sa_type=Text)
    created_at: datetime = made_at()
