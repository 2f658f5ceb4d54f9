"""Wire shapes: what the HTTP API takes and gives. Sizes are limited here, once."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from server.engines.base import Sampling
from server.writing.length import frequency_penalty

Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Note = Annotated[str, StringConstraints(max_length=20_000)]
ChapterBody = Annotated[str, StringConstraints(max_length=2_000_000)]
Status = Literal["outline", "draft", "done", "locked"]
Kind = Literal["preface", "chapter", "extra", "afterword"]

MAX_LENGTH = 20_000
"""Characters that one continuation may be asked for."""


class Shape(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class Wanted(BaseModel):
    model_config = ConfigDict(extra="forbid")


class WorkOut(Shape):
    id: str
    title: str
    author: str
    synopsis: str
    style: str
    defaults: dict[str, Any]
    chapters: int = 0
    chars: int = 0
    created_at: datetime
    updated_at: datetime


class WorkNew(Wanted):
    title: Title
    author: str = Field(default="", max_length=200)
    synopsis: Note = ""
    style: Note = ""


class WorkChange(Wanted):
    title: Title | None = None
    author: str | None = Field(default=None, max_length=200)
    synopsis: Note | None = None
    style: Note | None = None
    defaults: dict[str, Any] | None = None


class VolumeOut(Shape):
    id: str
    position: int
    title: str


class VolumeNew(Wanted):
    title: Title


class ChapterOut(Shape):
    """A chapter without its text."""

    id: str
    volume_id: str | None
    position: int
    title: str
    kind: str
    status: str
    notes: str
    revision: int
    chars: int
    created_at: datetime
    updated_at: datetime


class ChapterFull(ChapterOut):
    text: str


class ChapterNew(Wanted):
    title: Title
    text: ChapterBody = ""
    volume_id: str | None = None
    kind: Kind = "chapter"
    position: int | None = Field(default=None, ge=0)


class ChapterChange(Wanted):
    title: Title | None = None
    status: Status | None = None
    notes: Note | None = None
    volume_id: str | None = None
    position: int | None = Field(default=None, ge=0)


class TextSave(Wanted):
    text: ChapterBody
    base_revision: int | None = Field(
        default=None, ge=0, description="The revision this text was made from."
    )


class Saved(BaseModel):
    revision: int
    chars: int
    changed: bool


class RevisionOut(Shape):
    number: int
    sha256: str
    origin: str
    generation_id: str | None
    created_at: datetime
    length: int = 0


class RevisionFull(RevisionOut):
    text: str


class CharacterOut(Shape):
    id: str
    position: int
    name: str
    aliases: list[str]
    role: str
    sheet: dict[str, str]


Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]


class CharacterNew(Wanted):
    name: Name
    aliases: list[Name] = Field(default_factory=list, max_length=50)
    role: str = Field(default="", max_length=100)
    sheet: dict[str, Note] = Field(default_factory=dict, max_length=100)


class CharacterChange(Wanted):
    name: Name | None = None
    aliases: list[Name] | None = Field(default=None, max_length=50)
    role: str | None = Field(default=None, max_length=100)
    sheet: dict[str, Note] | None = Field(default=None, max_length=100)
    position: int | None = Field(default=None, ge=0)


class OutlineOut(Shape):
    id: str
    parent_id: str | None
    chapter_id: str | None
    position: int
    kind: str
    title: str
    summary: str


class OutlineNew(Wanted):
    kind: Literal["premise", "volume", "chapter", "beat"]
    title: str = Field(default="", max_length=300)
    summary: Note = ""
    parent_id: str | None = None
    chapter_id: str | None = None
    position: int = Field(default=0, ge=0)


class OutlineChange(Wanted):
    title: str | None = Field(default=None, max_length=300)
    summary: Note | None = None
    parent_id: str | None = None
    chapter_id: str | None = None
    position: int | None = Field(default=None, ge=0)


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


class ContinueIn(Wanted):
    """What is to be written, where."""

    offset: int | None = Field(
        default=None, ge=0, description="Characters of the chapter before the caret; its end."
    )
    revision: int | None = Field(
        default=None, ge=0, description="The revision the author looks at; refused when older."
    )
    beat: str = Field(default="", max_length=100_000, description="What happens in this passage.")
    length: int = Field(default=500, ge=1, le=MAX_LENGTH, description="Target, characters.")
    adapter: str | None = Field(default=None, max_length=200)
    sampling: SamplingIn = Field(default_factory=SamplingIn)
    candidates: int = Field(default=1, ge=1, le=8)
    retrieval: bool = True
    pinned: list[str] = Field(default_factory=list, max_length=200)
    excluded: list[str] = Field(default_factory=list, max_length=200)
    stream: bool = True


class MessageOut(Shape):
    role: str
    content: str


class LeftOut(BaseModel):
    id: str
    group: str
    source: str
    tokens: int
    score: float | None
    reason: str
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
    revision: int
    offset: int
    request: dict[str, Any]
    outputs: list[dict[str, Any]]
    usage: dict[str, Any]
    model: str
    state: str
    error: str
    verdict: str
    created_at: datetime
    finished_at: datetime | None


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


class FoundOut(BaseModel):
    chapter: int = Field(description="The chapter's place in the book, from 1.")
    chapter_id: str
    title: str
    position: int = Field(description="Characters of the chapter before the passage.")
    score: float
    ranks: dict[str, int]
    text: str


class SearchOut(BaseModel):
    passages: list[FoundOut]


class AdapterOut(BaseModel):
    name: str
    path: str | None = None


class AdapterLoad(Wanted):
    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]


class DoubtOut(Shape):
    code: str
    message: str
    line: int | None


class PreviewChapter(BaseModel):
    title: str
    volume: str | None
    kind: str
    line: int
    chars: int
    begins: str


class PreviewOut(BaseModel):
    upload: str
    filename: str
    title: str
    author: str
    encoding: str
    chars: int
    chapters: list[PreviewChapter]
    doubts: list[DoubtOut]


class CorrectionsIn(Wanted):
    encoding: str | None = Field(default=None, max_length=40)
    title: Title | None = None
    author: str | None = Field(default=None, max_length=200)
    add_headings: list[int] = Field(default_factory=list, max_length=20_000)
    drop_headings: list[int] = Field(default_factory=list, max_length=20_000)


class ImportOut(BaseModel):
    work: str
    title: str
    chapters: int
    characters: int
    warnings: list[str]


class EngineOut(Shape):
    state: str
    model: str
    window: int
    detail: str
    restarts: int


class HealthOut(BaseModel):
    version: str
    engine: EngineOut
    generations: int
    indexing: int
