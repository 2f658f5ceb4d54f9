"""The `character_book` of V2 and V3 cards, whose `extensions` hold what SillyTavern adds.

A key of an entry with `use_regex` (V3) is a pattern whether or not it stands between slashes.
Decorators in V3 contents are kept as the text they are.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from retrieval.lore.formats import world_info
from retrieval.lore.formats.fields import (
    Field,
    Raw,
    flag,
    inside,
    maybe,
    number,
    ours,
    part,
    read_fields,
    text,
    whole,
    words,
    write_fields,
)
from retrieval.lore.formats.world_info import LOGICS, PLACEMENTS, RANKS, ROLES, choice, position_of
from retrieval.lore.patterns import is_pattern

KEPT = "character_book"


def _keys(raw: Raw) -> list[str]:
    keys = words(raw.get("keys"))
    if raw.get("use_regex"):
        return [key if is_pattern(key) else f"/{key}/" for key in keys]
    return keys


def _place(raw: Raw) -> str:
    position = part(raw, "extensions").get("position")
    if position is None:
        return "before" if raw.get("position") == "before_char" else "after"
    return PLACEMENTS.get(number(position, 0, 0, 99), "lore")


placement = ours("placement", _place, lambda v: v == "lore")


def _placed(value: str) -> dict[str, Any]:
    own = placement.write(value)["extensions"] if value == "lore" else {}
    return {
        "position": "before_char" if value == "before" else "after_char",
        "extensions": {"position": position_of(value), **own},
    }


def _extension(field: Field) -> Field:
    return inside("extensions", field)


FIELDS = (
    Field("keys", _keys, lambda v: {"keys": v}),
    Field(
        "secondary_keys",
        lambda raw: words(raw.get("secondary_keys")) if raw.get("selective", True) else [],
        lambda v: {"secondary_keys": v, "selective": bool(v)},
    ),
    Field(
        "name",
        lambda raw: str(raw.get("name") or raw.get("comment") or "")[:200],
        lambda v: {"name": v, "comment": v},
    ),
    text("content", "content"),
    flag("constant", "constant"),
    flag("enabled", "enabled", default=True),
    whole("insertion_order", "order", 100, -RANKS, RANKS),
    Field(
        "priority",
        lambda raw: number(raw.get("priority", raw.get("insertion_order")), 0, -RANKS, RANKS),
        lambda v: {"priority": v},
    ),
    Field("placement", placement.read, _placed),
    flag("case_sensitive", "case_sensitive"),
    *map(
        _extension,
        (
            choice("selectiveLogic", "logic", LOGICS),
            whole("depth", "depth", 4, 0, 1000),
            choice("role", "role", ROLES),
            next(f for f in world_info.FIELDS if f.column == "probability"),
            flag("exclude_recursion", "exclude_recursion"),
            flag("prevent_recursion", "prevent_recursion"),
            whole("delay_until_recursion", "delay_until_recursion", 0, 0, 20),
            text("group", "group", 200),
            flag("group_override", "group_override"),
            whole("group_weight", "group_weight", 100, 0, 1_000_000),
            maybe("scan_depth", "scan_depth", shift=1, high=1000),
            flag("match_whole_words", "whole_words"),
            whole("sticky", "sticky", 0),
            whole("cooldown", "cooldown", 0),
            whole("delay", "delay", 0),
        ),
    ),
)

BOOK = (
    text("name", "name", 200),
    text("description", "description"),
    flag("recursive_scanning", "recursive", default=True),
    maybe("token_budget", "token_budget"),
    Field(
        "scan_depth",
        lambda raw: max(0, number(raw.get("scan_depth"), 9, 0, 1000) - 1),
        lambda v: {"scan_depth": v + 1},
    ),
    world_info.max_recursion,
)


def read_book(raw: Raw) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The columns of the book and of its entries, in the file's order."""
    entries = [e for e in raw["entries"] if isinstance(e, Mapping)]
    rest = {k: v for k, v in raw.items() if k != "entries"}
    book = {**read_fields(BOOK, rest), "extra": {KEPT: rest} if rest else {}}
    return book, [{**read_fields(FIELDS, e), "extra": {KEPT: dict(e)}} for e in entries]


def write_book(book: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    told = {"extensions": {}} | write_fields(BOOK, book, book["extra"].get(KEPT, {}))
    return told | {"entries": [_entry(n, entry) for n, entry in enumerate(entries)]}


def _entry(place: int, entry: Mapping[str, Any]) -> dict[str, Any]:
    raw = entry["extra"].get(KEPT, {})
    made = write_fields(FIELDS, entry, raw)
    changed = raw.get("use_regex") and _keys(raw) != entry["keys"]
    return {"id": place, "use_regex": False, **made} | ({"use_regex": False} if changed else {})
