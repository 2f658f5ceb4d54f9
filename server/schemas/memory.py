"""Wire shapes of what a persona remembers of a conversation."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from server.schemas.common import Shape, Wanted


class SummaryOut(Shape):
    """What stands for the turns that the last answer's prompt did not hold, as it is now."""

    text: str
    maker: Literal["extractive", "model", "author"]
    model: str = Field(description="The model's name where it made it.")
    turns: int = Field(description="How many messages it tells, from the first.")
    telling: bool = Field(description="Whether the model has it to tell, as soon as it is free.")
    refused: str = Field(description="Why what the model told was not kept; empty otherwise.")


class MemoryOut(Shape):
    summary: SummaryOut | None = Field(description="Null while all that was said fits.")
    others: bool = Field(description="Whether other conversations are remembered in this one.")


class MemoryChange(Wanted):
    others: bool


class SummaryText(Wanted):
    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=5000)]
