"""Rows with a list of turns: ShareGPT (from/value) and OpenAI (role/content).

Calls of tools are kept as OpenAI writes them, in the turn's `tool_calls`; ShareGPT's
`function_call` turn holds the same as JSON text. Roles must follow one another as a chat does:
a system turn first or none, then questions and answers in turn, a tool's results after its call.
"""

import json
from collections.abc import Callable
from typing import Any

from training.data.formats.alpaca import judged, split_system
from training.data.formats.fields import (
    Row,
    misplaced,
    system_turn,
    take_tag,
    take_text,
    take_tools,
)
from training.data.formats.layout import SHAREGPT, Layout
from training.data.items import is_blank
from training.errors import BadInput
from training.types import Chat, Item, Preference, Turn


def read_conversation(row: Row, layout: Layout) -> Item:
    """Raises BadInput with the field, as `conversations[3].from`."""
    rest, name = dict(row), layout.messages or ""
    messages = rest.pop(name, None)
    if not isinstance(messages, list) or not messages:
        raise BadInput("应是一串对话，至少一轮", field=name)
    turns = tuple(_turn(each, layout, f"{name}[{i}]") for i, each in enumerate(messages))
    turns = _with_system(turns, take_text(rest, layout.system), layout)
    _check_order(turns, layout, len(turns) - len(messages))
    tools, tag = take_tools(rest, layout.tools), take_tag(rest, layout.kto_tag)
    if tag is None and _is_ranked(row, layout):
        if turns[-1].role not in ("user", "tool"):
            raise BadInput("成对的回答之前，最后一轮应是提问", field=f"{name}[{len(messages) - 1}]")
        chosen, rejected = (_answer(rest, n, layout) for n in (layout.chosen, layout.rejected))
        return Preference(turns, chosen, rejected, tools=tools, extra=rest)
    if turns[-1].role != "assistant":
        raise BadInput("最后一轮应是回答", field=f"{name}[{len(messages) - 1}]")
    if tag is None:
        return Chat(turns, tools=tools, extra=rest)
    if turns[-1].extra.get("tool_calls"):
        raise BadInput("被评判的回答应是文字，不能是工具调用", field=f"{name}[{len(messages) - 1}]")
    return judged(turns[:-1], turns[-1].text, tag, tools, rest)


def write_sharegpt(item: Chat | Preference, *, inline: bool) -> Row:
    """`inline`: fields of turns that we do not know stand in the turns.

    Raises BadInput for what LLaMA-Factory would silently skip: roles that do not alternate.
    """
    system, turns = split_system(item.turns)
    _check_pairs(item, turns)
    row: Row = {"conversations": [_sharegpt_turn(turn, inline) for turn in turns]}
    _add_verdict(row, "conversations", item, lambda text: {"from": "gpt", "value": text})
    return row | {"system": system, "tools": item.tools}


def write_openai(item: Chat | Preference) -> Row:
    row: Row = {"messages": [_openai_turn(turn) for turn in item.turns]}
    _add_verdict(row, "messages", item, lambda text: {"role": "assistant", "content": text})
    return row | {"tools": json.loads(item.tools) if item.tools else ""}


def calls_in(text: str) -> list[dict[str, Any]] | None:
    """A `function_call` turn's text as OpenAI's calls; None for text that is no call."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    calls = value if isinstance(value, list) else [value]
    if calls and all(isinstance(c, dict) and {"name", "arguments"} <= set(c) for c in calls):
        return [{"type": "function", "function": call} for call in calls]
    return None


def _turn(value: Any, layout: Layout, where: str) -> Turn:
    if not isinstance(value, dict):
        raise BadInput("应是一个对象", field=where)
    rest = dict(value)
    tag, text = rest.pop(layout.role_tag, None), rest.pop(layout.content_tag, None)
    part = layout.part(tag)
    if part is None:
        raise BadInput(f"不认识角色“{tag}”", field=f"{where}.{layout.role_tag}")
    if rest.get("tool_calls") is None:
        rest.pop("tool_calls", None)
    text = _plain(text, rest)
    if text is None:
        raise BadInput("应是文字", field=f"{where}.{layout.content_tag}")
    if part == "call":
        calls = calls_in(text)
        if calls is None:
            raise BadInput("应是 JSON，有 name 和 arguments", field=f"{where}.{layout.content_tag}")
        part, text, rest = "assistant", "", {**rest, "tool_calls": calls}
    return Turn(part, text, _learned(part, rest, layout), rest)


def _plain(content: Any, rest: Row) -> str | None:
    """A content as text: OpenAI's may be null beside calls, or a list of parts of text."""
    if content is None and rest.get("tool_calls"):
        return ""
    if isinstance(content, list) and all(
        isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("text"), str)
        for part in content
    ):
        return "".join(part["text"] for part in content)
    return content if isinstance(content, str) else None


def _learned(part: str, rest: Row, layout: Layout) -> bool | None:
    """OpenAI's `weight` of an answer: 0 is read over, 1 is learned."""
    if layout.formatting != "openai" or part != "assistant" or "weight" not in rest:
        return None
    if rest["weight"] not in (0, 1):
        return None
    return bool(rest.pop("weight"))


def _with_system(turns: tuple[Turn, ...], column: str, layout: Layout) -> tuple[Turn, ...]:
    first = turns[0]
    if first.role != "system":
        return (*system_turn(column), *turns)
    if column and column != first.text:
        raise BadInput("系统提示写了两份，内容不同", field=str(layout.system))
    return turns if first.text.strip() else turns[1:]


def _check_order(turns: tuple[Turn, ...], layout: Layout, added: int) -> None:
    """`added`: turns that do not stand in the row's list (less those that were left out)."""
    if not turns:
        raise BadInput("只有系统提示，没有对话", field=str(layout.messages))
    for i, turn in enumerate(turns):
        if turn.role == "assistant" and is_blank(turn):
            place = f"{layout.messages}[{i - added}].{layout.content_tag}"
            raise BadInput("回答是空的", field=place)
    if (wrong := misplaced(turns)) is None:
        return
    before = f"在 {turns[wrong - 1].role} 之后" if wrong else "在最前面"
    place = f"{layout.messages}[{wrong - added}].{layout.role_tag}"
    raise BadInput(f"第 {wrong - added + 1} 轮是 {turns[wrong].role}，不能{before}", field=place)


def _is_ranked(row: Row, layout: Layout) -> bool:
    if layout.ranking:
        return True
    return layout.free and all(
        isinstance(row.get(name or ""), dict | str) for name in (layout.chosen, layout.rejected)
    )


def _answer(rest: Row, name: str | None, layout: Layout) -> str:
    value = rest.pop(name or "", None)
    if isinstance(value, dict):
        if layout.part(value.get(layout.role_tag)) != "assistant":
            raise BadInput("应是一个回答", field=f"{name}.{layout.role_tag}")
        value = value.get(layout.content_tag)
    if not (isinstance(value, str) and value.strip()):
        raise BadInput("缺这个回答，或者它是空的", field=str(name))
    return value


def _add_verdict(
    row: Row, name: str, item: Chat | Preference, message: Callable[[str | None], Row]
) -> None:
    """Both answers side by side, or the one answer among the turns with KTO's verdict."""
    if isinstance(item, Chat):
        return
    if item.chosen is not None and item.rejected is not None:
        row |= {"chosen": message(item.chosen), "rejected": message(item.rejected)}
    else:
        row[name].append(message(item.chosen or item.rejected))
        row["kto_tag"] = item.chosen is not None


def _check_pairs(item: Chat | Preference, turns: tuple[Turn, ...]) -> None:
    asks = [turn.role in ("user", "tool") for turn in turns]
    wrong = misplaced(item.turns) is not None or asks != [i % 2 == 0 for i in range(len(asks))]
    if wrong or not asks or asks[-1] == isinstance(item, Chat):
        raise BadInput(
            "ShareGPT 要一问一答地轮流（LLaMA-Factory 会跳过这一条）；请用 openai 格式",
            field=str(SHAREGPT.messages),
        )


def _sharegpt_turn(turn: Turn, inline: bool) -> Row:
    tags = {"user": "human", "assistant": "gpt", "tool": "observation", "system": "system"}
    rest = {key: value for key, value in turn.extra.items() if key != "tool_calls"}
    said = {"from": tags[turn.role], "value": turn.text}
    if calls := turn.extra.get("tool_calls"):
        said = {"from": "function_call", "value": _call_text(turn, calls)}
    return {**rest, **said} if inline else said


def _call_text(turn: Turn, calls: Any) -> str:
    if turn.text.strip():
        raise BadInput("ShareGPT 的工具调用里不能再有话；请用 openai 格式", field="tool_calls")
    if not (
        isinstance(calls, list) and all(isinstance(c, dict) and "function" in c for c in calls)
    ):
        raise BadInput("不是 OpenAI 写法的工具调用", field="tool_calls")
    functions = [call["function"] for call in calls]
    return json.dumps(functions[0] if len(functions) == 1 else functions, ensure_ascii=False)


def _openai_turn(turn: Turn) -> Row:
    row: Row = {"role": turn.role, "content": turn.text, **turn.extra}
    if turn.role == "assistant" and turn.learned is not None and "weight" not in turn.extra:
        row["weight"] = int(turn.learned)
    return row
