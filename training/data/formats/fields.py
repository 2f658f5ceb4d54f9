"""Taking fields out of a row, with the type that they must have."""

import json
from typing import Any

from training.errors import BadInput
from training.types import Role, Turn

Row = dict[str, Any]


def take_text(rest: Row, name: str | None) -> str:
    """Remove and return a text; absent and null are the empty text."""
    value = rest.pop(name, None) if name else None
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadInput(f"应是文字，却是 {_kind(value)}", field=str(name))
    return value


def need_text(rest: Row, name: str | None) -> str:
    """Remove and return a text that must say something."""
    if not name or name not in rest:
        raise BadInput("缺这一项", field=str(name or ""))
    text = take_text(rest, name)
    if not text.strip():
        raise BadInput("是空的", field=name)
    return text


def take_tools(rest: Row, name: str | None) -> str:
    """The tools' descriptions as JSON text; a list or an object is written out."""
    value = rest.pop(name, None) if name else None
    if value in (None, ""):
        return ""
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    try:
        json.loads(value)
    except ValueError as error:
        raise BadInput("工具说明不是合格的 JSON", field=str(name)) from error
    return value


def take_tag(rest: Row, name: str | None) -> bool | None:
    """KTO's verdict: true, false, or None for a row that was not judged."""
    value = rest.pop(name, None) if name else None
    if value is None or isinstance(value, bool):
        return value
    raise BadInput(f"应是 true 或 false，却是 {_kind(value)}", field=str(name))


def system_turn(text: str) -> tuple[Turn, ...]:
    """An empty system prompt is none: what stands there then is a recipe's choice."""
    return (Turn("system", text),) if text.strip() else ()


FOLLOWS: dict[str, tuple[Role, ...]] = {
    "": ("system", "user"),
    "system": ("user",),
    "user": ("assistant",),
    "assistant": ("user", "tool"),
    "call": ("tool",),
    "tool": ("tool", "assistant"),
}


def misplaced(turns: tuple[Turn, ...]) -> int | None:
    """The first turn whose role cannot follow the one before it; None when all can."""
    last = ""
    for i, turn in enumerate(turns):
        if turn.role not in FOLLOWS[last]:
            return i
        last = "call" if turn.extra.get("tool_calls") else turn.role
    return None


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true/false"
    if isinstance(value, int | float):
        return "数字"
    return "列表" if isinstance(value, list) else "对象" if isinstance(value, dict) else "文字"
