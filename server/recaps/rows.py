"""Recaps between rows and plain data. Functions take an open session.

Beside what was read, a row's `sources` hold two entries of their own: `version` names the
method or template it was made with, `refused` says that a model was asked and failed.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Text, cast, delete, func
from sqlalchemy import select as columns
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from retrieval.memory.fresh import (
    AUTHOR,
    Recap,
    Refusal,
    Source,
    Status,
    source_hash,
    sources_of,
    statuses,
)
from retrieval.memory.plan import Chapter, Key, Level, Node, Plan, plan_recaps
from server import models
from server.db import Database
from server.errors import NotFound
from server.kept import Kept
from server.rows import OF
from server.titles import counted_titles

VERSION, REFUSED = "version", "refused"
READ = 4096
"""Recaps that stay ready between two prompts."""


@dataclass(frozen=True)
class Memory:
    """A work's recaps at one moment: those it wants and those it has."""

    plan: Plan
    recaps: dict[Key, Recap]

    def statuses(self) -> dict[Key, Status]:
        return statuses(self.plan, self.recaps)

    def unplaced(self) -> list[Recap]:
        """What the author wrote for a stretch that is no longer one."""
        return [r for k, r in self.recaps.items() if k not in self.plan.nodes and r.maker == AUTHOR]


def load_memory(session: Session, work_id: str) -> Memory:
    rows = session.execute(_RECAPS, {"of": work_id})
    titles = counted_titles(session, work_id)
    chapters = [
        (id, order, titles.get(id, title), *rest)
        for id, order, title, *rest in session.execute(_CHAPTERS, {"of": work_id})
    ]
    recaps = (_recap(*row) for row in rows)
    return Memory(_plans.of(work_id, chapters), {r.key: r for r in recaps})


# Columns, not objects, and statements built once: every prompt reads all of them.
_RECAPS = columns(
    col(models.Recap.level), col(models.Recap.target_id), col(models.Recap.text),
    col(models.Recap.maker), col(models.Recap.source_hash), cast(models.Recap.sources, Text),
).where(col(models.Recap.work_id) == OF)  # fmt: skip
_CHAPTERS = (
    columns(
        col(models.Chapter.id), col(models.Chapter.position), col(models.Chapter.title),
        col(models.ChapterRevision.sha256), col(models.Chapter.volume_id),
        func.coalesce(models.Volume.title, ""), col(models.Chapter.chars),
    )
    .join(
        models.ChapterRevision,
        (col(models.ChapterRevision.chapter_id) == models.Chapter.id)
        & (col(models.ChapterRevision.number) == models.Chapter.revision),
    )
    .outerjoin(models.Volume, col(models.Volume.id) == models.Chapter.volume_id)
    .where(
        col(models.Chapter.work_id) == OF,
        col(models.Chapter.deleted_at).is_(None),
        col(models.Chapter.chars) > 0,
    )
    .order_by(col(models.Chapter.position))
)  # fmt: skip
"""The chapters with text, without it, in the order of `Chapter`'s fields."""


def _plan(rows: Sequence[tuple[Any, ...]]) -> Plan:
    return plan_recaps([Chapter(*row) for row in rows])


_plans: Kept[Sequence[tuple[Any, ...]], Plan] = Kept(_plan)


def read_texts(session: Session, memory: Memory, node: Node) -> list[str]:
    """What the node reads now: its chapter's text, or recaps. [] when the chapter has moved on."""
    if node.key.level is not Level.CHAPTER:
        return [memory.recaps[key].text for key in node.reads]
    chapter = memory.plan.chapters[node.first]
    query = select(models.ChapterRevision.text).where(
        models.ChapterRevision.chapter_id == chapter.id,
        models.ChapterRevision.sha256 == chapter.sha256,
    )
    text = session.exec(query).first()
    return [] if text is None else [text]


def made(
    memory: Memory, node: Node, text: str, maker: str, version: str, refused: Refusal | None = None
) -> Recap:
    """A recap of what the node reads now."""
    sources = sources_of(memory.plan, node, memory.recaps, maker)
    told = source_hash(node.key.level, version, sources)
    return Recap(node.key, text, maker, version, told, sources, refused)


def keep(session: Session, work_id: str, recap: Recap, *, over_author: bool = False) -> bool:
    """Write it down; False where the author's own stands, which only the author replaces."""
    row = find_row(session, work_id, recap.key)
    if row is None:
        row = models.Recap(work_id=work_id, level=recap.key.level, target_id=recap.key.target)
    elif row.maker == AUTHOR and not over_author:
        return False
    row.text, row.maker, row.source_hash = recap.text, recap.maker, recap.source_hash
    row.sources = list(_entries(recap))
    row.updated_at = models.now()
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        # Somebody was quicker, or the work is gone: what is there now decides.
        if find_row(session, work_id, recap.key) is None:
            return False
        return keep(session, work_id, recap, over_author=over_author)
    return True


def drop_unwanted(database: Database, work_id: str, memory: Memory) -> None:
    """Delete what was made for stretches that are no longer any; the author's own stays."""
    gone = [k for k, r in memory.recaps.items() if k not in memory.plan.nodes and r.maker != AUTHOR]
    if not gone:
        return
    with database.session() as session:
        _drop(session, work_id, gone)


def _drop(session: Session, work_id: str, gone: Iterable[Key]) -> None:
    for key in gone:
        table = models.Recap
        session.execute(
            delete(table).where(
                col(table.work_id) == work_id,
                col(table.level) == key.level.value,
                col(table.target_id) == key.target,
                col(table.maker) != AUTHOR,
            )
        )


def find_row(session: Session, work_id: str, key: Key) -> models.Recap | None:
    table = models.Recap
    query = select(table).where(
        table.work_id == work_id, table.level == key.level.value, table.target_id == key.target
    )
    return session.exec(query.with_for_update()).first()


def wanted_node(memory: Memory, key: Key) -> Node:
    node = memory.plan.nodes.get(key)
    if node is None:
        raise NotFound("没有这一段的前情，章节可能已经改动，请刷新后再选。", code="recap_not_found")
    return node


@lru_cache(maxsize=READ)
def _recap(level: str, target: str, text: str, maker: str, told: str, rows: str) -> Recap:
    """From a row's columns, `sources` as their JSON; kept, since a save changes a few of many."""
    version, refused, sources = "", None, []
    for entry in json.loads(rows):
        if entry["level"] == VERSION:
            version = entry["id"]
        elif entry["level"] == REFUSED:
            refused = Refusal(entry["id"], entry["hash"], entry["reason"])
        else:
            sources.append(Source(entry["level"], entry["id"], entry["hash"]))
    return Recap(Key(Level(level), target), text, maker, version, told, tuple(sources), refused)


def _entries(recap: Recap) -> Iterable[dict[str, Any]]:
    yield {"level": VERSION, "id": recap.version}
    if recap.refused is not None:
        told = recap.refused
        yield {"level": REFUSED, "id": told.model, "hash": told.version, "reason": told.reason}
    for source in recap.sources:
        yield {"level": source.level, "id": source.id, "hash": source.hash}
