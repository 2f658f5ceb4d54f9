"""What a format has no place for, kept in a row under `yanchi`, so that nothing is lost.

Whatever a reader would not give back from the row as it was written goes there: the origin, the
weight, which turns are learned, fields of turns and rows whose names mean something else in
that format. The key holds an object, or the same as JSON text in files for readers that want
one type a column.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from training.data.formats.fields import Row
from training.data.items import (
    is_origin,
    origin_from_json,
    origin_to_json,
    weight_from_json,
)
from training.errors import BadInput
from training.types import Item, Text, Turn

KEY = "yanchi"
TAKEN = frozenset({
    "instruction", "input", "output", "history", "system", "tools", "conversations", "messages",
    "chosen", "rejected", "kto_tag", "text", "origin", "weight", "extra", KEY,
})  # fmt: skip
"""Names that mean something in a row; a field of ours that is called so goes under the key."""
_PARTS = {"origin", "weight", "learned", "turns", "tools", "extra"}


def inline(item: Item) -> Row:
    """The fields that we do not know and that can stand in a row under their own names."""
    return {key: value for key, value in item.extra.items() if key not in TAKEN}


def lacking(item: Item, back: Item) -> Row:
    """What has to be added to `back`, which was read from the row, to have `item` again.

    Raises BadInput where nothing that is added would do.
    """
    rest: Row = {}
    if item.origin != back.origin:
        rest["origin"] = origin_to_json(item.origin)
    if item.weight != back.weight:
        rest["weight"] = item.weight
    if extra := _missing(item.extra, back.extra):
        rest["extra"] = extra
    if not (isinstance(item, Text) or isinstance(back, Text)):
        rest |= _lacking_turns(item.turns, back.turns)
        if item.tools != back.tools:
            rest["tools"] = item.tools
    if restore(back, rest) != item:
        raise BadInput("这种格式写不下这一条")
    return rest


def take(row: Row) -> tuple[Row, Row]:
    """(the row without the key, what the key held); a key that is not ours stays in the row."""
    value = row.get(KEY)
    if isinstance(value, str):
        try:
            value = json.loads(value) if value else {}
        except ValueError:
            return row, {}
    if not (isinstance(value, dict) and set(value) <= _PARTS):
        return row, {}
    if not is_origin(value.get("origin", {})):
        return row, {}
    return {key: each for key, each in row.items() if key != KEY}, value


def restore(item: Item, rest: Mapping[str, Any]) -> Item:
    """The item with what was kept of it. Raises BadInput for what does not fit it."""
    changes: dict[str, Any] = {}
    if "origin" in rest:
        changes["origin"] = origin_from_json(rest["origin"])
    if "weight" in rest:
        changes["weight"] = weight_from_json(rest["weight"])
    if "extra" in rest:
        changes["extra"] = {**item.extra, **_object(rest["extra"], "extra")}
    if not isinstance(item, Text):
        if "tools" in rest:
            changes["tools"] = str(rest["tools"])
        if "learned" in rest or "turns" in rest:
            changes["turns"] = _restored(item.turns, rest)
    return replace(item, **changes) if changes else item


def _lacking_turns(turns: tuple[Turn, ...], back: tuple[Turn, ...]) -> Row:
    if len(turns) != len(back):
        raise BadInput("这种格式写不下这些轮次")
    rest: Row = {}
    if [turn.learned for turn in turns] != [turn.learned for turn in back]:
        rest["learned"] = [turn.learned for turn in turns]
    extras = {
        str(i): extra
        for i, (turn, other) in enumerate(zip(turns, back, strict=True))
        if (extra := _missing(turn.extra, other.extra))
    }
    return rest | ({"turns": extras} if extras else {})


def _missing(wanted: Mapping[str, Any], there: Mapping[str, Any]) -> Row:
    absent = object()
    return {key: value for key, value in wanted.items() if there.get(key, absent) != value}


def _restored(turns: tuple[Turn, ...], rest: Mapping[str, Any]) -> tuple[Turn, ...]:
    learned = rest.get("learned", [turn.learned for turn in turns])
    extras = _object(rest.get("turns", {}), "turns")
    if not (isinstance(learned, list) and len(learned) == len(turns)):
        raise BadInput("和对话的轮数对不上", field=f"{KEY}.learned")
    return tuple(
        replace(turn, learned=which, extra={**turn.extra, **extras.get(str(i), {})})
        for i, (turn, which) in enumerate(zip(turns, learned, strict=True))
    )


def _object(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadInput("应是一个对象", field=f"{KEY}.{name}")
    return value
