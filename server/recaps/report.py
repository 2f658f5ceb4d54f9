"""A work's recaps on the wire: the tree, who made what, how far the making is."""

from datetime import datetime
from typing import Literal

from sqlmodel import Session, select

from retrieval.memory.fresh import AUTHOR, Recap, Status, changed
from retrieval.memory.plan import Key, Level, Node
from server import models
from server.recaps.jobs import Prompting, wanted_nodes
from server.recaps.rows import Memory, load_memory
from server.recaps.worker import Recaps
from server.schemas.recaps import ProgressOut, RecapOut, RecapsOut, UnplacedOut

Maker = Literal["extractive", "model", "author", "none"]


def report(session: Session, recaps: Recaps, work_id: str) -> RecapsOut:
    memory = load_memory(session, work_id)
    current = memory.statuses()
    when = _updated(session, work_id)
    telling = recaps.telling(work_id)
    return RecapsOut(
        mode=recaps.mode,
        progress=_progress(recaps, recaps.by(session, work_id), work_id, memory, current),
        recaps=[
            _recap(memory, node, current[key], when.get(key), telling == key)
            for key, node in memory.plan.nodes.items()
        ],
        unplaced=[
            UnplacedOut(level=r.key.level.value, target_id=r.key.target, text=r.text)
            for r in memory.unplaced()
        ],
    )


def _progress(
    recaps: Recaps,
    by: Prompting | None,
    work_id: str,
    memory: Memory,
    current: dict[Key, Status],
) -> ProgressOut:
    there = [memory.recaps[key] for key in memory.plan.nodes if key in memory.recaps]
    alone = len(wanted_nodes(memory, by)) if by is not None else 0
    return ProgressOut(
        total=len(memory.plan.nodes),
        fresh=sum(status is Status.FRESH for status in current.values()),
        by_model=sum(recap.by_model for recap in there),
        by_author=sum(recap.maker == AUTHOR for recap in there),
        waiting_for_model=max(alone, recaps.asked(work_id)),
    )


def _recap(
    memory: Memory, node: Node, now: Status, updated_at: datetime | None, telling: bool
) -> RecapOut:
    recap = memory.recaps.get(node.key)
    covered = memory.plan.covered(node)
    part = (
        memory.plan.parts[memory.plan.part_of(node.first)].key.target
        if node.key.level is Level.CHAPTER
        else node.key.target
    )
    return RecapOut(
        level=node.key.level.value,
        target_id=node.key.target,
        label=node.label,
        first_chapter_id=covered[0].id,
        last_chapter_id=covered[-1].id,
        part_id=part,
        text=recap.text if recap else "",
        maker=_maker(recap),
        model=recap.maker if recap and recap.by_model else "",
        stale=now is not Status.FRESH,
        changed_chapters=changed(memory.plan, node, recap)
        if recap and recap.maker == AUTHOR
        else [],
        refused=recap.refused.reason if recap and recap.refused else "",
        telling=telling,
        updated_at=updated_at,
    )


def _maker(recap: Recap | None) -> Maker:
    if recap is None:
        return "none"
    if recap.by_model:
        return "model"
    return "author" if recap.maker == AUTHOR else "extractive"


def _updated(session: Session, work_id: str) -> dict[Key, datetime]:
    table = models.Recap
    query = select(table.level, table.target_id, table.updated_at).where(table.work_id == work_id)
    return {Key(Level(level), target): when for level, target, when in session.exec(query)}
