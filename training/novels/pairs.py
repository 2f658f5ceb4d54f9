"""Chunks to items: for each task, what is asked and the author's own text for an answer."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from retrieval.chunk import sentences
from training.errors import BadInput
from training.novels.chunks import Chunk, chapters_of
from training.novels.made import Made
from training.novels.tasks import Format, Task
from training.types import Chat, Origin, Refusal, Text, Turn

MADE_BY = "novel-pairs/1"
BEFORE = 1600
"""Characters of the text before, at most: two chunks."""
SHORTEST = 100
"""Characters of an answer worth learning; what is left at a chapter's end may be a line."""
MISSING = {"summary": "没有梗概，请先生成", "draft": "没有可改写的草稿，请先生成"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """How pairs are made. `format` joined is “format 2”: instruction, line break and input are
    one message; apart is “format 3”: the instruction stands in the system's place."""

    tasks: Sequence[Task]
    format: Format = "apart"
    before: int = BEFORE
    across: bool = False
    """Whether a chapter's first chunk goes on from the end of the chapter before it."""
    shortest: int = SHORTEST
    system: str = ""
    """In front of everything, with the instruction under it where they are apart."""

    def __post_init__(self) -> None:
        if self.before < 1:
            raise BadInput("前文的长度要大于 0。", field="before")


def pairs(
    chunks: Iterable[Chunk],
    wanted: Wanted,
    made: Mapping[str, Made] | None = None,
    refusals: list[Refusal] | None = None,
) -> Iterator[Chat]:
    """The items of each chunk in the order of the book, task by task.

    A chunk that cannot be asked for (no summary, a line too short) goes to `refusals`; that a
    chapter's first chunk has nothing before it, or that another opens none, is no refusal: it is
    not a pair.
    Raises BadInput for a template that cannot be rendered.
    """
    refused = refusals if refusals is not None else []
    end_above = ""
    book = ""
    for chapter in chapters_of(chunks):
        end_above, book = ("" if chapter[0].book != book else end_above), chapter[0].book
        told = f"{end_above}\n\n{chapter[0].title}\n\n" if wanted.across and end_above else ""
        for chunk in chapter:
            names = {
                "before": last_sentences(told, wanted.before).strip(),
                "opening": chunk.title if chunk is chapter[0] else "",
            }
            yield from _of_chunk(chunk, names, wanted, made or {}, refused)
            told = (told + chunk.text)[-2 * wanted.before :]
        end_above = told.strip()


def plain(chunks: Iterable[Chunk]) -> Iterator[Text]:
    """The chunks as they are, for continued pre-training; blank ones are left out."""
    for chunk in chunks:
        if text := chunk.text.strip("\n"):
            yield Text(text, _origin(chunk, "novel-text/1"))


def last_sentences(text: str, most: int) -> str:
    """The end of a text, at most `most` characters, from the beginning of a sentence.

    Where even the last sentence is longer, its end.
    """
    if len(text) <= most:
        return text
    first = len(text) - most
    start = next((s for s, _ in sentences(text) if s >= first), first)
    return text[start:] or text[first:]


def _of_chunk(
    chunk: Chunk,
    around: Mapping[str, str],
    wanted: Wanted,
    made: Mapping[str, Made],
    refused: list[Refusal],
) -> Iterator[Chat]:
    """`around` is what of its chapter may be named in a template."""
    answer = chunk.text.strip()
    if len(answer) < wanted.shortest:
        if answer:
            reason = f"只有 {len(answer)} 字，少于 {wanted.shortest} 字"
            refused.append(Refusal(chunk.book, None, chunk.place, reason))
        return
    own = made.get(chunk.id, Made())
    names = {
        "length": round_length(len(answer)), **around, "summary": own.summary, "draft": own.draft,
        "book": chunk.book, "chapter": chunk.title,
    }  # fmt: skip
    for task in wanted.tasks:
        if task.needs and not names[task.needs]:
            if task.needs in MISSING:
                reason = f"{task.name}：{MISSING[task.needs]}"
                refused.append(Refusal(chunk.book, None, chunk.place, reason))
            continue
        yield Chat(
            (*_asked(*task.asked(names), wanted), Turn("assistant", answer)),
            _origin(chunk, f"{MADE_BY} {task.name}"),
        )


def _asked(instruction: str, input: str, wanted: Wanted) -> Iterator[Turn]:
    apart = wanted.format == "apart"
    system = "\n\n".join(part for part in (wanted.system, instruction if apart else "") if part)
    if system:
        yield Turn("system", system)
    yield Turn("user", input if apart else "\n".join(part for part in (instruction, input) if part))


def round_length(characters: int) -> int:
    """The length to ask for: the answer's, to the nearest fifty."""
    return max(50, round(characters / 50) * 50)


def _origin(chunk: Chunk, made_by: str) -> Origin:
    return Origin(chunk.book, chunk.place, made_by, chunk.book)
