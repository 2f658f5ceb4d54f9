"""An item as one line of JSON, and back; what an item must be to be learned from.

chat        {"messages": [{"role", "content", "learned"?, …}], "tools"?, …}
text        {"text", …}
preference  {"messages", "chosen", "rejected", "tools"?, …}
all         "weight"? (1 if absent), "origin"? {source, place, made_by, work}, "extra"?
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, fields, replace
from typing import Any, get_args

from training.errors import BadInput
from training.types import Chat, Item, Kind, Origin, Preference, Role, Text, Turn

ROLES: tuple[Role, ...] = get_args(Role)
ORIGIN = tuple(each.name for each in fields(Origin))


def kind_of(item: Item) -> Kind:
    if isinstance(item, Chat):
        return "chat"
    return "text" if isinstance(item, Text) else "preference"


def texts(item: Item) -> Iterator[tuple[str, str, bool]]:
    """Every text of an item in order: (role, text, whether it is learned).

    A bare text has the role `text`; a preference's answers are `chosen` and `rejected`.
    """
    if isinstance(item, Text):
        yield "text", item.text, True
        return
    for turn in item.turns:
        yield turn.role, turn.text, isinstance(item, Chat) and turn.is_learned
    if isinstance(item, Preference):
        for name, text in (("chosen", item.chosen), ("rejected", item.rejected)):
            if text is not None:
                yield name, text, True


def with_texts(item: Item, change: Callable[[str], str]) -> Item:
    """The item with every text of `texts` changed."""
    if isinstance(item, Text):
        return replace(item, text=change(item.text))
    turns = tuple(replace(turn, text=change(turn.text)) for turn in item.turns)
    if isinstance(item, Chat):
        return replace(item, turns=turns)
    chosen = None if item.chosen is None else change(item.chosen)
    rejected = None if item.rejected is None else change(item.rejected)
    return replace(item, turns=turns, chosen=chosen, rejected=rejected)


def flaw(item: Item) -> tuple[str, str] | None:
    """(field, reason) why an item cannot be learned from; None where it can."""
    if not math.isfinite(item.weight) or item.weight < 0:
        return "weight", "权重应是不小于 0 的数"
    if isinstance(item, Text):
        return None if item.text.strip() else ("text", "正文是空的")
    if item.tools and not _is_json(item.tools):
        return "tools", "工具说明不是合格的 JSON"
    return _turns_flaw(item.turns) or (
        _chat_flaw(item) if isinstance(item, Chat) else _preference_flaw(item)
    )


def item_to_json(item: Item) -> dict[str, Any]:
    row: dict[str, Any]
    if isinstance(item, Text):
        row = {"text": item.text}
    else:
        row = {"messages": [turn_to_json(turn) for turn in item.turns]}
        if isinstance(item, Preference):
            row |= {"chosen": item.chosen, "rejected": item.rejected}
        if item.tools:
            row["tools"] = item.tools
    if item.weight != 1.0:
        row["weight"] = item.weight
    if origin := origin_to_json(item.origin):
        row["origin"] = origin
    if item.extra:
        row["extra"] = dict(item.extra)
    return row


def item_from_json(row: Any, *, file: str = "", number: int | None = None) -> Item:
    """Raises BadInput with the field; `file` and `number` only say where."""
    try:
        return _item(row)
    except BadInput as error:
        raise BadInput(error.reason, file=file, row=number, field=error.field) from error


def turn_to_json(turn: Turn) -> dict[str, Any]:
    """As chat templates take messages, with `learned` where it is not a matter of the role."""
    learned = {} if turn.learned is None else {"learned": turn.learned}
    return {"role": turn.role, "content": turn.text, **learned, **turn.extra}


def origin_to_json(origin: Origin) -> dict[str, str]:
    return {key: value for key, value in asdict(origin).items() if value}


def origin_from_json(value: Any) -> Origin:
    if not is_origin(value):
        raise BadInput(f"来处应是一个对象，只有 {'、'.join(ORIGIN)}，都是文字", field="origin")
    return Origin(**value)


def is_origin(value: Any) -> bool:
    return isinstance(value, dict) and all(
        key in ORIGIN and isinstance(each, str) for key, each in value.items()
    )


def weight_from_json(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadInput("权重应是一个数", field="weight")
    return float(value)


def _item(row: Any) -> Item:
    if not isinstance(row, dict):
        raise BadInput("这一条不是 JSON 对象")
    shared: dict[str, Any] = {
        "origin": origin_from_json(row.get("origin", {})),
        "weight": weight_from_json(row.get("weight", 1.0)),
        "extra": _typed(row, "extra", dict, {}),
    }
    if "text" in row:
        return Text(_typed(row, "text", str), **shared)
    messages = _typed(row, "messages", list)
    turns = tuple(_turn(each, f"messages[{i}]") for i, each in enumerate(messages))
    tools = _typed(row, "tools", str, "")
    if "chosen" in row or "rejected" in row:
        answers = (row.get("chosen"), row.get("rejected"))
        for name, answer in zip(("chosen", "rejected"), answers, strict=True):
            if answer is not None and not isinstance(answer, str):
                raise BadInput("应是文字", field=name)
        return Preference(turns, *answers, tools=tools, **shared)
    return Chat(turns, tools=tools, **shared)


def _turn(value: Any, where: str) -> Turn:
    if not isinstance(value, dict):
        raise BadInput("应是一个对象", field=where)
    rest = dict(value)
    role, text, learned = rest.pop("role", None), rest.pop("content", None), None
    if "learned" in rest:
        learned = rest.pop("learned")
    if role not in ROLES:
        raise BadInput(f"不认识角色“{role}”，只有 {'、'.join(ROLES)}", field=f"{where}.role")
    if not isinstance(text, str):
        raise BadInput("应是文字", field=f"{where}.content")
    if not (learned is None or isinstance(learned, bool)):
        raise BadInput("应是 true 或 false", field=f"{where}.learned")
    return Turn(role, text, learned, rest)


_WORDS = {"str": "文字", "list": "列表", "dict": "对象"}


def _typed(row: Mapping[str, Any], name: str, kind: type, default: Any = None) -> Any:
    value = row.get(name, default)
    if not isinstance(value, kind):
        raise BadInput("缺这一项" if value is None else f"应是{_WORDS[kind.__name__]}", field=name)
    return value


def _turns_flaw(turns: tuple[Turn, ...]) -> tuple[str, str] | None:
    if not turns:
        return "messages", "一轮对话也没有"
    for i, turn in enumerate(turns):
        if turn.role == "system" and i:
            return f"messages[{i}].role", f"第 {i + 1} 轮是 system，它只能在最前面"
        if turn.is_learned and is_blank(turn):
            return f"messages[{i}].content", "回答是空的"
    return None


def _chat_flaw(item: Chat) -> tuple[str, str] | None:
    if any(turn.is_learned for turn in item.turns):
        return None
    return "messages", "没有一轮是要学的回答"


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _preference_flaw(item: Preference) -> tuple[str, str] | None:
    if item.chosen is None and item.rejected is None:
        return "chosen", "被选中和被拒绝的回答一个也没有"
    for name, text in (("chosen", item.chosen), ("rejected", item.rejected)):
        if text is not None and not text.strip():
            return name, "回答是空的"
    if item.chosen == item.rejected:
        return "rejected", "和被选中的回答一模一样，比不出好坏"
    return None


def is_blank(turn: Turn) -> bool:
    """Neither words nor a call of a tool."""
    return not turn.text.strip() and not turn.extra.get("tool_calls")
