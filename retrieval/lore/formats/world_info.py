"""SillyTavern's World Info: `{"entries": {"0": {"uid": 0, "key": […], …}}}`.

Its scan depth counts the newest message, ours does not. It has no priority: what survives its
budget is what comes last in its order, so that order becomes the priority as well.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from retrieval.lore.formats.fields import (
    Field,
    Raw,
    between,
    flag,
    maybe,
    number,
    ours,
    read_fields,
    text,
    whole,
    words,
    write_fields,
)

KEPT = "world_info"
LOGICS = ("and_any", "not_all", "not_any", "and_all")
ROLES = ("system", "user", "assistant")
PLACEMENTS = {0: "before", 1: "after", 4: "depth"}
"""The other positions (around the author's note and the examples) become our own block."""
RANKS = 100_000


def _probability(raw: Raw) -> int:
    return number(raw.get("probability"), 100, 0, 100) if raw.get("useProbability", True) else 100


def _place(raw: Raw) -> str:
    return PLACEMENTS.get(number(raw.get("position"), 0, 0, 99), "lore")


def position_of(placement: str) -> int:
    return next((n for n, name in PLACEMENTS.items() if name == placement), 1)


def choice(name: str, column: str, values: Sequence[str]) -> Field:
    """A field that is the number of one of the values."""
    return Field(
        column,
        lambda raw: values[number(raw.get(name), 0, 0, len(values) - 1)],
        lambda v: {name: values.index(v)},
    )


placement = ours("placement", _place, lambda v: v == "lore")

FIELDS = (
    Field("keys", lambda raw: words(raw.get("key")), lambda v: {"key": v}),
    Field(
        "secondary_keys",
        lambda raw: words(raw.get("keysecondary")) if raw.get("selective", True) else [],
        lambda v: {"keysecondary": v, "selective": bool(v)},
    ),
    text("comment", "name", 200),
    text("content", "content"),
    flag("constant", "constant"),
    Field("enabled", lambda raw: not raw.get("disable"), lambda v: {"disable": not v}),
    choice("selectiveLogic", "logic", LOGICS),
    whole("order", "order", 100, -RANKS, RANKS),
    ours(
        "priority",
        lambda raw: number(raw.get("order"), 100, -RANKS, RANKS),
        between(-RANKS, RANKS),
    ),
    Field(
        "placement",
        placement.read,
        lambda v: {"position": position_of(v), **(placement.write(v) if v == "lore" else {})},
    ),
    whole("depth", "depth", 4, 0, 1000),
    choice("role", "role", ROLES),
    Field("probability", _probability, lambda v: {"probability": v, "useProbability": True}),
    flag("excludeRecursion", "exclude_recursion"),
    flag("preventRecursion", "prevent_recursion"),
    whole("delayUntilRecursion", "delay_until_recursion", 0, 0, 20),
    text("group", "group", 200),
    flag("groupOverride", "group_override"),
    whole("groupWeight", "group_weight", 100, 0, 1_000_000),
    maybe("scanDepth", "scan_depth", shift=1, high=1000),
    flag("caseSensitive", "case_sensitive"),
    flag("matchWholeWords", "whole_words"),
    whole("sticky", "sticky", 0),
    whole("cooldown", "cooldown", 0),
    whole("delay", "delay", 0),
)

max_recursion = ours("max_recursion", lambda _: 3, between(0, 20))

BOOK = (
    text("name", "name", 200),
    text("description", "description"),
    ours("scan_depth", lambda _: 8, between(0, 1000)),
    ours("token_budget", lambda _: None, lambda v: v is None or between(0, 1_000_000)(v)),
    ours("recursive", lambda _: True, lambda v: isinstance(v, bool)),
    max_recursion,
)
"""World Info leaves these but the first two to the program's settings, so they are ours."""


def read_book(raw: Raw) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The columns of the book and of its entries, in the order of the editor's list."""
    entries = [e for e in raw["entries"].values() if isinstance(e, Mapping)]
    entries.sort(key=lambda e: (number(e.get("displayIndex"), 10**9, 0, 10**9), _uid(e)))
    rest = {k: v for k, v in raw.items() if k != "entries"}
    book = {**read_fields(BOOK, rest), "extra": {KEPT: rest} if rest else {}}
    return book, [{**read_fields(FIELDS, e), "extra": {KEPT: dict(e)}} for e in entries]


def write_book(book: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    told = write_fields(BOOK, book, book["extra"].get(KEPT, {}))
    made: dict[str, Any] = {}
    known = [e["extra"].get(KEPT, {}) for e in entries]
    free = 1 + max((_uid(raw) for raw in known if raw), default=-1)
    for place, (entry, raw) in enumerate(zip(entries, known, strict=True)):
        row = write_fields(FIELDS, entry, raw)
        uid = _uid(raw) if raw else -1
        if uid < 0 or str(uid) in made:
            uid, free = free, free + 1
        moved = number(raw.get("displayIndex"), -1, -1, 10**9) != place
        made[str(uid)] = row | {"uid": uid} | ({"displayIndex": place} if moved else {})
    return told | {"entries": made}


def _uid(raw: Raw) -> int:
    return number(raw.get("uid"), -1, -1, 10**9)
