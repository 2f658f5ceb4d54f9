"""Wire shapes of find and replace."""

from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from server.schemas.common import Id, Wanted


class ReplaceIn(Wanted):
    find: Annotated[str, StringConstraints(min_length=1, max_length=500)]
    replace: Annotated[str, StringConstraints(max_length=2000)] = ""
    chapters: list[Id] | None = Field(default=None, max_length=20_000, description="null: all.")
    regex: bool = Field(
        default=False,
        description="`find` is a regular expression, ^ and $ a paragraph's ends; `replace` may "
        "hold \\1 or \\g<name>.",
    )
    case: bool = Field(default=True, description="Whether A and a are two letters.")
    preview: bool = Field(description="Only show what would be replaced.")


class ReplaceHit(BaseModel):
    """`text` stands from `start` to `end`, between `before` and `after`; `put` replaces it."""

    start: int
    end: int
    before: str
    text: str
    after: str
    put: str


class ReplacedChapter(BaseModel):
    chapter_id: str
    label: str
    name: str
    locked: bool = Field(description="Then nothing was replaced in it.")
    count: int
    hits: list[ReplaceHit] = Field(description="The first; 200 in the whole answer.")


class ReplaceOut(BaseModel):
    chapters: list[ReplacedChapter] = Field(description="Those with hits, in their order.")
    count: int
    replaced: int = Field(description="0 in a preview.")
