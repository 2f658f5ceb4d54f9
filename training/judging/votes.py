"""One vote of a judge model: asked so that it must quote, believed only as far as it does.

The judge reads two drafts without knowing whose they are, twice, with their order swapped. For
each criterion it names the better one and quotes the words that show it. A quote that does not
stand in the draft it is said to come from, a verdict that is none, an answer that is no JSON:
the vote is dropped, and counted under its reason.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from retrieval.measures.letters import bare
from retrieval.types import Message
from training.judging.cases import Case

Criterion = Literal["logic", "background", "style"]
CRITERIA: Mapping[Criterion, tuple[str, str]] = {
    "logic": ("逻辑性", "前后说得通，接得上给出的话，事情有因有果"),
    "background": ("背景知识", "人物、关系、时代、地方和已经交代过的事都没有弄错，不凭空添造"),
    "style": ("文风", "像原作者的笔：用词、句子的长短、说话的腔调"),
}

Winner = Literal["first", "second", "tie"]
_WINNERS: Mapping[str, Winner] = {"甲": "first", "乙": "second", "平": "tie"}

Dropped = Literal["no_answer", "no_json", "no_verdict", "no_quote", "quote_not_there"]
REASONS: Mapping[Dropped, str] = {
    "no_answer": "没有回答",
    "no_json": "回答不是要的 JSON",
    "no_verdict": "没有判断",
    "no_quote": "没有引文",
    "quote_not_there": "引文不在它说的那一份里",
}

QUOTE = 4
"""Letters that a quote must have: fewer stand in any text."""
SHOWN = 2400
"""Characters of each draft, and of what was asked, that the judge reads."""

_NO_LETTER = re.compile(r"[\W_]+")
_JSON = re.compile(r"\{.*\}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Vote:
    """`winner` is None where the vote was dropped; `quote` is the evidence as the judge gave it."""

    winner: Winner | None
    dropped: Dropped | None = None
    quote: str = ""
    reason: str = ""


def question(case: Case, first: str, second: str, page: str = "") -> tuple[Message, ...]:
    """What the judge is asked; `page` is a page by the author, to know the style by."""
    wanted = "\n".join(f"- {name}：{what}" for name, what in CRITERIA.values())
    shown = [
        f"【原作者的一页】\n{page[:SHOWN]}" if page else "",
        f"【要接的话】\n{_asked(case)[-SHOWN:]}",
        f"【甲】\n{first[:SHOWN]}",
        f"【乙】\n{second[:SHOWN]}",
    ]
    return (
        Message(
            "system",
            "你是一位严格的小说编辑，比较两份稿子。只看稿子本身：写得长不算好，先后次序不算数。"
            "每一项都先从更好或更差的那一份里照抄一句作证据，再下判断；分不出高下就判“平”。",
        ),
        Message(
            "user",
            "\n\n".join(part for part in shown if part)
            + f"\n\n逐项比较甲和乙：\n{wanted}\n只回答一个 JSON 对象，每一项有："
            "“引文”（从稿子里照抄，4 到 40 字）、“出自”（甲或乙）、“理由”（一句话）、"
            "“更好”（甲、乙或平）。",
        ),
    )


def _asked(case: Case) -> str:
    if case.before:
        return case.before
    names = {"system": "（设定）", "user": "问：", "assistant": "答："}
    return "\n".join(f"{names.get(turn.role, '')}{turn.text}" for turn in case.turns)


def schema() -> dict[str, Any]:
    """Of the answer, for engines that keep to one; evidence comes before the verdict."""
    item = {
        "type": "object",
        "properties": {
            "引文": {"type": "string", "minLength": QUOTE, "maxLength": 80},
            "出自": {"enum": ["甲", "乙"]},
            "理由": {"type": "string", "maxLength": 120},
            "更好": {"enum": list(_WINNERS)},
        },
        "required": ["引文", "出自", "理由", "更好"],
        "additionalProperties": False,
    }
    names = [name for name, _ in CRITERIA.values()]
    return {
        "type": "object",
        "properties": dict.fromkeys(names, item),
        "required": names,
        "additionalProperties": False,
    }


def read_votes(answer: str, first: str, second: str) -> dict[Criterion, Vote]:
    """The judge's answer, criterion by criterion; never raises."""
    if not answer.strip():
        return dict.fromkeys(CRITERIA, Vote(None, "no_answer"))
    given = _object(answer)
    if given is None:
        return dict.fromkeys(CRITERIA, Vote(None, "no_json"))
    return {
        criterion: _vote(given.get(name), first, second)
        for criterion, (name, _) in CRITERIA.items()
    }


def _object(answer: str) -> dict[str, Any] | None:
    """The outermost braces: judges like to talk around them."""
    found = _JSON.search(answer)
    try:
        given = json.loads(found[0]) if found else None
    except ValueError:
        return None
    return given if isinstance(given, dict) else None


def _vote(given: Any, first: str, second: str) -> Vote:
    if not isinstance(given, dict):
        return Vote(None, "no_verdict")
    quote, reason = str(given.get("引文", "")).strip(), str(given.get("理由", "")).strip()
    winner = _WINNERS.get(str(given.get("更好", "")).strip())
    if winner is None:
        return Vote(None, "no_verdict", quote, reason)
    words = _letters(quote)
    if len(words) < QUOTE:
        return Vote(None, "no_quote", quote, reason)
    source = {"甲": first, "乙": second}.get(str(given.get("出自", "")).strip(), "")
    if words not in _letters(source):
        return Vote(None, "quote_not_there", quote, reason)
    return Vote(winner, None, quote, reason)


def _letters(text: str) -> str:
    """Judges copy words well and punctuation badly."""
    return _NO_LETTER.sub("", bare(text))
