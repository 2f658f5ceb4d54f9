"""Prose to dialogue: who says what in a chunk, and what one character learns from it.

Each line must stand in the prose, inside quotation marks where it has any; the others are
dropped and counted. The rest goes the way of scripts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from pydantic import BaseModel

from retrieval.quoting import Quoted
from training.novels.chunks import Chunk
from training.scripts.dialogue import Wanted, dialogues
from training.scripts.speakers import Aliases
from training.scripts.structure import Block, Part, Scene, Script
from training.served.asking import Unusable, parsed
from training.served.chunk_makers import Maker
from training.served.client import Sampling
from training.served.variants import shipped
from training.types import Chat, Origin

MADE_BY = "prose-dialogue/1"
NOBODY = frozenset({"", "未知", "不明", "不知道", "无", "旁白"})
"""What stands for a speaker whom the prose does not tell."""


class Line(BaseModel):
    speaker: str
    line: str


class Lines(BaseModel):
    lines: list[Line]


@dataclass(frozen=True, slots=True)
class Spoken:
    """`text` are the prose's own words, `[start:end]` of the chunk's text."""

    speaker: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Conversation:
    """The lines in the prose's order; `dropped` were said nowhere."""

    lines: tuple[Spoken, ...]
    dropped: int


def conversation(chunk: Chunk, text: str) -> Conversation:
    """Raises Unusable: no JSON, or lines of which none stands in the prose."""
    told, prose = parsed(Lines, text).lines, Quoted(chunk.text)
    found: list[Spoken] = []
    behind: dict[str, int] = {}
    for each in told:
        place = prose.find_speech(each.line, behind.get(each.line, 0))
        if place is None:
            continue
        behind[each.line] = place.end
        speaker = "" if each.speaker.strip() in NOBODY else "".join(each.speaker.split())
        found.append(Spoken(speaker, place.text, place.start, place.end))
    if told and not found:
        raise Unusable("没有一句是原文里引号内的话，line 要照抄原文")
    apart = _apart(sorted(found, key=lambda said: (said.start, -said.end)))
    return Conversation(tuple(apart), len(told) - len(apart))


def _apart(lines: Sequence[Spoken]) -> list[Spoken]:
    """Without those that lie inside the one before: the same words told twice."""
    kept: list[Spoken] = []
    for line in lines:
        if not kept or line.start >= kept[-1].end:
            kept.append(line)
    return kept


def chats_of(
    chunk: Chunk, said: Conversation, wanted: Wanted, aliases: Aliases | None = None
) -> Iterator[Chat]:
    """What the wanted role learns from a chunk's conversation; the chunk is its origin."""
    if not said.lines:
        return
    blocks = tuple(
        Block("speech", (Part("speech", " ".join(line.text.split())),), number, number,
              (line.speaker,) if line.speaker else ())
        for number, line in enumerate(said.lines, 1)
    )  # fmt: skip
    script = Script(blocks, (Scene(0, (), blocks, 0),))
    origin = Origin(chunk.book, chunk.place, MADE_BY, chunk.book)
    for chat in dialogues(script, wanted, aliases, chunk.book):
        yield replace(chat, origin=origin)


def _show(said: Conversation) -> str:
    lines = [f"{line.speaker or '？'}：{line.text}" for line in said.lines]
    return "\n".join([*lines, *([f"（丢掉 {said.dropped} 句）"] if said.dropped else [])])


DIALOGUE: Maker[Conversation] = Maker(
    "dialogue",
    shipped(
        列出="{% if before %}前文（只用来认人）：\n{{ before }}\n\n{% endif %}正文：\n{{ text }}\n\n"
        "按先后列出正文里人物说出口的每一句话，写成 JSON："
        '{"lines": [{"speaker": "名字", "line": "原话"}]}。'
        "speaker 是说话的人的名字，不知道是谁就写“未知”；line 照抄原文引号里的话，一字不改，"
        "被叙述隔开的写成两句。没有人说话就给空的列表。",
        简短="{{ text }}\n\n上面这段小说里谁说了什么？照抄原话，写成 JSON："
        '{"lines": [{"speaker": "名字", "line": "原话"}]}。不知道是谁说的写“未知”。',
    ),
    conversation,
    _show,
    lambda length: Sampling(tokens=2 * length + 200, temperature=0.0),
    form=Lines,
)
