"""What the author changes in a preview."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from retrieval.book import AUTO


@dataclass(frozen=True, slots=True)
class Corrections:
    """Lines count from 1; `titles` are by the line of the chapter, `pattern` is a `Way`'s id.

    `drop_blank_lines` between paragraphs: None decides by the format.
    """

    encoding: str | None = None
    title: str | None = None
    author: str | None = None
    pattern: str = AUTO
    add_headings: frozenset[int] = field(default_factory=frozenset)
    drop_headings: frozenset[int] = field(default_factory=frozenset)
    titles: Mapping[int, str] = field(default_factory=dict)
    drop_blank_lines: bool | None = None


def to_json(wish: Corrections) -> bytes:
    plain = asdict(wish)
    lists = {name: sorted(plain[name]) for name in ("add_headings", "drop_headings")}
    return json.dumps(plain | lists, ensure_ascii=False).encode()


def from_json(data: bytes) -> Corrections:
    told = json.loads(data)
    return Corrections(
        **told
        | {name: frozenset(told[name]) for name in ("add_headings", "drop_headings")}
        | {"titles": {int(line): title for line, title in told["titles"].items()}}
    )
