"""One row of JSON to an item, by what the row holds; an item to one row."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from training.data.formats.alpaca import Instruction, read_alpaca, write_alpaca
from training.data.formats.conversations import read_conversation, write_openai, write_sharegpt
from training.data.formats.fields import Row
from training.data.formats.layout import ALPACA, OPENAI, SHAREGPT, Layout
from training.data.formats.leftover import KEY, inline, lacking, restore, take
from training.data.items import flaw, is_origin, item_from_json
from training.errors import BadInput
from training.types import Item, Origin, Text

FormatName = Literal["alpaca", "sharegpt", "openai", "text"]
OPTIONAL = {"system", "history", "tools"}
"""Columns that may be left out of a row where they are empty."""
OWN = {"messages", "text", "chosen", "rejected", "tools", "weight", "origin", "extra"}


def read_row(
    value: Any,
    origin: Origin,
    layout: Layout | None = None,
    instruction: Instruction = "joined",
) -> Item:
    """`origin` is the row's own place; an origin that the row brings along wins.

    Without a layout, the row's own fields decide. Raises BadInput with the field: fields of the
    wrong type, roles out of order, nothing to learn, a row of no known form.
    """
    if isinstance(value, str):
        value = {"text": value}
    if not isinstance(value, dict):
        raise BadInput("这一条不是 JSON 对象")
    if layout is None and is_own(value):
        item = item_from_json(value)
    else:
        row, rest = take(value)
        item = restore(_read(row, layout or layout_of(row), instruction), rest)
    if found := flaw(item):
        raise BadInput(found[1], field=found[0])
    return item if item.origin != Origin() else replace(item, origin=origin)


def write_row(item: Item, form: FormatName, *, apart: bool = True, uniform: bool = False) -> Row:
    """`apart`: Alpaca's instruction and input in their own fields, where they were once.

    `uniform`: the same columns of the same types in every row, for readers that demand them;
    what has no column stands as JSON text under `yanchi`. Raises BadInput for what the format
    cannot say.
    """
    row = _write(item, form, apart, uniform)
    if not uniform:
        said = {key: value for key, value in row.items() if value or key not in OPTIONAL}
        row = {**inline(item), **said}
    rest = lacking(item, _read_back(row, form))
    if uniform:
        return row | {KEY: json.dumps(rest, ensure_ascii=False) if rest else ""}
    return row | ({KEY: rest} if rest else {})


def layout_of(row: Mapping[str, Any]) -> Layout | None:
    """The layout that a row's fields speak of; None is bare text. Raises BadInput: none."""
    if isinstance(row.get("conversations"), list):
        return SHAREGPT
    if isinstance(messages := row.get("messages"), list):
        first = messages[0] if messages else {}
        if isinstance(first, dict) and "from" in first:
            return replace(SHAREGPT, messages="messages")
        return OPENAI
    if {"instruction", "output"} & set(row) or {"input", "chosen"} <= set(row):
        return ALPACA
    if "text" in row:
        return None
    names = "、".join(str(key) for key in list(row)[:6])
    raise BadInput(
        f"认不出这一条的格式（只有 {names or '空对象'}）；可以说明哪一列是什么，"
        "如 --column prompt=问题 --column response=回答"
    )


def is_own(row: Mapping[str, Any]) -> bool:
    """Whether the row is a line of a data set of ours."""
    return "origin" in row and set(row) <= OWN and is_origin(row["origin"])


def _read(row: Row, layout: Layout | None, instruction: Instruction) -> Item:
    if layout is None:
        rest = dict(row)
        text = rest.pop("text")
        if not isinstance(text, str):
            raise BadInput("应是文字", field="text")
        return Text(text, extra=rest)
    if layout.formatting == "alpaca":
        return read_alpaca(row, layout, instruction)
    return read_conversation(row, layout)


def _write(item: Item, form: FormatName, apart: bool, uniform: bool) -> Row:
    if isinstance(item, Text):
        if form != "text":
            raise BadInput(f"这一条是正文，写不成 {form}；请用 text 格式")
        return {"text": item.text}
    if form == "text":
        raise BadInput("这一条是对话，写不成正文；请用 alpaca、sharegpt 或 openai 格式")
    if form == "alpaca":
        return write_alpaca(item, apart=apart)
    if form == "sharegpt":
        return write_sharegpt(item, inline=not uniform)
    return write_openai(item)


def _read_back(row: Row, form: FormatName) -> Item:
    layouts = {"alpaca": ALPACA, "sharegpt": SHAREGPT, "openai": OPENAI, "text": None}
    return _read(row, layouts[form], "joined")
