"""What a continuation, or any writing at one place, takes before a word is written: recall and
prompt. Knows nothing of HTTP.

`prepare` does everything that can be refused; `streaming.Writer` then writes it.
"""

import asyncio
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from retrieval.budget import shares_from
from retrieval.context import Brief, candidates_for
from retrieval.errors import RetrievalError
from retrieval.library import Library
from retrieval.prompt import build
from retrieval.template import PromptTemplate
from retrieval.types import ContextItem, Found, Group, Prompt
from server.db import Database
from server.engines.base import Engine, EngineRequest, Sampling
from server.errors import UnknownAdapter, from_retrieval
from server.indexing import Indexer
from server.models import Generation, new_id
from server.templates import in_use
from server.writing.brief import Loaded, Place, load_brief
from server.writing.explain import describe
from server.writing.length import min_tokens
from server.writing.lore import lore_for
from server.writing.room import room_for
from server.writing.standing import Recalled, recollect, remember, with_lore
from server.writing.streaming import Prepared

QUERY_TAIL = 300
"""How much of the text before the caret stands before the beat in the query, characters.
The beat comes last because only a query's end counts when it is long."""
PASSAGES = 12
"""Passages that recall offers; the budget decides how many of them stand."""
MOST_CHARS_A_TOKEN = 1.6
"""Chinese characters that one Qwen token may hold on average: what the tail could reach."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How the author wants it written."""

    place: Place
    candidates: int = 1
    adapter: str | None = None
    sampling: Sampling = field(default_factory=Sampling)
    retrieval: bool = True


@dataclass(frozen=True, slots=True)
class Aim:
    """What kind of writing it is, and what asks for it in the beat's place."""

    kind: Literal["continue", "rewrite"]
    end: int | None = None
    """Of what it takes the place of, which begins at the wish's place."""
    asked: tuple[ContextItem, ...] = ()
    slack: float = 1.0
    """By how much it may be longer than wished before it is ended at a sentence."""
    told: Mapping[str, Any] = field(default_factory=dict)
    """What the log tells of the request beside the wish."""


CONTINUE = Aim("continue")
TEMPLATES = {"continue": "continuation", "rewrite": "rewrite"}


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
        self.prompt_tokens = prompt_tokens
        """Most tokens that a prompt takes on this desk."""
        self._automatic_recaps = automatic_recaps

    async def prepare(self, wish: Wish, aim: Aim = CONTINUE) -> Prepared:
        """Raises NotFound, Invalid, Refused, UnknownAdapter, EngineStarting …"""
        if wish.adapter is not None:
            names = {a.name for a in await self._engine.adapters()}
            if wish.adapter not in names:
                raise UnknownAdapter(
                    f"没有载入名为“{wish.adapter}”的适配器，"
                    f"现有：{'、'.join(sorted(names)) or '无'}。"
                )
        return await asyncio.to_thread(self._prepare, wish, aim)

    def _prepare(self, wish: Wish, aim: Aim) -> Prepared:
        with self._database.reading() as session:
            loaded = load_brief(session, wish.place, automatic_recaps=self._automatic_recaps)
            template = in_use(session, TEMPLATES[aim.kind], wish.place.work_id).template
            shares = shares_from(loaded.defaults.get("budget", {}))
            before = None
            # What is written nowhere yet would be taken for the chapter's own.
            if aim.kind == "continue" and not wish.place.written:
                before = recollect(session, wish.place.work_id, loaded, retrieval=wish.retrieval)
        loaded = replace(loaded, brief=replace(loaded.brief, asked=aim.asked))
        length = math.ceil(wish.place.length * aim.slack)
        limit, output = room_for(self._engine.status(), self.prompt_tokens, length)
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
            names=_names(loaded.brief),
        )
        model = wish.adapter or self._engine.status().model
        row = _row(generation, wish, aim, loaded, prompt, model)
        if before is not None:
            row.settled = remember(prompt, loaded.position.offset, before.last)
        new_line = aim.kind == "rewrite" or _starts_line(loaded.brief)
        return Prepared(row, prompt, request, length, new_line)

    def _recall(self, wish: Wish, loaded: Loaded, limit: int) -> list[Found]:
        brief = loaded.brief
        query = f"{brief.before[-QUERY_TAIL:]}\n{wish.place.beat}".strip()
        if not query:
            return []
        self._indexer.fresh(wish.place.work_id)
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
        before: Recalled | None,
        limit: int,
        template: PromptTemplate,
        shares: Mapping[Group, float],
    ) -> Prompt:
        lore, kept_out = lore_for(loaded, self._engine.tokens)
        brief = replace(loaded.brief, found=found, lore=lore, kept_out=kept_out)
        items, refused = candidates_for(brief)
        try:
            return build(
                items,
                refused=refused,
                tokens=self._engine.tokens,
                limit=limit,
                template=template,
                shares=shares,
                variables={"title": brief.title, "length": brief.length},
                stood=None if before is None else with_lore(before.stood, loaded, lore, kept_out),
            )
        except RetrievalError as error:
            raise from_retrieval(error) from error


def _names(brief: Brief) -> tuple[str, ...]:
    return tuple(name for person in brief.cast for name in (person.name, *person.aliases))


def _starts_line(brief: Brief) -> bool:
    return brief.opens_chapter or not brief.before or brief.before[-1] == "\n"


def _row(id: str, wish: Wish, aim: Aim, loaded: Loaded, prompt: Prompt, model: str) -> Generation:
    place = wish.place
    return Generation(
        id=id,
        work_id=place.work_id,
        chapter_id=place.chapter_id,
        kind=aim.kind,
        revision=loaded.revision,
        offset=loaded.position.offset,
        end=aim.end,
        request={
            "beat": place.beat,
            "viewpoint": place.viewpoint,
            "length": place.length,
            "candidates": wish.candidates,
            "adapter": wish.adapter,
            "sampling": asdict(wish.sampling),
            **aim.told,
        },
        prompt=describe(prompt),
        # Their defaults, said: pydantic would look at each factory's signature every time.
        settled={},
        outputs=[],
        usage={},
        model=model,
    )
