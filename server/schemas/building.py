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
Share = Annotated[float, Field(ge=0, le=1000)]


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
    task: list[Literal["续写", "扩写", "改写", "按梗概写", "开篇", "原文"]] = Field(
        default=["续写"], min_length=1, max_length=5
    )
    length: Chars = 800
    before: Chars = 1600
    across: bool = False
    format: Literal["apart", "joined"] = "apart"
    made: SetName | None = Field(None, description="Summaries and drafts of these texts.")
    shortest: Chars = 100
    system: Said = ""


class SelfKnowledgeOptions(Wanted):
    role: Someone
    description: Said
    count: int | None = Field(None, ge=1, le=10_000)
    seed: Seed = 0
    maker: Word = ""
    system: Said = ""


class PreferencesOptions(Wanted):
    method: Literal["dpo", "kto"] = "dpo"
    work: list[Id] = Field(
        default_factory=list, max_length=100, description="All of the desk's when empty."
    )


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


class Chunked(Wanted):
    length: Chars = 800


class SummariesOptions(Chunked):
    draft: bool = Field(False, description="No summaries but flat drafts, to be rewritten.")


class DialogueOptions(Chunked):
    role: Someone
    turns: int = Field(4, ge=1, le=999)
    alias: list[Word] = Field(default_factory=list, max_length=100, description="name=other,other")
    system: Said = ""


class QaOptions(Chunked):
    closed: bool = Field(False, description="The text is not shown with the question.")


class Seeded(Wanted):
    seed: Seed = 0


class AugmentOptions(Seeded):
    count: int = Field(40, ge=1, le=10_000)
    similar: float = Field(0.5, ge=0.05, le=1)


class ContextOptions(Chunked):
    base: Word = Field("", description="Whose tokens are counted; the served model's if empty.")
    limit: int = Field(2048, ge=512, le=1_000_000, description="Tokens of a prompt.")
    found: Share = 0.6
    distracted: Share = 0.2
    empty: Share = 0.2
    made: SetName | None = Field(None, description="Summaries, as what each passage is asked by.")
    shortest: Chars = 100
    seed: Seed = 0


class Variant(Wanted):
    """A way of asking the served model: one that ships, by its name, or an author's own."""

    name: Annotated[str, StringConstraints(pattern=r"^[\w-]{1,40}$")]
    template: Said | None = Field(None, description="Jinja; a shipped one has none.")


class _Build(Wanted):
    name: SetName
    replace: bool = Field(False, description="A data set of this name goes.")


class _Texts(Wanted):
    """Uploads, a work of the desk, or both."""

    uploads: list[Upload] = Field(default_factory=list, max_length=200)
    work_id: Id | None = None


class _OfTexts(_Build, _Texts):
    pass


class _Asked(_OfTexts):
    """Made by the served model."""

    variant: Variant | None = Field(None, description="The first that ships when left out.")


class ScriptIn(_OfTexts):
    maker: Literal["script"]
    options: ScriptOptions


class NovelIn(_OfTexts):
    maker: Literal["novel"]
    options: NovelOptions = NovelOptions()


class SelfKnowledgeIn(_Build):
    maker: Literal["selfknowledge"]
    options: SelfKnowledgeOptions


class PreferencesIn(_Build):
    """Of the drafts that were taken and refused at the desk."""

    maker: Literal["preferences"]
    options: PreferencesOptions = PreferencesOptions()


class ImportIn(_OfTexts):
    maker: Literal["import"]
    options: ImportOptions = ImportOptions()


class SummariesIn(_Texts):
    """Not a data set: what `novel` and `context` take as `made`. Adds to what is there."""

    maker: Literal["summaries"]
    name: SetName
    variant: Variant | None = None
    options: SummariesOptions = SummariesOptions()


class DialogueIn(_Asked):
    maker: Literal["dialogue"]
    options: DialogueOptions


class QaIn(_Asked):
    maker: Literal["qa"]
    options: QaOptions = QaOptions()


class AugmentIn(_Asked):
    maker: Literal["augment"]
    options: AugmentOptions = AugmentOptions()


class ContextIn(_OfTexts):
    maker: Literal["context"]
    options: ContextOptions = ContextOptions()


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


class _Trial(_Texts):
    """Ways of asking on a few of the texts' pieces, side by side; nothing is made."""

    variants: list[Variant] = Field(
        default_factory=list, max_length=8, description="All that ship when left out."
    )
    sample: int = Field(3, ge=1, le=50)


class SummariesTrial(_Trial):
    maker: Literal["summaries"]
    options: SummariesOptions = SummariesOptions()


class PiecesTrial(_Trial):
    maker: Literal["dialogue", "qa"]
    options: Chunked = Chunked()


class AugmentTrial(_Trial):
    maker: Literal["augment"]
    options: Seeded = Seeded()


Asked = SummariesIn | DialogueIn | QaIn | AugmentIn
OfTexts = ScriptIn | NovelIn | ImportIn | ContextIn | Asked
OfSet = CleanIn | DedupeIn | SplitIn
BuildIn = Annotated[
    OfTexts | OfSet | MixIn | SelfKnowledgeIn | PreferencesIn, Field(discriminator="maker")
]
TrialIn = Annotated[SummariesTrial | PiecesTrial | AugmentTrial, Field(discriminator="maker")]


class SummariesOut(BaseModel):
    """How many pieces of text have which."""

    name: str
    summaries: int
    drafts: int


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
