"""Wire shapes of making a data set: who makes it, of what, and with which options."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints

from server.schemas.common import Id, Wanted
from server.tuning.datasets import NAME, UPLOAD

# A process takes no word with a NUL in it.
Word = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=200)]
Said = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=20_000)]
Someone = Annotated[
    str,
    StringConstraints(pattern=r"^[^\x00]*$", strip_whitespace=True, min_length=1, max_length=80),
]
Upload = Annotated[str, StringConstraints(pattern=UPLOAD)]
Turns = Annotated[str, StringConstraints(pattern=r"^(all|[0-9]{1,3})$")]
Seed = Annotated[int, Field(ge=0, le=2**31)]
SetName = Annotated[str, StringConstraints(pattern=NAME)]
Chars = Annotated[int, Field(ge=1, le=100_000)]


class ScriptOptions(Wanted):
    role: Someone
    turns: Turns = "4"
    alias: list[Word] = Field(default_factory=list, max_length=100, description="name=other,other")
    guess: bool = False
    names: Literal["auto", "always", "never"] = "auto"
    directions: bool = True
    events: bool = True
    opening: Literal["setting", "skip"] = "setting"
    whole_scenes: bool = False
    system: Said = ""
    together: Literal["scene", "script"] = "scene"


class NovelOptions(Wanted):
    task: list[Literal["续写", "扩写", "改写", "按梗概写", "原文"]] = Field(
        default=["续写"], min_length=1, max_length=4
    )
    length: Chars = 800
    before: Chars = 1600
    across: bool = False
    format: Literal["apart", "joined"] = "apart"
    shortest: Chars = 100
    system: Said = ""


class SelfKnowledgeOptions(Wanted):
    role: Someone
    description: Said
    count: int | None = Field(None, ge=1, le=10_000)
    seed: Seed = 0
    maker: Word = ""
    system: Said = ""


class ImportOptions(Wanted):
    format: Literal["alpaca", "sharegpt", "openai"] | None = None
    instruction: Literal["joined", "system"] = "joined"
    work: Word = Field("", description="The book that all of it belongs to.")


class CleanOptions(Wanted):
    keyword: list[Someone] = Field(default_factory=list, max_length=200)
    spam: bool = True
    damage: bool = True


class DedupeOptions(Wanted):
    threshold: float = Field(0.8, ge=0.3, le=1)
    near: bool = True


class SplitOptions(Wanted):
    fraction: float = Field(0.1, ge=0, le=1)
    by: Literal["work", "source", "item"] = "work"
    seed: Seed = 0


class MixOptions(Wanted):
    by: Literal["times", "share"] = "times"
    rows: int | None = Field(None, ge=1, le=10_000_000)
    seed: Seed = 0


class _Build(Wanted):
    name: SetName
    replace: bool = Field(False, description="A data set of this name goes.")


class _OfTexts(_Build):
    """Of uploads, of a work of the desk, or of both."""

    uploads: list[Upload] = Field(default_factory=list, max_length=200)
    work_id: Id | None = None


class ScriptIn(_OfTexts):
    maker: Literal["script"]
    options: ScriptOptions


class NovelIn(_OfTexts):
    maker: Literal["novel"]
    options: NovelOptions = NovelOptions()


class SelfKnowledgeIn(_Build):
    maker: Literal["selfknowledge"]
    options: SelfKnowledgeOptions


class ImportIn(_OfTexts):
    maker: Literal["import"]
    options: ImportOptions = ImportOptions()


class _OfSet(_Build):
    """Of another data set; of itself where the names are the same and it is to be replaced."""

    data: SetName


class CleanIn(_OfSet):
    maker: Literal["clean"]
    options: CleanOptions = CleanOptions()


class DedupeIn(_OfSet):
    maker: Literal["dedupe"]
    options: DedupeOptions = DedupeOptions()


class SplitIn(_OfSet):
    maker: Literal["split"]
    options: SplitOptions = SplitOptions()


class Part(Wanted):
    name: SetName
    weight: float = Field(1, gt=0, le=1000)


class MixIn(_Build):
    maker: Literal["mix"]
    parts: list[Part] = Field(min_length=1, max_length=50)
    options: MixOptions = MixOptions()


OfTexts = ScriptIn | NovelIn | ImportIn
OfSet = CleanIn | DedupeIn | SplitIn
BuildIn = Annotated[OfTexts | OfSet | MixIn | SelfKnowledgeIn, Field(discriminator="maker")]


class SourceOut(BaseModel):
    """What an upload was recognised as. `characters` counts code points."""

    id: str
    filename: str
    bytes: int
    format: str
    encoding: str | None = None
    characters: int | None = None
    doubts: list[str] = Field(default_factory=list)


class RolesOut(BaseModel):
    """As `yanchi data roles --json` tells them."""

    speakers: list[dict[str, Any]]
    aliases: dict[str, list[str]]
    guesses: list[dict[str, Any]]
    doubts: list[dict[str, Any]]
