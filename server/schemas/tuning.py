"""Wire shapes of training: data sets, runs, published adapters, comparisons.

Cards, recipes and statuses are handed on as their files have them: what is in them is
described where they are written (docs/training.md).
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints

from server.schemas.common import Wanted
from server.schemas.jobs import JobOut

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]
Folder = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Prompt = Annotated[str, StringConstraints(min_length=1, max_length=20_000)]


class UploadOut(BaseModel):
    id: str
    filename: str
    bytes: int


class RowOut(BaseModel):
    number: int
    item: dict[str, Any]


class RunIn(Wanted):
    recipe: dict[str, Any] = Field(description="As in a recipe's YAML; defaults may be left out.")
    title: Title | None = None
    makes_room: bool = Field(
        False, description="Stop our own engine while it runs, so that the GPU is free for it."
    )


class RecipeOut(BaseModel):
    name: str
    recipe: dict[str, Any]


class BaseOut(BaseModel):
    """`name` is what a recipe's `base` says."""

    name: str
    served: bool


class AdviceIn(Wanted):
    recipe: dict[str, Any]
    probe: bool = Field(False, description="Measure a few steps with the real model.")


class RunOut(BaseModel):
    job: JobOut
    status: dict[str, Any] | None
    checkpoints: list[int]
    has_adapter: bool


class RunWhole(RunOut):
    recipe: dict[str, Any]


class LogOut(BaseModel):
    entries: list[dict[str, Any]]
    next: str
    anew: bool = Field(description="From the start: what was known of the log before is void.")


class PublishIn(Wanted):
    name: Name | None = Field(None, description="The recipe's name when left out.")
    title: Title | None = None
    step: int | None = Field(None, ge=1, description="A checkpoint; the outcome when left out.")


class PublishedOut(BaseModel):
    """`card` is the adapter's `yanchi.json`."""

    folder: str
    name: str
    version: int | None
    title: str
    rank: int | None
    current: bool
    loaded: bool
    card: dict[str, Any]


class CompareIn(Wanted):
    prompt: Prompt
    system: Annotated[str, StringConstraints(max_length=20_000)] = ""
    adapters: list[Folder | None] = Field(
        min_length=1, max_length=4, description="Of each side; null is the base model."
    )
    max_tokens: int = Field(400, ge=1, le=4096)
    temperature: float = Field(0.8, ge=0, le=2)
    seed: int | None = Field(None, ge=0, le=2**31)


class EvaluationIn(Wanted):
    run: str | None = Field(None, pattern=r"^\d{8}-\d{6}-[0-9a-f]{6}$")
    adapter: Folder | None = None
    data: list[str] = Field(default_factory=list, max_length=8)
    limit: int = Field(20, ge=1, le=1000, description="Prompts that are written to.")
    long: int = Field(2000, ge=100, le=20_000, description="Characters of the long texts.")
    skip: list[Literal["perplexity", "general", "answers", "long"]] = Field(
        default_factory=list, max_length=4, description="Parts that are not judged."
    )
    judged: bool = Field(False, description="By the served model, in pairs and both orders.")
