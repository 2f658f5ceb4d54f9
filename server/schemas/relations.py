"""Wire shapes of relations between characters."""

from datetime import datetime

from pydantic import Field

from server.schemas.common import Id, Note, Shape, Wanted
from server.schemas.story import Label, TimeChange, TimeFields


class RelationNew(TimeFields, Wanted):
    a: Id
    b: Id
    label: Label = Field(description="What `b` is to `a`: a line of a's sheet.")
    note: Note = Field(default="", description="The author's own; no prompt has it.")
    mutual: bool = Field(default=True, description="`a` is the same to `b`.")


class RelationOut(TimeFields, Shape):
    id: str
    a: str
    b: str
    label: str
    note: str
    mutual: bool
    created_at: datetime
    updated_at: datetime


class RelationChange(TimeChange, Wanted):
    a: Id | None = None
    b: Id | None = None
    label: Label | None = None
    note: Note | None = None
    mutual: bool | None = None
