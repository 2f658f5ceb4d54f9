"""Self-knowledge sets: a persona asked in many ways who they are, answering in the first person.

Questions and answers are templates of ours (`persona_questions`); what is told comes from the
description alone, sentence by sentence, turned from 她 and the name to 我. The same persona and
seed give the same set.
"""

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice, pairwise, zip_longest

from retrieval.chunk import sentences
from training.errors import BadInput
from training.persona_questions import ANSWERS, CLAUSES, IDENTITY, QUESTIONS, SIGNS
from training.personas import Card, as_served
from training.types import Chat, Origin, Turn

MADE_BY = "self-knowledge/1"

_PRONOUN = re.compile("[她他它](?!们)")
_LEADING = re.compile(r"^[，、：；,:;\s]+")
_HAS_SUBJECT = re.compile(
    "[你谁这那每“「]|人人|别人|旁人|大家|没有人|有人|自从|如今|从前|后来|当年|小时候|今年|去年|前年|因为|虽然|只有"
)
"""What a sentence begins with that is not given a 我: it has what it is about."""
_OWN_KIN = re.compile(SIGNS["family"])
_CLAUSE = re.compile("[，；。！？]")


@dataclass(frozen=True, slots=True)
class Asked:
    """How many items, and what stands in front of them.

    `count` None is every question once. `maker` is who made the persona, where they are to know
    it; without one they know of no maker. `system` may name `{role}`; `served` puts the desk's
    own prompt of the card there instead.
    """

    count: int | None = None
    seed: int = 0
    maker: str = ""
    system: str = ""
    served: bool = False
    user: str = "我"


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What a persona can say of themselves, in the first person."""

    name: str
    told: tuple[str, ...]
    """Every sentence, in the description's order."""
    facts: Mapping[str, tuple[str, ...]]
    """The sentences, or their clauses, by topic."""
    lines: tuple[str, ...]
    """What they might say, from the card's examples."""

    @property
    def who(self) -> str:
        """The first thing to be said of them."""
        return self.told[0]


def knowledge_of(card: Card, user: str = "你") -> Knowledge:
    """Sort the description's sentences. Raises BadInput where it says nothing."""
    told = [
        first_person(sentence, card.name)
        for text in (card.description, card.personality)
        for sentence in _sentences(card.filled(text, user))
    ]
    told = [*dict.fromkeys(sentence for sentence in told if sentence)]
    if not told:
        raise BadInput("没有介绍文字，说不出自己是谁，请写几句。", field="description")
    facts = {topic: tuple(dict.fromkeys(_about(topic, told))) for topic in SIGNS}
    lines = tuple(card.filled(line, user) for line in card.examples)
    return Knowledge(card.name, tuple(told), facts, lines)


def _about(topic: str, told: Sequence[str]) -> Iterator[str]:
    """The sentences that tell of a topic; a sentence about kin tells of nothing else."""
    sign = re.compile(SIGNS[topic])
    for sentence in told:
        if topic in CLAUSES:
            clauses = [clause for clause in _CLAUSE.split(sentence) if sign.search(clause)]
            yield from (
                _ended(clause if clause.startswith("我") else f"我{clause}") for clause in clauses
            )
        elif sign.search(sentence) and (topic == "family" or not _OWN_KIN.match(sentence, 1)):
            yield sentence


def first_person(sentence: str, name: str) -> str:
    """A sentence about somebody as they would say it: `嬛嬛，二十二岁。` is `我二十二岁。`

    Every 她 and 他 is taken for them; where a sentence is about two people of one pronoun, an
    author writes the description so that it is not.
    """
    said = _LEADING.sub("", sentence.strip().removeprefix(name))
    said = _PRONOUN.sub("我", said.replace(name, "我"))
    if not said:
        return ""
    return _ended(said if _is_about_something(said) else f"我{said}")


def _is_about_something(said: str) -> bool:
    """Whether a sentence needs no 我 in front: `问我的话，我常先还一句家常` has its own."""
    clauses = _CLAUSE.split(said)
    if "我" in clauses[0] or _HAS_SUBJECT.match(said):
        return True
    return any(clause.startswith("我") for clause in clauses[1:]) and not _OWN_KIN.match(said)


def _ended(said: str) -> str:
    return said if said[-1] in "。！？…”" else f"{said}。"


def self_knowledge(card: Card, asked: Asked) -> list[Chat]:
    """The set, its questions in an order that mixes the topics.

    Raises BadInput: no description, or more items than there are different ones.
    """
    known = knowledge_of(card)
    dice = random.Random(asked.seed)
    pools = {topic: _answers(topic, known, asked.maker) for topic in QUESTIONS}
    questions = [
        (topic, question.replace("{name}", card.name))
        for topic, asks in QUESTIONS.items()
        for question in asks
        if pools[topic]
    ]
    most = sum(len({*chain.from_iterable(pools[topic])}) for topic, _ in questions)
    count = len(questions) if asked.count is None else asked.count
    if not 0 < count <= most:
        raise BadInput(
            f"这段介绍最多能做 {most} 条不重样的问答，做不了 {count} 条。", field="count"
        )
    dealt = islice(_dealt(questions, pools, dice), count)
    return [_chat(card, asked, number, *each) for number, each in enumerate(dealt, 1)]


Pool = list[list[str]]
"""The answers to a topic, those of one template together."""


def _dealt(
    questions: Sequence[tuple[str, str]], pools: Mapping[str, Pool], dice: random.Random
) -> Iterator[tuple[str, str, str]]:
    """Round after round every question once, each time with another answer."""
    left = {question: _mixed(pools[topic], dice) for topic, question in questions}
    while any(left.values()):
        this_round = [(topic, question) for topic, question in questions if left[question]]
        dice.shuffle(this_round)
        for topic, question in this_round:
            yield topic, question, left[question].pop()


def _mixed(pool: Pool, dice: random.Random) -> list[str]:
    """All answers once, every template in turn: one with many facts does not drown the others."""
    groups = [dice.sample(group, len(group)) for group in pool]
    dice.shuffle(groups)
    turns = chain.from_iterable(zip_longest(*groups))
    return [*dict.fromkeys(answer for answer in turns if answer)][::-1]


def _answers(topic: str, known: Knowledge, maker: str) -> Pool:
    """Every answer to a topic; none where the description does not tell."""
    is_open = topic in IDENTITY
    facts = known.told if is_open else known.facts[topic]
    lines = known.lines if topic == "talk" else ()
    if not is_open and not facts and not lines:
        return []
    key = "maker" if topic == "machine" and maker else topic
    templates = ANSWERS.get(key, ANSWERS["fact"])
    groups = [list(_filled(template, known, facts, lines, maker)) for template in templates]
    return [group for group in groups if group]


def _filled(
    template: str, known: Knowledge, facts: Sequence[str], lines: Sequence[str], maker: str
) -> Iterator[str]:
    """The template with each of the facts, or lines, that it has a place for.

    No fact is told twice in an answer; the second is the one that follows in the description.
    """
    fixed = {"name": known.name, "who": known.who, "maker": maker}
    if "{line}" in template:
        yield from (template.format(**fixed, line=line) for line in lines)
    elif "{fact}" not in template:
        yield template.format(**fixed)
    else:
        fresh = [fact for fact in facts if "{who}" not in template or fact != known.who]
        two = "{fact2}" in template
        pairs = pairwise(fresh) if two else ((fact, "") for fact in fresh)
        yield from (template.format(**fixed, fact=fact, fact2=second) for fact, second in pairs)


def _sentences(text: str) -> Iterator[str]:
    yield from (
        text[start:end].strip() for start, end in sentences(text) if text[start:end].strip()
    )


def _chat(card: Card, asked: Asked, number: int, topic: str, question: str, answer: str) -> Chat:
    turns: tuple[Turn, ...] = (Turn("user", question), Turn("assistant", answer))
    if asked.served:
        turns = as_served(card, turns, asked.user)
    elif asked.system:
        turns = (Turn("system", asked.system.replace("{role}", card.name)), *turns)
    work = f"{card.name} · 自我认知"
    return Chat(turns, Origin(card.name, f"{topic} · 第 {number} 条", MADE_BY, work))
