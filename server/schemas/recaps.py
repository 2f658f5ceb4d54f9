"""Wire shapes of recaps."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, StringConstraints

from server.schemas.common import Wanted

Level = Literal["chapter", "volume", "book"]


class RecapOut(BaseModel):
    """One recap of the tree. `target_id` is a chapter's id, or a part's: a volume's id, for an
    arc the id of its first chapter; a skeleton (`book`) has the id of the part it ends with."""

    level: Level
    target_id: str
    label: str
    first_chapter_id: str
    last_chapter_id: str
    part_id: str
    """The part that it belongs to, or ends with."""
    text: str
    maker: Literal["extractive", "model", "author", "none"]
    model: str
    """The model's name where it made it."""
    stale: bool
    changed_chapters: list[str]
    """Where the author wrote it: chapters whose text is another one by now."""
    refused: str
    """Why what the model said was not kept; empty where it was not asked or its recap stands."""
    telling: bool
    """Whether the model is telling it at this moment."""
    updated_at: datetime | None


class UnplacedOut(BaseModel):
    """Written by hand for a stretch that is no longer one; nothing uses it until then."""

    level: Level
    target_id: str
    text: str


class ProgressOut(BaseModel):
    total: int
    fresh: int
    by_model: int
    by_author: int
    waiting_for_model: int
    """How many the model is to tell: those it was asked for, or, where it works by itself, all
    that it has not told yet."""


class RecapsOut(BaseModel):
    mode: Literal["auto", "model", "extractive", "off"]
    progress: ProgressOut
    recaps: list[RecapOut]
    """Chapters in order, then parts, then skeletons."""
    unplaced: list[UnplacedOut]


class RecapText(Wanted):
    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=5000)]


class RefreshIn(Wanted):
    """Which recaps to make anew; none named: all."""

    model: bool = False
    """Have the served model tell them, also where it would not by itself."""
    level: Level | None = None
    target_id: Annotated[str, StringConstraints(max_length=64)] | None = None
