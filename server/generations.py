"""The log of what was generated, as an author reads it: newest first, filtered and searched.

Functions take an open session and leave the transaction to the caller.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Text, and_, cast, or_
from sqlalchemy.orm import InstrumentedAttribute, defer
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from server.errors import Conflict, Invalid, NotFound
from server.manuscript import chapter_text, get_chapter, get_generation, save_text
from server.models import Generation

LORE = "lore:"
"""How an item of a prompt begins its id that is an entry of lore."""

_WHAT = {"continue": "续写位置", "rewrite": "改写的那一段，或它"}

BATCH = 100
"""Rows that are read at a time while words are looked for."""


def list_generations(
    session: Session,
    work_id: str,
    *,
    chapter_id: str | None = None,
    kind: str | None = None,
    verdict: str | None = None,
    words: str = "",
    before: str | None = None,
    limit: int = 50,
) -> list[Generation]:
    """At most `limit`, newest first, without their prompts; those older than `before`, with the
    words in one of their outputs. `verdict` may be `none`. Raises NotFound for `before`."""
    query = _newest_first(work_id)
    if chapter_id is not None:
        query = query.where(Generation.chapter_id == chapter_id)
    if kind is not None:
        query = query.where(Generation.kind == kind)
    if verdict is not None:
        query = query.where(Generation.verdict == ("" if verdict == "none" else verdict))
    if before is not None:
        query = query.where(_older_than(get_generation(session, work_id, before)))
    return list(islice(_with_words(session, query, words), limit))


def previous(session: Session, generation: Generation) -> Generation:
    """The one of its kind before it in its chapter. Raises NotFound."""
    query = _newest_first(generation.work_id).where(
        Generation.chapter_id == generation.chapter_id,
        Generation.kind == generation.kind,
        _older_than(generation),
    )
    found = session.exec(query).first()
    if found is None:
        raise NotFound("这一章在它之前没有生成过。", code="generation_not_found")
    return found


@dataclass(frozen=True, slots=True)
class Fired:
    """An entry of lore that stood in a prompt, and why."""

    entry_id: str
    generation: str
    created_at: datetime
    why: str


def fired_lore(session: Session, work_id: str, chapter_id: str) -> list[Fired]:
    """What of the lorebooks stood in the prompt of the chapter's last generation."""
    query = _newest_first(work_id).where(Generation.chapter_id == chapter_id)
    last = session.exec(query).first()
    if last is None:
        return []
    kept = [item for item in last.prompt.get("kept", ()) if item["id"].startswith(LORE)]
    return [Fired(k["id"].removeprefix(LORE), last.id, last.created_at, k["why"]) for k in kept]


def accept(
    session: Session,
    generation: Generation,
    candidate: int,
    text: str | None = None,
    base_revision: int | None = None,
) -> int:
    """Put what was written where it was written for: at its place, or in place of what it
    rewrites. Returns the chapter's revision. Raises Invalid, Conflict where the chapter has
    changed up to there, StaleRevision."""
    if candidate >= len(generation.outputs) and text is None:
        raise Invalid("没有这个候选，请从已有的候选里选。", code="no_such_candidate")
    new = text or generation.outputs[candidate]["text"]
    chapter = get_chapter(session, generation.work_id, generation.chapter_id or "")
    old = chapter_text(session, chapter, generation.revision or None)
    current = chapter_text(session, chapter)
    start = generation.offset
    end = start if generation.end is None else generation.end
    if current[:end] != old[:end]:
        raise Conflict(
            f"{_WHAT[generation.kind]}之前的文字已改动，请把这段文字粘贴到合适的地方。",
            code="text_changed",
        )
    saved = save_text(
        session, chapter, current[:start] + new + current[end:],
        base=base_revision, origin="accepted", generation_id=generation.id,
        candidate=candidate,
    )  # fmt: skip
    return saved.number if saved else chapter.revision


def _newest_first(work_id: str) -> SelectOfScalar[Generation]:
    query = select(Generation).where(Generation.work_id == work_id)
    return query.order_by(col(Generation.created_at).desc(), col(Generation.id).desc())


def _older_than(one: Generation) -> Any:
    return or_(
        col(Generation.created_at) < one.created_at,
        and_(col(Generation.created_at) == one.created_at, col(Generation.id) < one.id),
    )


def _with_words(
    session: Session, query: SelectOfScalar[Generation], words: str
) -> Iterator[Generation]:
    """The rows of the query one by one, those with the words in an output."""
    query = query.options(defer(_column(Generation.prompt)), defer(_column(Generation.settled)))
    if words:
        # As JSON has them; a word of its own frame is told apart below.
        written = json.dumps(words)[1:-1]
        query = query.where(cast(col(Generation.outputs), Text).contains(written, autoescape=True))
    rows = session.exec(query.execution_options(yield_per=BATCH))
    return (row for row in rows if not words or any(words in o["text"] for o in row.outputs))


def _column(attribute: Any) -> InstrumentedAttribute[Any]:
    found: InstrumentedAttribute[Any] = attribute
    return found
