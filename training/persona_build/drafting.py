"""A card drafted by a served model from what the role says; what it may not do is checked."""

import re
from collections.abc import Sequence

from retrieval.types import Message
from training.persona_build.part import Line, Part
from training.persona_build.quoted import Draft, quoted
from training.served.asking import Ask, Unusable, ask_checked, parsed
from training.served.client import Client, Sampling

MADE_BY_QUOTES = "剧本原文摘录"
SCENES, SCENE_CHARACTERS = 4, 500
LINES = 24
_LIMITS = {
    "summary": 200,
    "description": 1200,
    "personality": 600,
    "scenario": 400,
    "first_message": 600,
}
_MACRO = re.compile(r"\{\{.*?\}\}")
_KNOWN_MACROS = frozenset({"{{char}}", "{{user}}"})


def drafted(part: Part, voice: Sequence[Line], client: Client) -> Draft:
    """Raises Nonsense where no answer is of use, PromptRefused and EngineUnreachable."""
    ask = Ask(
        (Message("user", _question(part, voice)),),
        lambda text: checked(part, parsed(Draft, text)),
        form=Draft,
        sampling=Sampling(tokens=1500, temperature=0.5),
    )
    return ask_checked(client, ask).value


def checked(part: Part, draft: Draft) -> Draft:
    """Raises Unusable: a field empty or too long, a macro that nobody fills in."""
    for field, most in _LIMITS.items():
        text = getattr(draft, field).strip()
        if not text:
            raise Unusable(f"{field} 是空的")
        if len(text) > most:
            raise Unusable(f"{field} 有 {len(text)} 字，最多 {most} 字")
        if unknown := set(_MACRO.findall(text)) - _KNOWN_MACROS:
            raise Unusable(
                f"{field} 里有不认识的 {unknown.pop()}，只能写 {{{{char}}}} 和 {{{{user}}}}"
            )
    if part.name not in draft.description and "{{char}}" not in draft.description:
        raise Unusable(f"description 没有说是谁，要写到{part.name}")
    return draft


def _question(part: Part, voice: Sequence[Line]) -> str:
    facts = quoted(part, voice)
    lines = "\n".join(f"- {line.text}" for line in voice[:LINES])
    step = max(1, len(part.scenes) // SCENES)
    scenes = "\n\n".join(
        f"{each.name} {each.title}\n{each.text[:SCENE_CHARACTERS]}"
        for each in part.scenes[::step][:SCENES]
    )
    return (
        f"下面是剧本《{part.source}》里{part.name}的材料。\n\n"
        f"数出来的：\n{facts.description}\n{facts.personality}\n\n"
        f"说过的话：\n{lines}\n\n几场戏：\n{scenes}\n\n"
        f"请据此写一张{part.name}的人物卡，只写材料里看得出的，不要编造身世。"
        "写成 JSON：\n"
        '{"summary": "一句话介绍，三十字以内", "description": "这个人是谁，处境如何，两百字左右", '
        '"personality": "性情和说话的样子，一百字左右", '
        '"scenario": "{{user}}来见{{char}}的情境，五十字左右", '
        '"first_message": "{{char}}开口的第一段话，动作写在（）里，照材料里的口吻"}'
    )
