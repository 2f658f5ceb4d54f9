"""Wire shapes of character sheets."""

from typing import Annotated, Any

from pydantic import Field, StringConstraints, field_validator, model_validator

from server.pigments import Pigment
from server.schemas.common import Note, Shape, Wanted

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Voice = Annotated[list[Line], Field(max_length=30)]
Summary = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]

IDENTITY = "身份"
"""The label of the sheet that says in one line who it is, where the author wrote none."""


class CharacterOut(Shape):
    id: str
    position: int
    name: str
    aliases: list[str]
    role: str
    sheet: dict[str, str]
    color: Pigment
    summary: str = Field(description="Who it is in one line; of 身份 where the author wrote none.")
    voice: list[str] = Field(description="Lines that they might say.")
    portrait: bool = Field(default=False, description="Whether there is a picture to ask for.")

    @field_validator("voice", mode="before")
    @classmethod
    def _only_words(cls, lines: list[Any]) -> list[str]:
        return [line["text"] if isinstance(line, dict) else line for line in lines]

    @model_validator(mode="after")
    def _said_in_one_line(self) -> "CharacterOut":
        if not self.summary:
            first, stop, _ = self.sheet.get(IDENTITY, "").strip().partition("。")
            self.summary = first + stop
        return self


class CharacterNew(Wanted):
    name: Name
    aliases: list[Name] = Field(default_factory=list, max_length=50)
    role: str = Field(default="", max_length=100)
    sheet: dict[str, Note] = Field(default_factory=dict, max_length=100)
    color: Pigment | None = Field(default=None, description="Given in turn where there is none.")
    summary: Summary = ""
    voice: Voice = Field(default_factory=list)


class CharacterChange(Wanted):
    name: Name | None = None
    aliases: list[Name] | None = Field(default=None, max_length=50)
    role: str | None = Field(default=None, max_length=100)
    sheet: dict[str, Note] | None = Field(default=None, max_length=100)
    position: int | None = Field(default=None, ge=0)
    color: Pigment | None = None
    summary: Summary | None = None
    voice: Voice | None = None
