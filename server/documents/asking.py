"""A question to a work's text and documents, or to a persona's documents.

`prepare` does everything that can be refused; `events` writes: `passages` (what is read),
`delta`…, then `done` with the checked answer, or `error`. Nothing is kept.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Any

from sqlmodel import Session

from retrieval.answering import NOTHING, Answer, Excerpt, asked, read_answer
from retrieval.errors import RetrievalError
from retrieval.library import Library
from retrieval.paging import Pages, page_at
from retrieval.types import Character, Found
from server.db import Database
from server.documents.rows import Owner, chapters_of, parts_of
from server.engines.base import Engine, EngineRequest, Sampling
from server.errors import EngineLost, YanchiError, as_body, from_retrieval
from server.indexing import Indexer
from server.manuscript import cast_names, get_work, list_chapters
from server.models import new_id
from server.schemas.documents import AnswerOut, QuoteOut, SeenOut
from server.sse import Event
from server.titles import full_titles
from server.writing.room import room_for
from server.writing.running import Ticket
from server.writing.streaming import Writer, next_piece

MOST_PASSAGES = 12
LENGTH = 500
"""Characters of an answer with its quotes."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A passage that was found, and where its reader finds it again."""

    found: Found
    document: str
    """Of a document; empty for the work's own text."""
    document_id: str | None
    chapter: str
    pages: Pages = ()

    def page(self, start: int = 0) -> int | None:
        return page_at(self.pages, self.found.passage.start + start)

    def source(self, start: int = 0) -> str:
        """As a reader would cite what stands `start` characters into the passage."""
        page = self.page(start)
        told = [f"《{self.document}》" if self.document else "正文", self.chapter]
        return " ".join([*filter(None, told), *([f"第 {page} 页"] if page else [])])


@dataclass(frozen=True, slots=True)
class Question:
    """A question that may be answered."""

    id: str
    owner: Owner
    seen: Sequence[Seen]
    request: EngineRequest | None
    """None where nothing was found that could be shown to the model."""

    @property
    def excerpts(self) -> list[Excerpt]:
        return [Excerpt(each.source(), each.found.passage.text) for each in self.seen]


class Answerer:
    """Answers with one engine; whoever else writes sees it at work."""

    def __init__(
        self,
        database: Database,
        library: Library,
        indexer: Indexer,
        engine: Engine,
        writer: Writer,
        *,
        prompt_tokens: int,
    ) -> None:
        self._database = database
        self._library = library
        self._indexer = indexer
        self._engine = engine
        self._writer = writer
        self._prompt_tokens = prompt_tokens

    async def prepare(self, owner: Owner, question: str, *, text: bool = True) -> Question:
        """`text` False leaves a work's own text out. Raises NotFound, EngineStarting, Refused …"""
        self._writer.require_engine()
        return await asyncio.to_thread(self._prepare, owner, question, text)

    def _prepare(self, owner: Owner, question: str, text: bool) -> Question:
        limit, output = room_for(self._engine.status(), self._prompt_tokens, LENGTH)
        try:
            seen = self._recall(owner, question, text)
        except RetrievalError as error:
            raise from_retrieval(error) from error
        if not seen:
            return Question(new_id(), owner, (), None)
        excerpts = [Excerpt(each.source(), each.found.passage.text) for each in seen]
        messages, taken = asked(question, excerpts, self._engine.tokens, limit)
        request = EngineRequest(messages, output, Sampling(temperature=0.0, top_p=1.0))
        return Question(new_id(), owner, seen[:taken], request)

    def _recall(self, owner: Owner, question: str, text: bool) -> list[Seen]:
        """The best passages of both in turn, the best first.

        Their scores do not compare: what is rare is told in each text by itself.
        """
        with self._database.reading() as session:
            owner.check(session)
            cast = cast_names(session, owner.id) if owner.kind == "work" else []
            titles = _titles(session, owner) if text else {}
        documents = self._documents(owner, question, cast)
        own: list[Seen] = []
        if titles:
            self._indexer.fresh(owner.id)
            found = self._library.recall(owner.id, question, MOST_PASSAGES, cast=cast)
            own = [
                Seen(each, "", None, titles.get(each.passage.chapter_id, each.passage.title))
                for each in found
            ]
        in_turn = chain.from_iterable(zip_longest(documents, own))
        return [each for each in in_turn if each is not None][:MOST_PASSAGES]

    def _documents(self, owner: Owner, question: str, cast: Sequence[Character]) -> list[Seen]:
        with self._database.reading() as session:
            parts = parts_of(session, owner)
        if not parts:
            return []
        self._library.sync(owner.index, chapters_of(parts))
        rows = {part.id: (document, part) for document, part in parts}
        seen = []
        for each in self._library.recall(owner.index, question, MOST_PASSAGES, cast=cast):
            document, part = rows[each.passage.chapter_id]
            chapter = part.title if part.title != document.title else ""
            seen.append(Seen(each, document.title, document.id, chapter, part.pages))
        return seen

    async def events(self, question: Question) -> AsyncGenerator[Event]:
        """The stream; always ends with `done` or `error`, unless its reader closes it."""
        told = [seen_out(each).model_dump() for each in question.seen]
        yield Event("passages", {"passages": told})
        said = ""
        try:
            if question.request is not None:
                with self._writer.running.ticket(question.id, question.owner.id) as ticket:
                    async for text in self._write(question.request, ticket):
                        said += text
                        yield Event("delta", {"text": text})
            answer = await asyncio.to_thread(read_answer, said, question.excerpts)
            yield Event("done", answer_out(answer, question.seen).model_dump())
        except YanchiError as error:
            yield Event("error", as_body(error))

    async def _write(self, request: EngineRequest, ticket: Ticket) -> AsyncGenerator[str]:
        stream = self._engine.stream(request)
        stopped = asyncio.ensure_future(ticket.stopped.wait())
        try:
            finished = False
            while not finished:
                piece = await next_piece(stream, stopped)
                if ticket.reason is not None:
                    raise ticket.reason
                if piece is None:
                    raise EngineLost("模型没答完就断开了，请再问一次。")
                if piece.text:
                    yield piece.text
                finished = piece.finish_reason is not None
        finally:
            stopped.cancel()
            await stream.aclose()


def _titles(session: Session, owner: Owner) -> dict[str, str]:
    """What the chapters of a work are called; {} for a persona, who has none."""
    if owner.kind != "work":
        return {}
    return full_titles(get_work(session, owner.id), list_chapters(session, owner.id))


def seen_out(seen: Seen) -> SeenOut:
    text = seen.found.passage.text
    return SeenOut(**_where(seen, 0), text=text, score=round(seen.found.score, 6))


def _where(seen: Seen, start: int) -> dict[str, Any]:
    """The fields of a `WhereOut`, but for its text."""
    passage = seen.found.passage
    return {
        "source": seen.source(start),
        "document_id": seen.document_id,
        "document": seen.document,
        "chapter_id": None if seen.document_id else passage.chapter_id,
        "chapter": seen.chapter,
        "page": seen.page(start),
        "position": passage.start + start,
    }


def answer_out(answer: Answer, seen: Sequence[Seen]) -> AnswerOut:
    quotes = [
        QuoteOut(**_where(seen[q.excerpt], q.start), text=q.text, passage=q.excerpt)
        for q in answer.quotes
    ]
    return AnswerOut(
        found=answer.found,
        answer=answer.text if answer.found else f"{NOTHING}。",
        unproved="" if answer.found else answer.text,
        quotes=quotes,
        invented=list(answer.invented),
    )
