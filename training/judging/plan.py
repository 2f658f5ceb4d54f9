"""What to judge and how."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from training.judging.sides import Side
from training.served.client import Sampling
from training.tuning.config import Recipe
from training.types import Item

if TYPE_CHECKING:
    from training.judging.generating import Writer

Part = Literal["perplexity", "general", "answers", "long"]
PARTS: tuple[Part, ...] = get_args(Part)


@dataclass(frozen=True)
class Plan:
    """Two plans with the same `out` share what was made for both."""

    base: Path
    tuned: Path | None
    """A folder with an adapter or a whole model; None judges the base alone."""
    train: Sequence[Item]
    held_out: Sequence[Item]
    recipe: Recipe
    """How conversations become tokens: `system` and `length` count."""
    out: Path
    name: str = ""
    data: str = ""
    digest: str = ""
    run: Path | None = None
    """Its log gives the loss curves."""
    books: Sequence[Path] = ()
    """What retrieval reads; none: the training items themselves."""
    retrieval: bool = True
    persona: str = ""
    """Who answers, as what is recalled is introduced to them."""
    parts: frozenset[Part] = frozenset(PARTS)
    items: int = 400
    """Held-out items at most whose perplexity is taken, drawn evenly."""
    cases: int = 24
    """Held-out items at most that every side answers, drawn evenly."""
    length: int = 400
    """Characters that a text is gone on with."""
    long: int = 2000
    """Characters that long texts have in the end."""
    openings: int = 6
    """Long texts at most that every side writes, drawn evenly."""
    window: int = 2048
    """Tokens of the longest prompt."""
    sampling: Sampling = field(default_factory=Sampling)
    writers: Mapping[bool, "Writer"] | None = None
    """Engines' models by whether they are tuned; None: the weights in this process write."""
    judge: "Writer | None" = None

    @property
    def sides(self) -> tuple[Side, ...]:
        """Those that there is anything to write with."""
        return tuple(
            side
            for side in Side
            if (self.tuned is not None or not side.tuned) and (self.retrieval or not side.recalling)
        )
