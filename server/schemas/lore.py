"""Wire shapes of lorebooks, and of trying them out."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints, computed_field

from retrieval.lore import Logic, Placement, key_faults
from server.schemas.common import Id, Knower, Note, Offset, Shape, Title, Wanted

KeyText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Keys = Annotated[list[KeyText], Field(max_length=200)]
Groups = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
LONGEST_CONTENT = 100_000
"""Characters of an entry; those of other tools go far beyond what a note of ours is."""
Content = Annotated[str, StringConstraints(max_length=LONGEST_CONTENT)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
Depth = Annotated[int, Field(ge=0, le=1000)]
Tokens = Annotated[int, Field(ge=0, le=1_000_000)]
Turns = Annotated[int, Field(ge=0, le=10_000)]
Rounds = Annotated[int, Field(ge=0, le=20)]
Rank = Annotated[int, Field(ge=-100_000, le=100_000)]
Percent = Annotated[int, Field(ge=0, le=100)]
Weight = Annotated[int, Field(ge=0, le=1_000_000)]
Role = Literal["system", "user", "assistant"]


class BookOut(Shape):
    id: str
    position: int
    name: str
    description: str
    enabled: bool
    scan_depth: int
    token_budget: int | None
    recursive: bool
    max_recursion: int
    extra: dict[str, Any]
    created_at: datetime
    updated_at: datetime


class BookNew(Wanted):
    name: Title
    description: Note = ""
    enabled: bool = True
    scan_depth: Depth = Field(default=8, description="Paragraphs before the beat; 0: the beat.")
    token_budget: Tokens | None = Field(default=None, description="None: lore's own share.")
    recursive: bool = True
    max_recursion: Rounds = 3


class BookChange(Wanted):
    name: Title | None = None
    description: Note | None = None
    enabled: bool | None = None
    scan_depth: Depth | None = None
    token_budget: Tokens | None = None
    recursive: bool | None = None
    max_recursion: Rounds | None = None


class EntryFields(Shape):
    name: Name = ""
    content: Content = ""
    enabled: bool = True
    constant: bool = False
    keys: Keys = Field(default_factory=list, description="Words, or `/patterns/flags`.")
    secondary_keys: Keys = Field(default_factory=list)
    logic: Logic = Logic.AND_ANY
    case_sensitive: bool = False
    whole_words: bool = False
    scan_depth: Depth | None = Field(default=None, description="None: the book's.")
    order: Rank = Field(default=100, description="Where it stands, lower first.")
    priority: Rank = Field(default=0, description="What survives a budget, higher longer.")
    placement: Placement = Placement.LORE
    depth: Depth = 4
    role: Role = "system"
    probability: Percent = 100
    exclude_recursion: bool = False
    prevent_recursion: bool = False
    delay_until_recursion: Rounds = 0
    group: Groups = ""
    group_override: bool = False
    group_weight: Weight = 100
    sticky: Turns = 0
    cooldown: Turns = 0
    delay: Turns = 0
    since_chapter_id: Id | None = None
    since_offset: Offset = 0
    until_chapter_id: Id | None = None
    until_offset: Offset = 0
    known_by: list[Knower] | None = Field(default=None, max_length=500)


class EntryNew(EntryFields, Wanted):
    pass


class EntryOut(EntryFields):
    id: str
    lorebook_id: str
    position: int
    extra: dict[str, Any]
    created_at: datetime
    updated_at: datetime

    @computed_field(description="Why some of its keys cannot be searched.")  # type: ignore[prop-decorator]
    @property
    def faults(self) -> list[str]:
        return key_faults([*self.keys, *self.secondary_keys])


class EntryChange(Wanted):
    lorebook_id: Id | None = Field(default=None, description="Moves it to that book's end.")
    name: Name | None = None
    content: Content | None = None
    enabled: bool | None = None
    constant: bool | None = None
    keys: Keys | None = None
    secondary_keys: Keys | None = None
    logic: Logic | None = None
    case_sensitive: bool | None = None
    whole_words: bool | None = None
    scan_depth: Depth | None = None
    order: Rank | None = None
    priority: Rank | None = None
    placement: Placement | None = None
    depth: Depth | None = None
    role: Role | None = None
    probability: Percent | None = None
    exclude_recursion: bool | None = None
    prevent_recursion: bool | None = None
    delay_until_recursion: Rounds | None = None
    group: Groups | None = None
    group_override: bool | None = None
    group_weight: Weight | None = None
    sticky: Turns | None = None
    cooldown: Turns | None = None
    delay: Turns | None = None
    since_chapter_id: Id | None = None
    since_offset: Offset | None = None
    until_chapter_id: Id | None = None
    until_offset: Offset | None = None
    known_by: list[Knower] | None = Field(default=None, max_length=500)


class OrderIn(Wanted):
    ids: list[Id] = Field(max_length=20_000, description="Every id once, in the new order.")


class LoreTestIn(Wanted):
    """Where lore is tried: a chapter up to an offset, or a text of one's own."""

    text: str | None = Field(
        default=None, max_length=200_000, description="Instead of the chapter's own text."
    )
    chapter_id: Id | None = Field(default=None, description="Decides what has happened yet.")
    offset: Offset | None = Field(default=None, description="Characters before the caret; all.")
    beat: str = Field(default="", max_length=100_000)
    knower: Id | None = Field(default=None, description="Whose knowledge limits it.")
    budget: Tokens | None = Field(default=None, description="Tokens for all entries together.")


class FiredOut(Shape):
    """An entry that stood in the prompt of a chapter's last generation, and why."""

    entry_id: str
    generation: str
    created_at: datetime
    why: str


class HitOut(BaseModel):
    id: str
    lorebook_id: str
    lorebook: str
    name: str
    text: str
    kind: Literal["constant", "key", "recursion", "sticky"]
    key: str
    turn: int
    by: str
    reason: str
    tokens: int | None
    placement: Placement
    depth: int


class KeptOutOut(BaseModel):
    id: str
    lorebook_id: str
    name: str
    reason: str


class LoreTestOut(BaseModel):
    """`silent` are entries that nothing called; `skipped` were called and kept out."""

    turns: int
    hits: list[HitOut]
    skipped: list[KeptOutOut]
    silent: list[KeptOutOut]
    faults: list[KeptOutOut]
