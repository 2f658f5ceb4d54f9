"""Context-aware examples: the prompt that the desk would send at a place of a book, and the
book's own words for an answer.

Recall and recaps see the book up to the place and never after it. So that a model learns to use what helps
and to leave what does not, some prompts have passages that have nothing to do with the place
among those recalled, and some have none at all.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from retrieval import tail
from retrieval.book import Book
from retrieval.chunk import chunk_chapter
from retrieval.context import Brief, candidates_for
from retrieval.embed import PassageEmbeddings
from retrieval.library import Library
from retrieval.prompt import build
from retrieval.stores import FileStore
from retrieval.template import load_template
from retrieval.timeline import View, visible
from retrieval.types import (
    ChapterText,
    Found,
    Message,
    Passage,
    Stood,
    StoryPosition,
    TokenCounter,
)
from training.errors import BadInput
from training.novels.chunks import Chunk
from training.novels.made import Made
from training.novels.pairs import SHORTEST, round_length
from training.recaps import BookRecaps
from training.types import Chat, Origin, Progress, Turn

Kind = Literal["found", "distracted", "empty"]

MADE_BY = "context/1"
BEGUN = "begun"
"""In `Chat.extra`: how many characters of the last answer were the prompt's, not the model's.
The desk ends its prompt with the text's last sentences as the beginning of the answer."""

# As the desk asks (server/writing/brief.py and continuation.py); rooms may not import each other.
TAIL_CHARS = 12_000
SEAM_CHARS = 1500
QUERY_TAIL = 300
PASSAGES = 12
MOST_CHARS_A_TOKEN = 1.6

LIMIT = 2048
"""Tokens of a prompt."""
_WORK = "book"
_TEMPLATE = load_template("continuation")


@dataclass(frozen=True, slots=True)
class Shares:
    """How often a prompt has what recall found, that with others among it, or nothing."""

    found: float = 0.6
    distracted: float = 0.2
    empty: float = 0.2

    def __post_init__(self) -> None:
        parts = (self.found, self.distracted, self.empty)
        if min(parts) < 0 or not sum(parts):
            raise BadInput("三种例子的份额都不能小于 0，也不能全是 0。", field="shares")

    def draw(self, random: random.Random) -> Kind:
        parts = (self.found, self.distracted, self.empty)
        kinds: tuple[Kind, ...] = ("found", "distracted", "empty")
        return random.choices(kinds, parts)[0]


@dataclass(frozen=True, slots=True)
class Wanted:
    """`limit` is the prompt's, in tokens, and should be the desk's. Where a chunk has a summary
    in `made`, it is what the author asks for there."""

    limit: int = LIMIT
    shares: Shares = field(default_factory=Shares)
    made: Mapping[str, Made] = field(default_factory=dict)
    shortest: int = SHORTEST
    """Characters of an answer worth learning."""
    seed: int = 0


class Context:
    """A book as the desk knows it while its author writes: `folder` takes the index."""

    def __init__(
        self,
        book: Book,
        folder: Path,
        embeddings: PassageEmbeddings,
        progress: Progress | None = None,
    ) -> None:
        """Raises IndexFailure."""
        self._title = book.title
        self._chapters = [
            ChapterText(str(n), n, _title_of(one.heading, one.title, n), one.text)
            for n, one in enumerate(book.chapters)
        ]
        self._passages = [p for chapter in self._chapters for p in chunk_chapter(chapter)]
        self._library = Library(FileStore(folder), embeddings)
        self._library.sync(_WORK, self._chapters, progress)
        self._recaps = BookRecaps(self._chapters, [one.volume for one in book.chapters])

    def examples(
        self, chunks: Sequence[Chunk], wanted: Wanted, tokens: TokenCounter
    ) -> Iterator[Chat]:
        """One for each chunk that is long enough and has something before it, in order.

        Raises PromptTooLarge where `limit` holds not even what is required.
        """
        for chunk in chunks:
            if len(chunk.text.strip()) < wanted.shortest:
                continue
            brief = self.brief(chunk, wanted.made.get(chunk.id, Made()).summary)
            if not brief.before:
                continue
            drawn = random.Random(f"{wanted.seed} {chunk.id}")
            kind = wanted.shares.draw(drawn)
            yield self._example(
                chunk, self._with(brief, kind, wanted.limit, drawn), wanted, tokens, kind
            )

    def brief(self, chunk: Chunk, beat: str = "") -> Brief:
        """All that is known where the chunk is to be written, but what recall finds."""
        text = self._chapters[chunk.chapter].text
        before = text[tail.beginning(chunk.start, TAIL_CHARS) : chunk.start]
        opens = not before.strip()
        view = View(StoryPosition(chunk.chapter, chunk.start))
        return Brief(
            title=self._title,
            chapter_title=self._chapters[chunk.chapter].title,
            before=self._ending_before(chunk.chapter) if opens else before,
            opens_chapter=opens,
            beat=beat,
            length=round_length(len(chunk.text.strip())),
            view=view,
            recaps=self._recaps.items(view),
        )

    def found(self, brief: Brief, limit: int) -> list[Found]:
        """What the desk would recall there, best first."""
        query = f"{brief.before[-QUERY_TAIL:]}\n{brief.beat}".strip()
        stands = brief.before[-int(limit * MOST_CHARS_A_TOKEN) :]
        return self._library.recall(
            _WORK, query, PASSAGES, brief.view, stands, cast=brief.cast, join=True
        )

    def _with(self, brief: Brief, kind: Kind, limit: int, drawn: random.Random) -> Brief:
        if kind == "empty":
            return brief
        found = self.found(brief, limit)
        if kind == "distracted":
            found = self.distracted(brief, found, limit, drawn)
        return replace(brief, found=found)

    def distracted(
        self, brief: Brief, found: Sequence[Found], limit: int, drawn: random.Random
    ) -> list[Found]:
        """The better half of what was found, among as many passages that were not."""
        half = found[: (len(found) + 1) // 2]
        known = {one.passage.text for one in found}
        others = [p for p in self._past(brief, limit) if p.text not in known]
        chosen = drawn.sample(others, min(len(half) or PASSAGES // 2, len(others)))
        mixed = [*half, *(Found(passage, 0.0) for passage in chosen)]
        drawn.shuffle(mixed)
        return mixed

    def _past(self, brief: Brief, limit: int) -> Iterator[Passage]:
        """Passages behind the place, but for the text that stands in the prompt anyway."""
        place = brief.view.position
        assert place is not None
        stands = int(limit * MOST_CHARS_A_TOKEN)
        if brief.opens_chapter:
            begins = StoryPosition(max(0, place.chapter - 1))
        else:
            begins = StoryPosition(place.chapter, max(0, place.offset - stands))
        return (p for p in self._passages if visible(p, begins))

    def _ending_before(self, chapter: int) -> str:
        for before in reversed(self._chapters[:chapter]):
            if text := before.text.rstrip():
                return text[-SEAM_CHARS:]
        return ""

    def _example(
        self, chunk: Chunk, brief: Brief, wanted: Wanted, tokens: TokenCounter, kind: Kind
    ) -> Chat:
        asked = messages(brief, wanted.limit, tokens)
        begun = asked[-1].content if asked[-1].role == "assistant" else ""
        told = asked[:-1] if begun else asked
        answer = f"{begun}{self._goes_on(chunk)}" if begun else chunk.text.strip()
        turns = [*(Turn(m.role, m.content) for m in told), Turn("assistant", answer)]
        return Chat(
            tuple(turns),
            Origin(chunk.book, chunk.place, f"{MADE_BY} {kind}", chunk.book),
            extra={BEGUN: len(begun)} if begun else {},
        )

    def _goes_on(self, chunk: Chunk) -> str:
        """The chunk, with the white space before it: the prompt ends with a word."""
        text = self._chapters[chunk.chapter].text
        begins = len(text[: chunk.start].rstrip())
        return text[begins : chunk.end].rstrip()


def messages(brief: Brief, limit: int, tokens: TokenCounter) -> tuple[Message, ...]:
    """What the desk sends for the first continuation at a place. Raises PromptTooLarge."""
    items, refused = candidates_for(brief)
    return build(
        items,
        refused=refused,
        tokens=tokens,
        limit=limit,
        template=_TEMPLATE,
        variables={"title": brief.title, "length": brief.length},
        stood=Stood(),
    ).messages


def _title_of(heading: str, title: str, number: int) -> str:
    return heading.strip("# \u3000") or title or f"第 {number + 1} 章"
