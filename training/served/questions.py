"""Text to questions and answers. An answer rests on words that must stand in the text."""

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import BaseModel

from retrieval.quoting import Quoted
from training.novels.chunks import Chunk
from training.served.asking import Unusable, parsed
from training.served.chunk_makers import Maker
from training.served.client import Sampling
from training.served.variants import shipped
from training.types import Chat, Origin, Turn

MADE_BY = "text-questions/1"
SHORTEST_QUOTE = 4
"""Characters; fewer stand anywhere."""


class Pair(BaseModel):
    question: str
    answer: str
    quote: str


class Pairs(BaseModel):
    pairs: list[Pair]


@dataclass(frozen=True, slots=True)
class Asked:
    """`quote` are the text's own words."""

    question: str
    answer: str
    quote: str


@dataclass(frozen=True, slots=True)
class Examined:
    """The pairs that hold; `dropped` quoted what stands nowhere, or were blank or the same."""

    pairs: tuple[Asked, ...]
    dropped: int


def examined(chunk: Chunk, text: str) -> Examined:
    """Raises Unusable: no JSON, or no pair that holds."""
    told, prose = parsed(Pairs, text).pairs, Quoted(chunk.text)
    found: dict[str, Asked] = {}
    for each in told:
        question, answer = each.question.strip(), each.answer.strip()
        place = prose.find(each.quote)
        if question and answer and place and len(place.text) >= SHORTEST_QUOTE:
            found.setdefault(question, Asked(question, answer, " ".join(place.text.split())))
    if not found:
        raise Unusable("没有一问能在原文里找到依据，quote 要照抄原文")
    return Examined(tuple(found.values()), len(told) - len(found))


def chats_of(chunk: Chunk, found: Examined, *, closed: bool = False) -> Iterator[Chat]:
    """A question about the text, and an answer that quotes it. `closed`: the text is not shown,
    and what is learned is what the book tells."""
    for each in found.pairs:
        shown = "" if closed else f"原文：\n{chunk.text.strip()}\n\n"
        about = f"《{chunk.book}》{chunk.title}：" if closed else ""
        yield Chat(
            (
                Turn("user", f"{shown}{about}{each.question}"),
                Turn("assistant", f"{each.answer}\n原文：“{each.quote}”"),
            ),
            Origin(chunk.book, chunk.place, MADE_BY, chunk.book),
        )


def _show(found: Examined) -> str:
    lines = [f"问：{one.question}\n答：{one.answer}\n据：{one.quote}" for one in found.pairs]
    return "\n".join([*lines, *([f"（丢掉 {found.dropped} 问）"] if found.dropped else [])])


_FORM = '写成 JSON：{"pairs": [{"question": "问", "answer": "答", "quote": "依据的原文"}]}。'

QUESTIONS: Maker[Examined] = Maker(
    "questions",
    shipped(
        事实="{{ text }}\n\n根据上面这段小说提两三个问题，问谁做了什么、什么东西、在哪里，"
        f"并且回答。{_FORM}quote 是能证明回答的一句原文，照抄，一字不改。",
        缘由="{{ text }}\n\n根据上面这段小说提两三个问题，问为什么、怎么样、什么意思，"
        f"并且用一两句话回答。{_FORM}quote 是回答所依据的一句原文，照抄，一字不改。",
    ),
    examined,
    _show,
    lambda _: Sampling(tokens=700, temperature=0.3),
    form=Pairs,
)
