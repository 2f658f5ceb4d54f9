"""Wire shapes of continuations and their log."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints, model_validator

from retrieval.rewriting import Sense, Task
from server.engines.base import Sampling
from server.schemas.common import ChapterBody, Id, Shape, Wanted
from server.schemas.timeline import PlaceOut
from server.writing.length import frequency_penalty

MAX_LENGTH = 20_000
"""Characters that one continuation may be asked for."""


class SamplingIn(Wanted):
    temperature: float = Field(default=0.8, ge=0, le=2)
    top_p: float = Field(default=0.9, gt=0, le=1)
    top_k: int | None = Field(default=None, ge=1, le=1000)
    min_p: float | None = Field(default=None, ge=0, le=1)
    frequency_penalty: float | None = Field(
        default=None, ge=-2, le=2, description="By the length asked for when unset."
    )
    presence_penalty: float = Field(default=0.5, ge=-2, le=2)
    repetition_penalty: float | None = Field(default=None, gt=0, le=2)
    dry: float = Field(
        default=0, ge=0, le=10,
        description="DRY's multiplier, 0.8 for example: what would repeat a stretch costs the more "
        "the longer it is; names of the book are free. Our own engine only; 0 is off.",
    )  # fmt: skip
    seed: int | None = Field(default=None, ge=0, le=2**31 - 1)
    stop: list[Annotated[str, StringConstraints(min_length=1, max_length=50)]] = Field(
        default_factory=list, max_length=8
    )

    def plain(self, length: int) -> Sampling:
        """What the engine gets for a passage of about `length` characters."""
        fields = self.model_dump() | {"stop": tuple(self.stop)}
        if self.frequency_penalty is None:
            fields["frequency_penalty"] = frequency_penalty(length)
        return Sampling(**fields)


class WritingIn(Wanted):
    """How it is to be written, whatever it is."""

    adapter: str | None = Field(default=None, max_length=200)
    sampling: SamplingIn = Field(default_factory=SamplingIn)
    candidates: int = Field(default=1, ge=1, le=8)
    retrieval: bool = True
    pinned: list[str] = Field(default_factory=list, max_length=200)
    excluded: list[str] = Field(default_factory=list, max_length=200)
    viewpoint: str | None = Field(
        default=None, pattern=r"^[0-9a-f]{32}$",
        description="The character through whose eyes it is told: what they do not know stays out.",
    )  # fmt: skip
    stream: bool = True


class ContinueIn(WritingIn):
    """What is to be written, where."""

    offset: int | None = Field(
        default=None, ge=0, description="Characters of the chapter before the caret; its end."
    )
    revision: int | None = Field(
        default=None, ge=0, description="The revision the author looks at; refused when older."
    )
    beat: str = Field(default="", max_length=100_000, description="What happens in this passage.")
    length: int = Field(default=500, ge=1, le=MAX_LENGTH, description="Target, characters.")


class RewriteIn(WritingIn):
    """What is to be written anew, and how."""

    revision: int | None = Field(
        default=None, ge=0, description="The revision the author looks at; refused when older."
    )
    start: int = Field(ge=0)
    end: int = Field(ge=0, description="Behind the last character; at most 4,000 from the start.")
    task: Task
    instruction: str = Field(default="", max_length=10_000)
    character: Id | None = Field(
        default=None, description="Who speaks, or in whose manner it is to be."
    )
    senses: list[Sense] = Field(default_factory=list, max_length=5)
    length: int | None = Field(
        default=None, ge=1, le=MAX_LENGTH,
        description="Target, characters; by the task when null: expand twice the stretch, condense"
        " half of it, else as much.",
    )  # fmt: skip


Kind = Literal["continue", "rewrite"]


class MessageOut(Shape):
    role: str
    content: str


class LeftOut(BaseModel):
    id: str
    group: str
    title: str
    """Short, for a list."""
    source: str
    place: PlaceOut | None = Field(description="Where it stands in the book, if anywhere.")
    required: bool
    tokens: int
    score: float | None
    reason: str
    why: str = ""
    """What brought it in: a lore key, a way of searching, a mention."""
    text: str


class PlacedOut(LeftOut):
    shortened: bool


class PromptOut(BaseModel):
    template: str
    tokens: int
    budget: int
    messages: list[MessageOut]
    kept: list[PlacedOut]
    dropped: list[LeftOut]


class CandidateOut(BaseModel):
    text: str
    finish_reason: str | None


class UsageOut(BaseModel):
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int | None


class ContinueOut(BaseModel):
    generation: str
    text: str
    finish_reason: str | None
    candidates: list[CandidateOut]
    usage: UsageOut
    prompt: PromptOut


class GenerationOut(Shape):
    id: str
    chapter_id: str | None
    kind: Kind
    revision: int
    offset: int
    start: int | None = Field(default=None, description="Of what it rewrites; null: it adds.")
    end: int | None
    request: dict[str, Any]
    outputs: list[dict[str, Any]]
    usage: dict[str, Any]
    model: str
    state: str
    error: str
    verdict: str
    created_at: datetime
    finished_at: datetime | None

    @model_validator(mode="after")
    def _begins_where_it_rewrites(self) -> "GenerationOut":
        self.start = None if self.end is None else self.offset
        return self


class GenerationFull(GenerationOut):
    prompt: dict[str, Any]


class VerdictIn(Wanted):
    verdict: Literal["accepted", "refused"]
    candidate: int = Field(default=0, ge=0, le=7)
    text: ChapterBody | None = Field(
        default=None, description="What was taken, where the author changed or cut it."
    )
    base_revision: int | None = Field(default=None, ge=0)


class VerdictOut(BaseModel):
    verdict: str
    revision: int | None = None
