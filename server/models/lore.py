"""Lorebooks: entries that join a prompt when their keys are named.

The columns are the union of what the field's formats say (character_book of the V2 and V3
cards, SillyTavern's World Info, NovelAI's lorebooks); what else a file brings stays in `extra`,
so that it survives a round trip.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Text
from sqlmodel import Field, SQLModel

from server.models.base import made_at, owned_by, row_id
from server.models.story import Knowers, knowers, place


class Lorebook(SQLModel, table=True):
    id: str = row_id()
    work_id: str | None = owned_by("work", nullable=True)
    position: int = 0
    name: str = Field(default="", max_length=200)
    description: str = Field(default="", sa_type=Text)
    enabled: bool = True
    scan_depth: int = 8
    """Paragraphs before the place of writing that are searched for keys; 0: the beat alone."""
    token_budget: int | None = None
    """Most tokens its entries may take together; None: the prompt's own share for lore."""
    recursive: bool = True
    max_recursion: int = 3
    extra: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    created_at: datetime = made_at()
    updated_at: datetime = made_at()


class LoreEntry(SQLModel, table=True):
    id: str = row_id()
    lorebook_id: str = owned_by("lorebook")
    position: int = 0
    """Order in the editor's list; `order` is that in the prompt."""
    name: str = Field(default="", max_length=200)
    content: str = Field(default="", sa_type=Text)
    enabled: bool = True
    constant: bool = False
    keys: list[str] = Field(default_factory=list, sa_type=JSON)
    """Words, or `/regular expressions/flags`."""
    secondary_keys: list[str] = Field(default_factory=list, sa_type=JSON)
    logic: str = Field(default="and_any", max_length=20)
    """How the secondary keys count: `and_any`, `and_all`, `not_any`, `not_all`."""
    case_sensitive: bool = False
    whole_words: bool = False
    scan_depth: int | None = None
    order: int = Field(default=100, sa_column_kwargs={"name": "place_order"})
    priority: int = 0
    placement: str = Field(default="lore", max_length=20)
    """`lore` (its own block), `before` or `after` the characters, `depth` (in the text)."""
    depth: int = 4
    """Paragraphs from the end of the text, where `placement` is `depth`."""
    role: str = Field(default="system", max_length=20)
    probability: int = 100
    exclude_recursion: bool = False
    prevent_recursion: bool = False
    delay_until_recursion: int = 0
    group: str = Field(default="", max_length=200, sa_column_kwargs={"name": "inclusion_group"})
    group_override: bool = False
    group_weight: int = 100
    sticky: int = 0
    cooldown: int = 0
    delay: int = 0
    since_chapter_id: str | None = place()
    since_offset: int = 0
    until_chapter_id: str | None = place()
    until_offset: int = 0
    known_by: Knowers | None = knowers()
    extra: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    created_at: datetime = made_at()
    updated_at: datetime = made_at()
