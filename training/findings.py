"""What a check found, for an author to read and for a page to draw."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Level = Literal["ok", "note", "warn", "stop"]
_ORDER: tuple[Level, ...] = ("ok", "note", "warn", "stop")


@dataclass(frozen=True, slots=True)
class Finding:
    """`key` names what was looked at, `value` what is, `advised` what would be better.

    stop: it cannot work as it stands; warn: it probably disappoints; note: worth knowing.
    `sentence` is Chinese; `says` and `facts` are for who says it in another language
    (`webui/src/rooms/training/words/said.ts`).
    """

    key: str
    level: Level
    sentence: str
    value: Any = None
    advised: Any = None
    says: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def worst(findings: Iterable[Finding]) -> Level:
    """`ok` where nothing was found."""
    return max((each.level for each in findings), key=_ORDER.index, default="ok")
