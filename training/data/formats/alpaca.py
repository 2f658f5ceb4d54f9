"""Alpaca rows: instruction, input, output; system, history, tools; chosen/rejected, kto_tag.

The question is the instruction and the input with a line end between them ("joined"), as
LLaMA-Factory trains it; or the instruction is the system prompt and the input the question
("system"). Where the instruction ended is remembered in `extra["instruction"]`, so that both
come out apart again.
"""

from typing import Literal

from training.data.formats.fields import (
    Row,
    need_text,
    system_turn,
    take_tag,
    take_text,
    take_tools,
)
from training.data.formats.layout import Layout
from training.errors import BadInput
from training.types import Chat, Item, Preference, Text, Turn

Instruction = Literal["joined", "system"]


def read_alpaca(row: Row, layout: Layout, instruction: Instruction = "joined") -> Item:
    """A conversation; a preference for rows that were judged; bare text where the layout has
    no column for answers. Raises BadInput with the field."""
    rest = dict(row)
    told, asked = take_text(rest, layout.prompt), take_text(rest, layout.query)
    if not (told.strip() or asked.strip()):
        raise BadInput("是空的", field=layout.prompt or layout.query or "prompt")
    system = take_text(rest, layout.system)
    extra = {}
    if instruction == "system" and asked.strip():
        system, question = "\n".join(part for part in (system, told) if part), asked
    else:
        question = "\n".join(part for part in (told, asked) if part)
        extra = {"instruction": told} if asked else {}
    if _is_bare(layout):
        return Text(question, extra=rest | extra)
    before = (*system_turn(system), *_history(rest, layout), Turn("user", question))
    tools, tag = take_tools(rest, layout.tools), take_tag(rest, layout.kto_tag)
    if tag is None and _is_ranked(row, layout):
        chosen, rejected = need_text(rest, layout.chosen), need_text(rest, layout.rejected)
        return Preference(before, chosen, rejected, tools=tools, extra=rest | extra)
    answer = need_text(rest, layout.response)
    if tag is None:
        return Chat((*before, Turn("assistant", answer)), tools=tools, extra=rest | extra)
    return judged(before, answer, tag, tools, rest | extra)


def judged(turns: tuple[Turn, ...], answer: str, good: bool, tools: str, extra: Row) -> Preference:
    """An answer with KTO's verdict."""
    chosen, rejected = (answer, None) if good else (None, answer)
    return Preference(turns, chosen, rejected, tools=tools, extra=extra)


def write_alpaca(item: Chat | Preference, *, apart: bool = True) -> Row:
    """Raises BadInput for turns that do not alternate, and for calls of tools."""
    system, turns = split_system(item.turns)
    asks = ["user", "assistant"] * (len(turns) // 2) + ["user"] * (len(turns) % 2)
    if [turn.role for turn in turns] != asks or any(turn.extra.get("tool_calls") for turn in turns):
        raise BadInput("Alpaca 里只能一问一答地轮流，不能有工具；请用 sharegpt", field="history")
    if isinstance(item, Chat):
        turns, answer = turns[:-1], turns[-1].text
    if len(turns) % 2 == 0:
        raise BadInput("缺最后一问，或缺它的回答", field="instruction")
    texts = [turn.text for turn in turns]
    told, asked = _apart(texts[-1], item.extra.get("instruction") if apart else None)
    row: Row = {"instruction": told, "input": asked}
    if isinstance(item, Chat):
        row["output"] = answer
    elif item.chosen is not None and item.rejected is not None:
        row |= {"chosen": item.chosen, "rejected": item.rejected}
    else:
        row |= {"output": item.chosen or item.rejected, "kto_tag": item.chosen is not None}
    row["system"] = system
    row["history"] = [list(pair) for pair in zip(texts[:-1:2], texts[1:-1:2], strict=True)]
    return row | {"tools": item.tools}


def split_system(turns: tuple[Turn, ...]) -> tuple[str, tuple[Turn, ...]]:
    if turns and turns[0].role == "system":
        return turns[0].text, turns[1:]
    return "", turns


def _is_bare(layout: Layout) -> bool:
    return layout.response is None and layout.chosen is None and not layout.ranking


def _is_ranked(row: Row, layout: Layout) -> bool:
    """Whether the row is a pair: its layout says so, or nobody described it and it has both."""
    if layout.ranking:
        return True
    return layout.free and all(row.get(name or "") for name in (layout.chosen, layout.rejected))


def _history(rest: Row, layout: Layout) -> list[Turn]:
    name = layout.history or ""
    pairs = rest.pop(name, None) if name else None
    turns = []
    if pairs is not None and not isinstance(pairs, list):
        raise BadInput("应是 [问, 答] 的列表", field=name)
    for i, pair in enumerate(pairs or ()):
        if not (isinstance(pair, list) and len(pair) == 2):
            raise BadInput("应是 [问, 答]", field=f"{name}[{i}]")
        for each, role in zip(pair, ("user", "assistant"), strict=True):
            if not (isinstance(each, str) and each.strip()):
                raise BadInput("问和答都应是文字，不能是空的", field=f"{name}[{i}]")
            turns.append(Turn(role, each))  # type: ignore[arg-type]
    return turns


def _apart(question: str, instruction: object) -> tuple[str, str]:
    """(instruction, input) that join to the question again."""
    if instruction == "":
        return "", question
    if isinstance(instruction, str) and question.startswith(f"{instruction}\n"):
        asked = question[len(instruction) + 1 :]
        return (instruction, asked) if asked else (question, "")
    return question, ""
