"""A continuation: recall, prompt, stream, log. Knows nothing of HTTP.

`prepare` does everything that can be refused before a word is written; `events` then
yields `prompt`, `delta`…, and `done` or `error`. Closing `events` stops the engine.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from retrieval.budget import shares_from
from retrieval.context import items_for, refused_for
from retrieval.errors import RetrievalError
from retrieval.library import Library
from retrieval.prompt import build
from retrieval.template import PromptTemplate
from retrieval.types import Found, Group, Prompt
from server.db import Database
from server.engines.base import Engine, EngineRequest, Piece, Sampling
from server.errors import (
    ChapterGone,
    EngineError,
    EngineFailed,
    EngineLost,
    EngineStarting,
    Invalid,
    NotFound,
    UnknownAdapter,
    YanchiError,
    as_body,
    from_retrieval,
)
from server.indexing import Indexer
from server.manuscript import get_chapter, get_work
from server.models import Generation, new_id
from server.sse import Event
from server.templates import in_use
from server.writing.brief import Loaded, Place, load_brief
from server.writing.candidates import Candidates
from server.writing.explain import describe
from server.writing.length import max_tokens, min_tokens
from server.writing.log import GenerationLog
from server.writing.lore import lore_for
from server.writing.running import Running, Ticket
from server.writing.standing import Recalled, recollect, remember, with_lore

QUERY_TAIL = 300
"""How much of the text before the caret stands before the beat in the query, characters.
The beat comes last because only a query's end counts when it is long."""
PASSAGES = 12
"""Passages that recall offers; the budget decides how many of them stand."""
MOST_CHARS_A_TOKEN = 1.6
"""Chinese characters that one Qwen token may hold on average: what the tail could reach."""
SMALLEST_PROMPT = 512
"""Tokens below which a prompt can say nothing of the book."""
INDEX_WAIT = 5.0
"""Seconds that a request waits for an index that is being brought up to date."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How the author wants it written."""

    place: Place
    candidates: int = 1
    adapter: str | None = None
    sampling: Sampling = field(default_factory=Sampling)
    retrieval: bool = True


@dataclass(frozen=True, slots=True)
class Prepared:
    id: str
    wish: Wish
    loaded: Loaded
    prompt: Prompt
    settled: dict[str, Any]
    """What the next continuation of the chapter goes on from."""
    request: EngineRequest
    model: str


class Continuation:
    def __init__(
        self,
        database: Database,
        library: Library,
        indexer: Indexer,
        engine: Engine,
        *,
        prompt_tokens: int,
        automatic_recaps: bool = True,
    ) -> None:
        self._database = database
        self._library = library
        self._indexer = indexer
        self._engine = engine
        self._prompt_tokens = prompt_tokens
        self._automatic_recaps = automatic_recaps
        self._log = GenerationLog(database)
        self.running = Running()

    def require_engine(self) -> None:
        """Raises EngineStarting or EngineFailed while nothing could be written."""
        status = self._engine.status()
        if status.state == "failed":
            raise EngineFailed(f"模型没能启动：{status.detail or '请看数据目录 logs/ 里的日志'}。")
        if status.state != "ready":
            raise EngineStarting(f"模型还在启动（{status.detail or '请稍候'}），过一会儿再试。")

    async def prepare(self, wish: Wish) -> Prepared:
        """Raises NotFound, Invalid, Refused, UnknownAdapter, EngineStarting …"""
        if wish.adapter is not None:
            names = {a.name for a in await self._engine.adapters()}
            if wish.adapter not in names:
                raise UnknownAdapter(
                    f"没有载入名为“{wish.adapter}”的适配器，"
                    f"现有：{'、'.join(sorted(names)) or '无'}。"
                )
        return await asyncio.to_thread(self._prepare, wish)

    def _prepare(self, wish: Wish) -> Prepared:
        with self._database.reading() as session:
            loaded = load_brief(session, wish.place, automatic_recaps=self._automatic_recaps)
            template = in_use(session, "continuation", wish.place.work_id).template
            shares = shares_from(get_work(session, wish.place.work_id).defaults.get("budget", {}))
            before = recollect(session, wish.place.work_id, loaded, retrieval=wish.retrieval)
        limit, output = self._room(wish.place.length)
        found = self._recall(wish, loaded, limit) if wish.retrieval else []
        prompt = self._build(loaded, found, before, limit, template, shares)
        generation = new_id()
        request = EngineRequest(
            messages=prompt.messages,
            max_tokens=output,
            min_tokens=min_tokens(wish.place.length),
            sampling=wish.sampling,
            adapter=wish.adapter,
            candidates=wish.candidates,
            request_id=generation,
        )
        model = wish.adapter or self._engine.status().model
        settled = remember(prompt, loaded.position.offset, before.last)
        return Prepared(generation, wish, loaded, prompt, settled, request, model)

    def _room(self, length: int) -> tuple[int, int]:
        """(tokens for the prompt, tokens for the answer); the answer is reserved first."""
        status = self._engine.status()
        if not status.window:
            raise EngineStarting(f"模型还在启动（{status.detail or '请稍候'}），过一会儿再试。")
        output = max_tokens(length)
        limit = min(self._prompt_tokens, status.window - output)
        if limit < SMALLEST_PROMPT:
            most = int((status.window - SMALLEST_PROMPT) / max_tokens(1000) * 1000) // 100 * 100
            raise Invalid(
                f"一次写 {length} 字放不进模型的窗口，请改为不超过 {most} 字，或分几次写。",
                code="length_too_large",
            )
        return limit, output

    def _recall(self, wish: Wish, loaded: Loaded, limit: int) -> list[Found]:
        brief = loaded.brief
        query = f"{brief.before[-QUERY_TAIL:]}\n{wish.place.beat}".strip()
        if not query:
            return []
        self._indexer.fresh(wish.place.work_id, INDEX_WAIT)
        tail = brief.before[-int(limit * MOST_CHARS_A_TOKEN) :]
        try:
            return self._library.recall(
                wish.place.work_id, query, PASSAGES, brief.view, tail, cast=brief.cast, join=True
            )
        except RetrievalError as error:
            raise from_retrieval(error) from error

    def _build(
        self,
        loaded: Loaded,
        found: list[Found],
        before: Recalled,
        limit: int,
        template: PromptTemplate,
        shares: Mapping[Group, float],
    ) -> Prompt:
        lore, kept_out = lore_for(loaded, self._engine.tokens)
        brief = replace(loaded.brief, found=found, lore=lore, kept_out=kept_out)
        try:
            return build(
                items_for(brief),
                refused=refused_for(brief),
                tokens=self._engine.tokens,
                limit=limit,
                template=template,
                shares=shares,
                variables={"title": brief.title, "length": brief.length},
                stood=with_lore(before.stood, loaded, lore, kept_out),
            )
        except RetrievalError as error:
            raise from_retrieval(error) from error

    async def events(self, prepared: Prepared) -> AsyncGenerator[Event]:
        """The stream; always ends with `done` or `error`, unless its reader closes it."""
        writing = _candidates(prepared)
        opening = asyncio.ensure_future(asyncio.to_thread(self._log.open, _row(prepared)))
        state, failure = "cancelled", ""
        try:
            yield Event("prompt", {"generation": prepared.id, **describe(prepared.prompt)})
            place = prepared.wish.place
            with self.running.ticket(prepared.id, place.chapter_id) as ticket:
                async for index, text in self._write(prepared, writing, ticket):
                    yield Event("delta", {"index": index, "text": text})
            await asyncio.to_thread(self._check_chapter, place)
            state = "done"
            yield Event("done", {"generation": prepared.id, **writing.result(self._count)})
        except YanchiError as error:
            state, failure = "failed", error.code
            yield Event(
                "error",
                {"generation": prepared.id, **as_body(error), **writing.result(self._count)},
            )
        finally:
            await asyncio.shield(self._close(opening, prepared.id, state, writing, failure))

    async def complete(self, prepared: Prepared) -> dict[str, Any]:
        """The whole result at once. Raises what `events` would have told."""
        events = self.events(prepared)
        last: Event | None = None
        try:
            async for event in events:
                last = event
        finally:
            await events.aclose()
        assert last is not None
        if last.name == "error":
            raise _Told(last.data["error"])
        return {**last.data, "prompt": describe(prepared.prompt)}

    async def _write(
        self, prepared: Prepared, writing: Candidates, ticket: Ticket
    ) -> AsyncIterator[tuple[int, str]]:
        stream = self._engine.stream(prepared.request)
        stopped = asyncio.ensure_future(ticket.stopped.wait())
        try:
            while not writing.complete:
                piece = await _next(stream, stopped)
                if ticket.reason is not None:
                    raise ticket.reason
                if piece is None:
                    break
                text = writing.take(piece)
                if text:
                    yield piece.index, text
        finally:
            stopped.cancel()
            await stream.aclose()
        if not writing.complete:
            raise EngineLost("模型没写完就断开了，已写的部分已留下，请再试一次。")

    def _check_chapter(self, place: Place) -> None:
        try:
            with self._database.reading() as session:
                get_chapter(session, place.work_id, place.chapter_id)
        except NotFound as error:
            raise ChapterGone("续写时这一章被删除了，写出的文字留在生成记录里。") from error

    def _count(self, text: str) -> int:
        try:
            return self._engine.tokens.count([text])[0]
        except EngineError:
            return 0

    async def _close(
        self,
        opening: "asyncio.Future[None]",
        generation_id: str,
        state: str,
        writing: Candidates,
        failure: str,
    ) -> None:
        await opening
        result = writing.result(self._count)
        await asyncio.to_thread(
            self._log.close, generation_id, state, result["candidates"], result["usage"], failure
        )


class _Told(YanchiError):
    """An error that already has its wire shape."""

    def __init__(self, body: dict[str, Any]) -> None:
        super().__init__(body["message"], code=body["code"])
        self.retryable = body["retryable"]
        self.status = 503 if body["retryable"] else 409 if body["code"] == "chapter_gone" else 502


async def _next(stream: AsyncGenerator[Piece], stopped: "asyncio.Future[Any]") -> Piece | None:
    """The next piece, or None at the end or when somebody stopped the generation."""
    piece = asyncio.ensure_future(anext(stream, None))
    try:
        await asyncio.wait({piece, stopped}, return_when=asyncio.FIRST_COMPLETED)
        return piece.result() if piece.done() else None
    finally:
        if not piece.done():
            piece.cancel()
            await asyncio.gather(piece, return_exceptions=True)


def _candidates(prepared: Prepared) -> Candidates:
    brief = prepared.loaded.brief
    starts_line = brief.opens_chapter or not brief.before or brief.before[-1] == "\n"
    place = prepared.wish.place
    return Candidates(
        prepared.wish.candidates, place.length, prepared.prompt.tokens, new_line=starts_line
    )


def _row(prepared: Prepared) -> Generation:
    place = prepared.wish.place
    return Generation(
        id=prepared.id,
        work_id=place.work_id,
        chapter_id=place.chapter_id,
        revision=prepared.loaded.revision,
        offset=prepared.loaded.position.offset,
        request={
            "beat": place.beat,
            "viewpoint": place.viewpoint,
            "length": place.length,
            "candidates": prepared.wish.candidates,
            "adapter": prepared.wish.adapter,
            "sampling": asdict(prepared.wish.sampling),
        },
        prompt=describe(prepared.prompt),
        settled=prepared.settled,
        model=prepared.model,
    )
