"""NovelAI's lorebooks (`lorebookVersion` 1 to 6): `{"entries": [{"text": "", "keys": []}]}`.

What fires first there also stands first: `budgetPriority` is order and priority in one, so it is
read as the priority alone. `searchRange` and `insertionPosition` count characters and lines of
NovelAI's own context, our columns paragraphs: they are kept as the file has them. What our
entries have and NovelAI's do not is written under `extensions.yanchi`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from retrieval.lore.formats.fields import (
    Field,
    Raw,
    between,
    flag,
    inside,
    ours,
    read_fields,
    text,
    whole,
    words,
    write_fields,
)
from retrieval.lore.formats.world_info import LOGICS, RANKS, ROLES, max_recursion

KEPT = "novelai"
VERSION = 5
PRIORITY = 400
"""NovelAI's own where an entry says none."""
FRESH: dict[str, Any] = {
    "text": "",
    "contextConfig": {
        "prefix": "",
        "suffix": "\n",
        "tokenBudget": 2048,
        "reservedTokens": 0,
        "budgetPriority": PRIORITY,
        "trimDirection": "trimBottom",
        "insertionType": "newline",
        "maximumTrimType": "sentence",
        "insertionPosition": -1,
    },
    "displayName": "",
    "keys": [],
    "searchRange": 1000,
    "enabled": True,
    "forceActivation": False,
    "keyRelative": False,
    "nonStoryActivatable": False,
    "category": "",
    "loreBiasGroups": [],
}
"""An entry as NovelAI makes a new one."""


def _own(column: str, default: Any, check: Callable[[Any], bool]) -> Field:
    return ours(column, lambda _: default, check)


def _flag(column: str, default: bool = False) -> Field:
    return _own(column, default, lambda v: isinstance(v, bool))


def _number(column: str, default: int, low: int, high: int) -> Field:
    return _own(column, default, between(low, high))


def _word(column: str, *values: str) -> Field:
    return _own(column, values[0], lambda v: v in values)


def _is_keys(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(k, str) and k.strip() for k in value)


FIELDS = (
    text("text", "content"),
    text("displayName", "name", 200),
    Field("keys", lambda raw: words(raw.get("keys")), lambda v: {"keys": v}),
    flag("enabled", "enabled", default=True),
    flag("forceActivation", "constant"),
    inside("contextConfig", whole("budgetPriority", "priority", PRIORITY, -RANKS, RANKS)),
    _own("secondary_keys", [], _is_keys),
    _word("logic", *LOGICS),
    _number("order", 100, -RANKS, RANKS),
    _word("placement", "lore", "before", "after", "depth"),
    _number("depth", 4, 0, 1000),
    _word("role", *ROLES),
    _number("probability", 100, 0, 100),
    _flag("exclude_recursion"),
    _flag("prevent_recursion"),
    _number("delay_until_recursion", 0, 0, 20),
    _own("group", "", lambda v: isinstance(v, str) and len(v) <= 200),
    _flag("group_override"),
    _number("group_weight", 100, 0, 1_000_000),
    _own("scan_depth", None, lambda v: v is None or between(0, 1000)(v)),
    _flag("case_sensitive"),
    _flag("whole_words"),
    _number("sticky", 0, 0, 10_000),
    _number("cooldown", 0, 0, 10_000),
    _number("delay", 0, 0, 10_000),
)

BOOK = (
    _own("name", "", lambda v: isinstance(v, str) and len(v) <= 200),
    _own("description", "", lambda v: isinstance(v, str)),
    _number("scan_depth", 8, 0, 1000),
    _own("token_budget", None, lambda v: v is None or between(0, 1_000_000)(v)),
    _flag("recursive", default=True),
    max_recursion,
)


def is_book(raw: Raw) -> bool:
    entries = raw.get("entries")
    if not isinstance(entries, list) or not all(isinstance(e, Mapping) for e in entries):
        return False
    return "lorebookVersion" in raw or (bool(entries) and all("text" in e for e in entries))


def read_book(raw: Raw) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The columns of the book and of its entries, in the file's order."""
    rest = {k: v for k, v in raw.items() if k != "entries"}
    book = {**read_fields(BOOK, rest), "extra": {KEPT: rest} if rest else {}}
    entries = raw["entries"]
    return book, [{**read_fields(FIELDS, e), "extra": {KEPT: dict(e)}} for e in entries]


def write_book(book: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    fresh = {"lorebookVersion": VERSION, "settings": {"orderByKeyLocations": False},
             "categories": []}  # fmt: skip
    told = write_fields(BOOK, book, book["extra"].get(KEPT) or fresh)
    return told | {"entries": [_entry(entry) for entry in entries]}


def _entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    raw = entry["extra"].get(KEPT)
    told = write_fields(FIELDS, entry, FRESH if raw is None else raw)
    # NovelAI finds an entry again by its id, which is a UUID.
    named = {"id": str(UUID(entry["id"]))} if raw is None and "id" in entry else {}
    return told | named
