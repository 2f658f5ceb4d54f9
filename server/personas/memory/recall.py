"""What a persona calls to mind before an answer: their own scenes, what was said in the past, and
what they lived through in the work, as far as they are.

Each has an index of its own; scores of two indexes do not compare, so the best of each stand in
turn. What may not be known where the persona stands is no memory: passages behind their place,
or without them, or with a fact that is not theirs yet.
"""

import logging
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice, zip_longest

from sqlmodel import Session, col, select

from retrieval import rank
from retrieval.context import found_by
from retrieval.conversation import Turn
from retrieval.errors import RetrievalError
from retrieval.library import Library
from retrieval.mentions import Mentions
from retrieval.snippet import around, focus
from retrieval.types import (
    ChapterText,
    ContextItem,
    Found,
    Group,
)
from server.documents.rows import Owner, chapters_of, parts_of
from server.engines.base import Engine
from server.indexing import Indexer
from server.models import ChatMessage, Conversation, Document, DocumentPart, Persona
from server.personas.memory import past_talks
from server.personas.standing import Standing

log = logging.getLogger(__name__)

MOST = 4
"""Memories of one answer."""
LOOKED_AT = 40
"""Passages that an index is asked for: some of them may not be remembered."""
SHARE = 0.12
"""Of the prompt, for all memories: each token of them is read anew with every answer."""
BEFORE_CHARS = 120
"""How much of what was said before the last words is part of the question."""
SYNC_SECONDS = 2.0
"""How long an answer waits for vectors to be made; words find the text already."""
CALLED = 30.0


@dataclass(frozen=True, slots=True)
class Asking:
    """Who answers what, as far as it is asked after memories."""

    persona: Persona
    talk: Conversation
    standing: Standing
    turns: Sequence[Turn]
    """Up to what is answered."""
    limit: int
    """Tokens of the prompt."""
    kept: bool = True
    """Whether the conversation is one of our rows; a program that keeps its own has no past
    talks to remember."""


@dataclass(frozen=True, slots=True)
class Memory:
    """A passage that came to mind."""

    id: str
    source: str
    found: Found


class Recall:
    """Thread-safe. Keeps the indexes of talks and of personas' documents true to the rows."""

    def __init__(self, library: Library, indexer: Indexer, engine: Engine) -> None:
        self._library = library
        self._indexer = indexer
        self._engine = engine
        self._synced: dict[str, Hashable] = {}
        """Of what each index was made last."""

    def items(
        self, session: Session, asking: Asking, gone: Sequence[str], stands: str, *, others: bool
    ) -> list[ContextItem]:
        """What the last words call to mind, as items of Group.PASSAGES, the best first.

        `gone` are the messages of this talk that the prompt does not show, `stands` is what it
        shows; `others`: other talks count too. Without an index that can be asked nothing comes
        to mind.
        """
        query = _query(asking.turns)
        if not query:
            return []
        asked: list[Callable[[], list[Memory]]] = [
            lambda: self._documents(session, asking.persona, query),
            lambda: self._talks(session, asking, gone, query, others=others),
            lambda: self._work(asking, query),
        ]
        lists = []
        for ask in asked:
            try:
                lists.append(_known(ask(), asking.standing))
            except RetrievalError as error:
                log.warning("memories of %s: %s", asking.persona.slug, error.message)
        in_turn = (one for one in chain.from_iterable(zip_longest(*lists)) if one is not None)
        new = islice(_new(in_turn, stands), MOST)
        return self._items(new, query, int(asking.limit * SHARE))

    def forget(self, session: Session, conversation: Conversation) -> None:
        """Take a conversation's words out of every index, now: it is in the bin."""
        for persona in _heard(session, conversation):
            try:
                self._sync_talks(session, persona, {})
            except RetrievalError as error:
                # Nobody remembers it all the same: what is found is looked up in the rows.
                log.warning("memories of %s: %s", persona.slug, error.message)

    def _items(self, memories: Iterable[Memory], query: str, room: int) -> list[ContextItem]:
        items = []
        most, tokens = room // 2, self._engine.tokens
        for place, memory in enumerate(memories):
            text = memory.found.passage.text.strip()
            short, count = around(text, focus(text, query), min(most, room), tokens)
            if not short:
                continue
            room -= count
            items.append(
                ContextItem(
                    memory.id, Group.PASSAGES, short, memory.source, priority=CALLED - place,
                    order=place, score=memory.found.score, why=_why(memory.found),
                )
            )  # fmt: skip
        return items

    def _documents(self, session: Session, persona: Persona, query: str) -> list[Memory]:
        owner = Owner("persona", persona.id)
        asked = (
            select(DocumentPart.id, DocumentPart.title, Document.title)
            .join(Document)
            .where(Document.persona_id == persona.id)
            .order_by(col(DocumentPart.id))
        )
        parts = {id: (part, title) for id, part, title in session.exec(asked)}
        if not parts:
            return []
        if self._synced.get(owner.index) != tuple(parts):
            self._sync(owner.index, tuple(parts), chapters_of(parts_of(session, owner)))
        return [
            Memory(f"document:{_at(one)}", _titled(*parts[one.passage.chapter_id]), one)
            for one in self._recall(owner.index, query)
            if one.passage.chapter_id in parts
        ]

    def _talks(
        self, session: Session, asking: Asking, gone: Sequence[str], query: str, *, others: bool
    ) -> list[Memory]:
        if not asking.kept:
            return []
        persona, here = asking.persona, asking.talk.id
        talks = self._sync_talks(session, persona, {here: gone[-1] if gone else None})
        found = self._recall(past_talks.index_of(persona.id), query)
        asked = select(
            ChatMessage.id, ChatMessage.conversation_id, ChatMessage.details,
        ).where(col(ChatMessage.id).in_({one.passage.chapter_id for one in found}))  # fmt: skip
        rows = {id: (talk, details) for id, talk, details in session.exec(asked)}
        before = past_talks.Before(session, persona, asking.standing.view)
        memories = []
        for one in found:
            talk, details = rows.get(one.passage.chapter_id, ("", {}))
            if talk == here:
                may, source = one.passage.chapter_id in gone, "这次早先说过的"
            else:
                may = others and talk in talks and before(details)
                source = _former(talks[talk]) if may else ""
            if may:
                memories.append(Memory(f"said:{_at(one)}", source, one))
        return memories

    def _work(self, asking: Asking, query: str) -> list[Memory]:
        """Passages that they were there for, before their place."""
        work, standing = asking.persona.work_id, asking.standing
        if work is None:
            return []
        self._indexer.fresh(work)
        found = self._library.recall(
            work, query, LOOKED_AT, standing.view, cast=standing.cast
        )  # fmt: skip
        if standing.knower is not None:
            there = Mentions([standing.knower])
            found = [one for one in found if any(True for _ in there.find(one.passage.text))]
        return [Memory(f"passage:{_at(one)}", _chapter(one), one) for one in found]

    def _sync_talks(
        self, session: Session, persona: Persona, upto: dict[str, str | None]
    ) -> dict[str, Conversation]:
        """Its talks, each up to its last message or to the one in `upto`."""
        talks = {talk.id: talk for talk in past_talks.talks_of(session, persona.id)}
        ends = {id: upto.get(id, talk.leaf_id) for id, talk in talks.items()}
        index = past_talks.index_of(persona.id)
        state = tuple(ends.items())
        if self._synced.get(index) != state:
            self._sync(index, state, past_talks.exchanges(session, persona, talks, ends))
        return talks

    def _sync(self, index: str, state: Hashable, texts: list[ChapterText]) -> None:
        report = self._library.sync(index, texts, seconds=SYNC_SECONDS)
        self._synced.pop(index, None)
        if not report.waiting:
            self._synced[index] = state

    def _recall(self, index: str, query: str) -> list[Found]:
        found = self._library.recall(index, query, LOOKED_AT)
        if not found:
            # It may have been lost: the next time it is looked at again.
            self._synced.pop(index, None)
        return found


def _query(turns: Sequence[Turn]) -> str:
    *past, last = [turn.text.strip() for turn in turns[-2:]] or [""]
    return f"{''.join(past)[-BEFORE_CHARS:]}\n{last}".strip()


def _heard(session: Session, conversation: Conversation) -> list[Persona]:
    heard = past_talks.heard_by(session, conversation.id)
    return list(session.exec(select(Persona).where(col(Persona.id).in_(heard))))


def _known(memories: Iterable[Memory], standing: Standing) -> Iterator[Memory]:
    """Without those that tell what is not known there: a fact's own words, or its value beside
    whom it is about; a paragraph of somebody's sheet."""
    names = {c.id: (c.name, *c.aliases) for c in standing.cast}
    unknown = [
        (fact.evidence, fact.value, {fact.entity, *names.get(fact.character_id or "", ())})
        for fact in standing.facts
        # What is over was known: only what is not yet, or not theirs, is kept from them.
        if standing.view.refuses(replace(fact.validity, until=None))
    ]
    sheets = [hidden.paragraph.text for hidden in standing.hidden if hidden.paragraph.text.strip()]

    def tells(text: str) -> bool:
        return any(sheet in text for sheet in sheets) or any(
            (evidence and evidence in text)
            or (value and value in text and any(name and name in text for name in about))
            for evidence, value, about in unknown
        )

    return (one for one in memories if not tells(one.found.passage.text))


def _new(memories: Iterator[Memory], stands: str) -> Iterator[Memory]:
    """Those that the prompt does not show already, each text once."""
    by_passage: dict[int, Memory] = {}

    def passages() -> Iterator[Found]:
        for memory in memories:
            by_passage[id(memory.found)] = memory
            yield memory.found

    for found in rank.distinct(rank.not_standing_in(stands, passages())):
        yield by_passage[id(found)]


def _at(found: Found) -> str:
    return f"{found.passage.chapter_id}:{found.passage.start}"


def _titled(part: str, document: str) -> str:
    return f"《{document}》" if part in ("", document) else f"《{document}》{part}"


def _chapter(found: Found) -> str:
    return found.passage.title or f"第{found.passage.chapter + 1}章"


def _former(talk: Conversation) -> str:
    return f"从前的对谈：{talk.title}" if talk.title else "从前的对谈"


def _why(found: Found) -> str:
    ways = found_by(found)
    return f"话里提起（{ways}）" if ways else "话里提起"
