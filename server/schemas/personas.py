"""Wire shapes of personas, conversations and their messages."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from server.engines.base import Sampling
from server.pigments import Pigment
from server.schemas.common import Id, Note, Offset, Shape, Wanted
from server.schemas.generation import SamplingIn
from server.schemas.lore import Content, Keys

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Nickname = Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
Summary = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Greeting = Annotated[str, StringConstraints(min_length=1, max_length=20_000)]
Tag = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50)]
Words = Annotated[str, StringConstraints(max_length=20_000, pattern=r"\S")]
SetTitle = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
Depth = Annotated[int, Field(ge=0, le=1000)]


class PersonaFields(Shape):
    """A card, and where in which work its person stands."""

    name: Name
    nickname: Nickname = Field(default="", description="What `{{char}}` becomes; else the name.")
    summary: Summary = ""
    description: Note = ""
    personality: Note = ""
    scenario: Note = ""
    first_message: Note = ""
    alternates: list[Greeting] = Field(
        default_factory=list, max_length=50, description="Other first messages."
    )
    examples: list[Line] = Field(
        default_factory=list, max_length=100, description="Lines that they might say."
    )
    system_prompt: Note = Field(default="", description="In place of the template's opening.")
    post_history: Note = Field(default="", description="Behind the last message.")
    tags: list[Tag] = Field(default_factory=list, max_length=50)
    creator: str = Field(default="", max_length=200)
    notes: Note = Field(default="", description="For people; no prompt has them.")
    work_id: Id | None = None
    character_id: Id | None = Field(default=None, description="Whose knowledge limits theirs.")
    chapter_id: Id | None = Field(default=None, description="As of when; null: the whole work.")
    offset: Offset | None = Field(default=None, description="Null: the chapter's end.")
    adapter: str | None = Field(default=None, max_length=200)


class PersonaNew(PersonaFields, Wanted):
    slug: Slug | None = Field(default=None, description="Made of the name where there is none.")
    color: Pigment | None = None


class PersonaChange(Wanted):
    name: Name | None = None
    nickname: Nickname | None = None
    slug: Slug | None = None
    summary: Summary | None = None
    description: Note | None = None
    personality: Note | None = None
    scenario: Note | None = None
    first_message: Note | None = None
    alternates: list[Greeting] | None = Field(default=None, max_length=50)
    examples: list[Line] | None = Field(default=None, max_length=100)
    system_prompt: Note | None = None
    post_history: Note | None = None
    tags: list[Tag] | None = Field(default=None, max_length=50)
    creator: str | None = Field(default=None, max_length=200)
    notes: Note | None = None
    color: Pigment | None = None
    position: int | None = Field(default=None, ge=0)
    work_id: Id | None = None
    character_id: Id | None = None
    chapter_id: Id | None = None
    offset: Offset | None = None
    adapter: str | None = Field(default=None, max_length=200)


class PersonaOut(PersonaFields):
    id: str
    slug: str
    position: int
    color: Pigment
    avatar: bool = Field(default=False, description="Whether there is a picture to ask for.")
    conversations: int = 0
    work: str = Field(default="", description="The work's title.")
    place: str = Field(default="", description="What the chapter is called.")
    created_at: datetime
    updated_at: datetime


class PersonaImported(Shape):
    """A persona out of another tool's card."""

    persona: PersonaOut
    left: list[str] = Field(description="What of the file was not taken: sentences, file names.")


class PersonaEntry(Shape):
    """An entry of a persona's own lorebook, as far as its page shows it."""

    id: Id | None = Field(default=None, description="Null: a new one.")
    name: str = Field(default="", max_length=200)
    content: Content = ""
    keys: Keys = Field(default_factory=list)
    constant: bool = False
    enabled: bool = True


class PersonaEntryIn(PersonaEntry, Wanted):
    pass


class PersonaLoreIn(Wanted):
    entries: list[PersonaEntryIn] = Field(max_length=20_000)


class KnownOut(Shape):
    text: str
    reason: str


class KnowledgeOut(Shape):
    """What a persona knows where they stand, and what the book has that they do not."""

    known: list[KnownOut]
    unknown: list[KnownOut]


class TalkSampling(SamplingIn):
    length: int = Field(
        default=240, ge=20, le=4000, description="Characters after which an answer is ended."
    )

    def plain_for_talk(self) -> Sampling:
        return SamplingIn(**self.model_dump(exclude={"length"})).plain(self.length)


class ConversationNew(Wanted):
    persona_id: Id
    others: list[Id] = Field(
        default_factory=list, max_length=15, description="Who takes part besides, in turn."
    )
    greeting: int = Field(default=0, ge=0, le=50)
    title: SetTitle = ""
    user_name: Name = "我"
    user_note: Note = ""
    author_note: Note = ""
    author_depth: Depth = 2
    sampling: TalkSampling = Field(default_factory=TalkSampling)


class ConversationChange(Wanted):
    title: SetTitle | None = None
    user_name: Name | None = None
    user_note: Note | None = None
    author_note: Note | None = None
    author_depth: Depth | None = None
    sampling: TalkSampling | None = None


class MemberIn(Wanted):
    persona_id: Id
    muted: bool = Field(default=False, description="Speaks only where they are chosen.")


class MembersIn(Wanted):
    members: list[MemberIn] = Field(max_length=16, description="In the order of their turns.")


class MemberOut(Shape):
    persona_id: str
    name: str
    muted: bool
    present: bool = Field(description="False: has left; what they said stays.")
    gone: bool = Field(description="In the bin or deleted: cannot speak.")


class TurnOut(Shape):
    persona_id: str | None = Field(description="Who speaks next; null: somebody must be chosen.")


class ConversationOut(Shape):
    id: str
    persona_id: str = Field(description="Who it began with.")
    members: list[MemberOut] = Field(description="All who ever took part, in turn.")
    title: str
    user_name: str
    user_note: str
    author_note: str
    author_depth: int
    leaf_id: str | None
    sampling: TalkSampling
    created_at: datetime
    updated_at: datetime


class GroundOut(Shape):
    title: str
    text: str
    why: str


class WithheldOut(Shape):
    title: str
    reason: str


class SaidOut(Shape):
    id: str
    parent_id: str | None
    number: int
    role: Literal["user", "assistant"]
    persona_id: str | None = Field(default=None, description="Who spoke; null: the user.")
    text: str
    origin: Literal["typed", "generated", "edited", "greeting"]
    state: str = Field(default="done", description="`cancelled` or `failed` where it broke off.")
    finish_reason: str | None = None
    model: str = ""
    grounds: list[GroundOut] = Field(default_factory=list)
    withheld: list[WithheldOut] = Field(default_factory=list)
    created_at: datetime

    @model_validator(mode="before")
    @classmethod
    def _with_its_details(cls, row: Any) -> Any:
        if isinstance(row, dict):
            return row
        own = {n: getattr(row, n) for n in cls.model_fields if hasattr(row, n)}
        return own | {n: v for n, v in row.details.items() if n in cls.model_fields}


class SaidFull(SaidOut):
    prompt: dict[str, Any] = Field(description="What it was written from; {} for others.")


class TreeOut(Shape):
    """All that was said, in the order in which it was made, and where the conversation stands."""

    leaf_id: str | None
    messages: list[SaidOut]


class SayIn(Wanted):
    text: Words
    parent_id: Id | None = Field(default=None, description="What it is said after.")
    persona_id: Id | None = Field(default=None, description="Who answers; null: whose turn it is.")


class SpeakIn(Wanted):
    persona_id: Id | None = Field(default=None, description="Who is to; null: whose turn it is.")
    parent_id: Id | None = Field(default=None, description="What it is said after.")
    turns: int = Field(default=1, ge=1, le=20, description="Answers, each to the one before.")


class MessageChange(Wanted):
    text: Words


class LeafIn(Wanted):
    message_id: Id
    exact: bool = Field(
        default=False, description="Stand at this message; else where it went on last."
    )


class StoppedOut(Shape):
    stopped: int
