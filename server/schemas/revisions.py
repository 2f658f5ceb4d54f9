"""Wire shapes of a chapter's revisions and of those that are kept."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, computed_field

from server.schemas.common import Shape, Wanted

Label = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]


class RevisionOut(Shape):
    """A revision without its text; of a sitting, its last one."""

    number: int
    sha256: str
    origin: str
    generation_id: str | None
    candidate: int
    created_at: datetime
    length: int = Field(default=0, description="Of the text, blanks and line ends as well.")
    chars: int = Field(description="Without blanks.")
    added: int = Field(description="Characters that the revision before did not have.")
    removed: int
    count: int = Field(
        default=1, description="Revisions that stand here as one: `number` and those before it."
    )
    label: str
    snapshot: Literal["", "author", "before"]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def kept(self) -> bool:
        return self.snapshot != ""


class RevisionFull(RevisionOut):
    text: str


class SnapshotNew(Wanted):
    label: Label = ""
    kind: Literal["author", "before"] = Field(
        default="author", description="`before`: made because much was about to change."
    )
    number: int | None = Field(
        default=None, ge=1, description="null: the current revision. A kept one is named anew."
    )
