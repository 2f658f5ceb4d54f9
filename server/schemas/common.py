"""Wire shapes: what the HTTP API takes and gives. Sizes are limited here, once."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Note = Annotated[str, StringConstraints(max_length=20_000)]
ChapterBody = Annotated[str, StringConstraints(max_length=2_000_000)]
Status = Literal["outline", "draft", "done", "locked"]
Kind = Literal["preface", "chapter", "extra", "afterword"]


class Shape(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class Wanted(BaseModel):
    model_config = ConfigDict(extra="forbid")
