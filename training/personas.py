"""Persona cards as training reads them, and a talk as the desk would send it to the model.

A card is the JSON that `data/personas/` holds and the page exports, or a Character Card V2/V3.
`as_served` renders turns through `retrieval`'s own conversation, with the card's parts where
`server/personas/prompt.py` puts them: a test holds the two together.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retrieval.conversation import Talk, build_talk
from retrieval.conversation import Turn as Said
from retrieval.template import CONVERSATION, load_template
from retrieval.types import ContextItem, Group, Message
from training.errors import BadInput
from training.types import Turn

_MACRO = re.compile(r"\{\{\s*(char|user)\s*\}\}|<(bot|char|user)>", re.IGNORECASE)
_NO_LIMIT = 10**9
_OTHER_NAMES = {"post_history": "post_history_instructions", "instruction": "system_prompt"}


@dataclass(frozen=True, slots=True)
class Card:
    """Who a persona is; the texts may hold `{{char}}` and `{{user}}`."""

    name: str
    description: str = ""
    personality: str = ""
    scenario: str = ""
    examples: tuple[str, ...] = ()
    post_history: str = ""
    instruction: str = ""

    def filled(self, text: str, user: str) -> str:
        """The text with the names in place of the macros, as the server puts them in."""

        def named(found: re.Match[str]) -> str:
            return user if (found[1] or found[2]).lower() == "user" else self.name

        return _MACRO.sub(named, text).strip()


def read_card(path: Path) -> Card:
    """Raises BadInput for a file that is no card, naming the field that is missing."""
    try:
        row: Any = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise BadInput("不是 JSON 人物卡", file=path) from error
    told = row.get("data", row) if isinstance(row, dict) else None
    if not isinstance(told, dict) or not str(told.get("name") or "").strip():
        raise BadInput("人物卡缺少名字", file=path, field="name")
    examples = told.get("examples")
    return Card(
        str(told["name"]).strip(),
        _text(told, "description"),
        _text(told, "personality"),
        _text(told, "scenario"),
        tuple(each for each in examples if isinstance(each, str) and each.strip())
        if isinstance(examples, list)
        else (),
        _text(told, "post_history"),
        _text(told, "instruction"),
    )


def _text(told: dict[str, Any], key: str) -> str:
    value = told.get(key) or told.get(_OTHER_NAMES.get(key, key)) or ""
    return value if isinstance(value, str) else ""


def as_served(card: Card, turns: Sequence[Turn], user: str) -> tuple[Turn, ...]:
    """The turns, the last of them the answer, as the desk's prompt has them.

    What the card's lore and the persona's place in a story would add is not in it: that
    depends on the words of the day.
    """
    *before, answer = turns
    said = [
        Said(str(n), "assistant" if turn.role == "assistant" else "user", turn.text)
        for n, turn in enumerate(before)
        if turn.role != "system"
    ]
    variables = {
        "char": card.name, "user": user, "title": card.name,
        "instruction": card.filled(card.instruction, user),
        "after": card.filled(card.post_history, user),
    }  # fmt: skip
    prompt = build_talk(
        Talk(said, variables=variables),
        _items(card, user),
        tokens=_Free(),
        limit=_NO_LIMIT,
        template=load_template(CONVERSATION),
    )
    learned = [turn.learned for turn in before if turn.role == "assistant"][::-1]
    told = [Turn(message.role, message.content) for message in prompt.messages]
    return (*_marked(told, learned), answer)


def _marked(turns: Sequence[Turn], learned: list[bool | None]) -> list[Turn]:
    """The assistant's earlier turns learned or not, as they were."""
    return [
        Turn(turn.role, turn.text, learned.pop() if learned else None)
        if turn.role == "assistant"
        else turn
        for turn in turns
    ]


def _items(card: Card, user: str) -> list[ContextItem]:
    lines = "\n".join(f"- {card.filled(line, user)}" for line in card.examples)
    parts = (
        ("description", card.description, ""),
        ("personality", card.personality, "性格："),
        ("scenario", card.scenario, "眼下："),
        ("examples", lines, "口吻举例（学语气，不照抄）：\n"),
    )
    return [
        ContextItem(
            f"card:{name}", Group.SYSTEM, f"{label}{card.filled(text, user)}", name,
            required=True, order=order,
        )
        for order, (name, text, label) in enumerate(parts)
        if text.strip()
    ]  # fmt: skip


class _Free:
    """Counts nothing: how much fits is told by the tokenizer of the run, not here."""

    def count(self, texts: Sequence[str]) -> list[int]:
        return [0] * len(texts)

    def count_messages(self, messages: Sequence[Message]) -> int:  # noqa: ARG002
        return 0
