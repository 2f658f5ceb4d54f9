"""A conversation's prompt: the card, what they know where they stand, what the last words call
up, and what was said. Knows rows and retrieval, nothing of HTTP or engines' work.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from retrieval.context import describe, voice_of
from retrieval.conversation import Remembered, Talk, Turn, build_talk
from retrieval.facts import fact_items
from retrieval.lore import Lorebook, PreparedLore, activate, lore_items, prepare
from retrieval.mentions import Mentions
from retrieval.template import PromptTemplate
from retrieval.types import Character, ContextItem, Group, Prompt, Refused, TokenCounter
from server.kept import Kept
from server.models import Conversation, Persona
from server.personas.macros import fill
from server.personas.standing import Standing

RECENT = 6
"""Turns in which a name still counts as talked about."""
MOST_CALLED = 12
"""Facts about others that the last words may call up."""
SENTENCE = 120
"""Characters of what is told about another one who is there."""
_SENTENCE = re.compile(r"[^。！？!?\n]+[。！？!?]?")

NOTHING = Remembered()

_prepared: Kept[Sequence[Lorebook], PreparedLore] = Kept(prepare)


@dataclass(frozen=True, slots=True)
class Said:
    """What the prompt answers: the turns up to there, and what has begun of the answer."""

    turns: Sequence[Turn]
    begun: str = ""
    cue: str = ""
    """In the place of words to answer, where the last were the persona's own."""


def prompt_for(
    persona: Persona,
    talk: Conversation,
    standing: Standing,
    said: Said,
    *,
    template: PromptTemplate,
    tokens: TokenCounter,
    limit: int,
    others: Sequence[Persona] = (),
    remembered: Remembered = NOTHING,
) -> Prompt:
    """`others`: the personas who are there too; `remembered`: what they call to mind. Raises
    PromptTooLarge, BrokenTemplate."""

    def filled(text: str) -> str:
        return fill(text, persona.called, talk.user_name).strip()

    called, refused = _called(standing, said, talk.id, tokens)
    cue = [Turn("cue", "user", f"（{filled(said.cue)}）")] if said.cue else []
    note = filled(talk.author_note)
    return build_talk(
        Talk(
            [*said.turns, *cue],
            said.begun,
            f"（作者注：{note}）" if note else "",
            talk.author_depth,
            {
                "char": persona.called, "user": talk.user_name, "title": persona.called,
                "instruction": filled(persona.system_prompt),
                "after": filled(persona.post_history),
            },
            remembered.summed,
        ),
        [
            *_card(persona, talk, filled, company(others, persona, talk.user_name)),
            *_own_sheet(standing),
            *called,
            *remembered.items,
        ],
        tokens=tokens,
        limit=limit,
        template=template,
        refused=refused,
    )  # fmt: skip


def company(others: Sequence[Persona], persona: Persona, user: str) -> str:
    """Who else is there, in a line each; empty where there is nobody."""
    if not others:
        return ""
    lines = "\n".join(f"- {other.called}{_who(other, user)}" for other in others)
    return (
        f"在场的还有：\n{lines}\n每句话前面写着是谁说的；"
        f"只说{persona.called}自己的话，不替在场的任何人说。"
    )


def _who(other: Persona, user: str) -> str:
    told = fill(other.description or other.summary, other.called, user).strip()
    first = _SENTENCE.match(told)
    return f"：{first[0][:SENTENCE].strip()}" if first else ""


def _card(
    persona: Persona, talk: Conversation, filled: Callable[[str], str], others: str
) -> list[ContextItem]:
    """The card's own words, the more important the higher."""
    lines = "\n".join(f"- {filled(line)}" for line in persona.examples if line.strip())
    parts = [
        ("description", "人物卡", persona.description, "", 100.0),
        ("personality", "性格", persona.personality, "性格：", 90.0),
        ("scenario", "情境", persona.scenario, "眼下：", 85.0),
        ("others", "在场的人", others, "", 88.0),
        ("user", "对谈的人", talk.user_note, f"{talk.user_name}：", 80.0),
        ("examples", "口吻", lines, "口吻举例（学语气，不照抄）：\n", 60.0),
    ]
    return [
        ContextItem(
            f"card:{name}", Group.SYSTEM, f"{label}{filled(text)}", source,
            required=name == "description", priority=priority, order=order, keep="start",
        )
        for order, (name, source, text, label, priority) in enumerate(parts)
        if text.strip()
    ]  # fmt: skip


def _own_sheet(standing: Standing) -> list[ContextItem]:
    """Who the persona is in the story, as of there, and how they speak."""
    own = standing.knower
    if own is None:
        return []
    items = [
        ContextItem(
            f"character:{own.id}", Group.CAST, describe(own), f"人物：{own.name}",
            priority=80, keep="start", late=False, why="就是说话的人",
        )
    ]  # fmt: skip
    if own.voice:
        voice = ContextItem(
            f"voice:{own.id}", Group.CAST, voice_of(own), f"口吻：{own.name}",
            priority=30, order=1, late=False, why="就是说话的人",
        )  # fmt: skip
        items.append(voice)
    return items


def _called(
    standing: Standing, said: Said, seed: str, tokens: TokenCounter
) -> tuple[list[ContextItem], list[Refused]]:
    """(what the last turns call up, what they call up that may not stand)."""
    recent = said.turns[-RECENT:]
    texts = [(turn.text, 5.0 if turn is recent[-1] else 1.0) for turn in recent]
    sheets, weight = _others(standing, texts)
    facts, unknown = fact_items(
        standing.facts, standing.cast, weight | _themselves(standing), texts, standing.view
    )
    lore, silent = _lore(standing, said, seed, tokens)
    asked = {id for id in weight if standing.knower is None or id != standing.knower.id}
    hidden = [
        (ContextItem(f"sheet:{h.character_id}:{h.paragraph.label}", Group.CAST,
                     h.paragraph.text, f"人物册：{h.paragraph.label}"), h.reason)
        for h in standing.hidden
        if h.character_id in asked
    ]  # fmt: skip
    return [*sheets, *_few(facts, standing), *lore], [*hidden, *unknown, *silent]


def _themselves(standing: Standing) -> dict[str, float]:
    return {standing.knower.id: 1.0} if standing.knower is not None else {}


def _others(
    standing: Standing, texts: Sequence[tuple[str, float]]
) -> tuple[list[ContextItem], dict[str, float]]:
    """Whom the turns name: each under the name that was used, since another one may be what the
    persona does not know."""
    mentions = Mentions(standing.cast)
    names: dict[str, str] = {}
    weight: dict[str, float] = {}
    for text, worth in texts:
        for mention in mentions.find(text):
            for id in mention.character_ids:
                names[id] = mention.name
                weight[id] = weight.get(id, 0.0) + worth
    own = standing.knower.id if standing.knower else ""
    items = [
        ContextItem(
            f"character:{c.id}", Group.CAST, describe(_under(c, names[c.id])),
            f"人物：{names[c.id]}", priority=45 + min(weight[c.id], 10.0), order=100 + n,
            keep="start", score=weight[c.id], late=True, why="话里提到",
        )
        for n, c in enumerate(standing.cast)
        if c.id in weight and c.id != own
    ]  # fmt: skip
    return items, weight


def _under(character: Character, name: str) -> Character:
    return replace(character, name=name, aliases=(), role="")


def _few(facts: Sequence[ContextItem], standing: Standing) -> list[ContextItem]:
    """Facts about themselves, which stay, and the most telling of the others."""
    if standing.knower is None:
        own: set[str] = set()
    else:
        own = {
            f"fact:{f.id}"
            for f in standing.facts
            if _about(f.character_id, f.entity, standing.knower)
        }
    others = sorted((f for f in facts if f.id not in own), key=lambda f: -f.priority)
    return [
        *(replace(f, late=False) for f in facts if f.id in own),
        *(replace(f, why="话里提到") for f in others[:MOST_CALLED]),
    ]


def _about(character_id: str | None, entity: str, knower: Character) -> bool:
    return character_id == knower.id or (character_id is None and entity == knower.name)


def _lore(
    standing: Standing, said: Said, seed: str, tokens: TokenCounter
) -> tuple[list[ContextItem], list[Refused]]:
    if not standing.books:
        return [], []
    prepared = _prepared.of(tuple(book.id for book in standing.books), standing.books)
    turns = tuple(turn.text for turn in said.turns)
    return lore_items(activate(prepared, turns, standing.view, seed=seed, count=tokens))
