"""A question to texts: the prompt that asks it, and what of the answer stands in them.

The model answers in a sentence or two and copies, line by line, the words that its answer rests
on. Words that stand in no passage do not count; an answer without any that do is no answer.
Knows nothing of where the passages come from.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from retrieval.quoting import Quoted
from retrieval.types import Message, TokenCounter

NOTHING = "文中没有"
SHORTEST_QUOTE = 4
"""Characters; fewer stand anywhere."""

_SYSTEM = (
    "你替读者查书，只凭下面给出的段落回答，不用别处知道的事，也不猜。"
    f"段落里没有答案，就只写“{NOTHING}”四个字。"
)
_ORDER = (
    "先用一两句话回答。然后另起一行写依据，每条一行，写成：\n引[段落号]：“原文”\n"
    "原文从那一段里照抄，一字不改，不超过五十个字。"
    f"段落里没有答案，就只写：{NOTHING}。"
)
_EVIDENCE = re.compile(
    r"^[\s\-*•]*引(?:文|用)?\s*[\[【（(]?\s*(?P<n>\d{1,3})?\s*[\]】）)]?\s*[:：]\s*(?P<words>.+)$"
)
_SPAN = re.compile(r"“([^”\n]+)”|「([^」\n]+)」|\"([^\"\n]+)\"")
_GAP = re.compile(r"…+|\.{3,}")
_LABEL = re.compile(r"^(?:回答|答案?|答复)\s*[:：]\s*")
_AROUND = '“”"「」『』 \t\u3000'


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A passage that may hold the answer, and what its reader calls the place."""

    source: str
    text: str


@dataclass(frozen=True, slots=True)
class Quote:
    """`excerpt` counts from 0; `text` is the excerpt's own words, from `start` on."""

    excerpt: int
    start: int
    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """`found` is whether it rests on at least one quote; `invented` are words that were given
    for quotes and stand in no passage."""

    text: str
    quotes: tuple[Quote, ...]
    invented: tuple[str, ...]

    @property
    def found(self) -> bool:
        return bool(self.quotes)


def asked(
    question: str, excerpts: Sequence[Excerpt], tokens: TokenCounter, limit: int
) -> tuple[tuple[Message, ...], int]:
    """The messages with as many of the excerpts, best first, as `limit` tokens hold; how many.

    The first stands there in any case.
    """
    costs = tokens.count([_shown(n, excerpt) for n, excerpt in enumerate(excerpts)])
    taken = len(excerpts)
    # Joined they may cost a little more than apart: what is counted in the end is the whole.
    room = limit - tokens.count_messages(_messages(question, ()))
    while taken > 1 and sum(costs[:taken]) > room:
        taken -= 1
    while taken > 1 and tokens.count_messages(_messages(question, excerpts[:taken])) > limit:
        taken -= 1
    return _messages(question, excerpts[:taken]), taken


def _messages(question: str, excerpts: Sequence[Excerpt]) -> tuple[Message, ...]:
    passages = "\n\n".join(_shown(n, excerpt) for n, excerpt in enumerate(excerpts))
    told = f"{passages}\n\n问题：{question.strip()}\n\n{_ORDER}"
    return Message("system", _SYSTEM), Message("user", told)


def _shown(number: int, excerpt: Excerpt) -> str:
    return f"[{number + 1}] {excerpt.source}\n{excerpt.text.strip()}"


def read_answer(text: str, excerpts: Sequence[Excerpt]) -> Answer:
    """What the model said, with every quote looked up in the passages."""
    lines = text.strip().split("\n")
    evidence = [found for line in lines if (found := _EVIDENCE.match(line))]
    said = "\n".join(line for line in lines if not _EVIDENCE.match(line)).strip()
    said = _LABEL.sub("", said)
    if said.lstrip(_AROUND).startswith(NOTHING) and not evidence:
        return Answer("", (), ())
    claims = [
        (int(each["n"] or 0) - 1, piece) for each in evidence for piece in _pieces(each["words"])
    ] or [(-1, piece) for words in _spans(said) for piece in _pieces(words)]
    texts = [Quoted(excerpt.text) for excerpt in excerpts]
    quotes: dict[tuple[int, int], Quote] = {}
    invented: list[str] = []
    for number, words in claims:
        quote = _looked_up(texts, number, words)
        if quote is None:
            invented.append(words)
        else:
            quotes.setdefault((quote.excerpt, quote.start), quote)
    return Answer(said, tuple(quotes.values()), tuple(dict.fromkeys(invented)))


def _pieces(words: str) -> Iterator[str]:
    """What is left out between two pieces of a quote is not in the text."""
    for piece in _GAP.split(words.strip().strip(_AROUND)):
        bare = piece.strip(_AROUND)
        if len(bare) >= SHORTEST_QUOTE:
            yield bare


def _spans(said: str) -> Iterator[str]:
    for found in _SPAN.finditer(said):
        yield next(group for group in found.groups() if group)


def _looked_up(texts: Sequence[Quoted], number: int, words: str) -> Quote | None:
    """In the passage that was named first: small models number badly."""
    for n in sorted(range(len(texts)), key=lambda n: n != number):
        if place := texts[n].find(words):
            return Quote(n, place.start, place.text)
    return None
