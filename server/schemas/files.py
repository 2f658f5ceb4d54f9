"""Wire shapes of imports."""

from pydantic import BaseModel, Field

from server.schemas.common import Shape, Title, Wanted


class DoubtOut(Shape):
    code: str
    message: str
    line: int | None


class WayOut(Shape):
    id: str
    label: str


class PreviewChapter(BaseModel):
    index: int = Field(description="Names it in `GET …/chapters/{index}` until the next preview.")
    title: str
    volume: str | None
    kind: str
    line: int
    chars: int
    begins: str
    doubt: str | None = Field(default=None, description="What to look at in it, the first thing.")


class PreviewOut(BaseModel):
    upload: str
    filename: str
    format: str = Field(description="txt, md, docx, epub, pdf, or zip for a project.")
    title: str
    author: str
    encoding: str
    encodings: list[str] = Field(description="To choose from; empty where the format knows it.")
    pattern: str = Field(description="How chapters were told: the id of one of `patterns`.")
    patterns: list[WayOut]
    chars: int
    characters: int = Field(default=0, description="A project's cast.")
    chapters: list[PreviewChapter]
    doubts: list[DoubtOut]
    blank_lines: int = Field(default=0, description="Inside the chapters, in the file.")
    drop_blank_lines: bool = Field(default=False, description="Whether they are left out.")


class PreviewText(BaseModel):
    """A chapter as it would be imported; `lines` are the file's for each line of the text, for
    splitting it there, and empty where there is nothing to correct."""

    title: str
    text: str
    lines: list[int]


class CorrectionsIn(Wanted):
    encoding: str | None = Field(default=None, max_length=40)
    title: Title | None = None
    author: str | None = Field(default=None, max_length=200)
    pattern: str = Field(default="auto", max_length=20)
    add_headings: list[int] = Field(
        default_factory=list, max_length=20_000, description="Lines that begin a chapter."
    )
    drop_headings: list[int] = Field(
        default_factory=list,
        max_length=20_000,
        description="Lines of headings that are none: their chapter joins the one above.",
    )
    titles: dict[int, Title] = Field(
        default_factory=dict, max_length=20_000, description="New titles, by a chapter's line."
    )
    drop_blank_lines: bool | None = Field(
        default=None,
        description="Leave out the empty lines that only part paragraphs; a wider gap stays as "
        "one. Null: in Markdown that parts most of its paragraphs so.",
    )


class ImportOut(BaseModel):
    work: str
    title: str
    chapters: int
    characters: int
    warnings: list[str]
