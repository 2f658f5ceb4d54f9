"""Wire shapes of imports."""

from pydantic import BaseModel, Field

from server.schemas.common import Shape, Title, Wanted


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
