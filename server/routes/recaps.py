"""Recaps: the tree with who made what, by hand, and made anew."""

from typing import Annotated

from fastapi import APIRouter, Path, status
from sqlmodel import Session

from retrieval.memory.fresh import AUTHOR, Status
from retrieval.memory.plan import Key, Level
from server import manuscript
from server.deps import Reading, TheDesk, WorkId, Writing
from server.desk import Desk
from server.errors import Conflict, Invalid
from server.recaps import hand
from server.recaps.report import report
from server.recaps.rows import load_memory, wanted_node
from server.schemas.recaps import RecapsOut, RecapText, RefreshIn

router = APIRouter(prefix="/api/works/{work_id}/recaps", tags=["recaps"])
Target = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")]


@router.get("")
def list_recaps(work_id: WorkId, session: Reading, desk: TheDesk) -> RecapsOut:
    return _report(session, desk, work_id)


@router.put("/{level}/{target_id}")
def write_recap(
    work_id: WorkId,
    level: Level,
    target_id: Target,
    wanted: RecapText,
    session: Writing,
    desk: TheDesk,
) -> RecapsOut:
    """The author's own: never overwritten, only marked when the text it tells of changes."""
    manuscript.get_work(session, work_id)
    hand.write(session, work_id, Key(level, target_id), wanted.text)
    session.commit()
    desk.recaps.request(work_id)
    return _report(session, desk, work_id)


@router.delete("/{level}/{target_id}", status_code=status.HTTP_204_NO_CONTENT)
def take_back_recap(
    work_id: WorkId, level: Level, target_id: Target, session: Writing, desk: TheDesk
) -> None:
    """Back to recaps that are made by themselves."""
    manuscript.get_work(session, work_id)
    hand.take_back(session, work_id, Key(level, target_id))
    session.commit()
    desk.recaps.request(work_id)


@router.post("/refresh", status_code=status.HTTP_202_ACCEPTED)
def refresh_recaps(
    work_id: WorkId, wanted: RefreshIn, session: Reading, desk: TheDesk
) -> RecapsOut:
    """Begin to bring them up to date; `model` has the model tell what is named, or all that it
    has not told."""
    manuscript.get_work(session, work_id)
    if desk.recaps.mode == "off":
        raise Conflict(
            "设置里关掉了前情（YANCHI_RECAPS=off），请改成 auto 再试；手写的前情照常可用。",
            code="recaps_off",
        )
    if (wanted.level is None) != (wanted.target_id is None):
        raise Invalid("重写一条前情要同时给出 level 和 target_id，都不给则是全部。")
    keys = _named(session, work_id, wanted)
    if wanted.model:
        desk.recaps.ask_model(work_id, keys)
    desk.recaps.request(work_id)
    return _report(session, desk, work_id)


def _named(session: Session, work_id: str, wanted: RefreshIn) -> list[Key]:
    memory = load_memory(session, work_id)
    if wanted.level is None or wanted.target_id is None:
        current = memory.statuses()
        return [
            key
            for key in memory.plan.nodes
            if (recap := memory.recaps.get(key)) is None
            or not (recap.maker == AUTHOR or (recap.by_model and current[key] is Status.FRESH))
        ]
    key = Key(Level(wanted.level), wanted.target_id)
    wanted_node(memory, key)
    recap = memory.recaps.get(key)
    if recap is not None and recap.maker == AUTHOR:
        raise Conflict(
            "这条前情是您手写的，程序不会改它；要让程序重写，请先撤掉手写的。",
            code="recap_by_author",
        )
    return [key]


def _report(session: Session, desk: Desk, work_id: str) -> RecapsOut:
    manuscript.get_work(session, work_id)
    return report(session, desk.recaps, work_id)
