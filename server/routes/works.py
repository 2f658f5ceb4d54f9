"""Works: the shelf and its bin."""

from collections.abc import Iterable

from fastapi import APIRouter, status
from sqlmodel import Session

from server import days, manuscript
from server.deps import Reading, TheDesk, WorkId, Writing
from server.models import Work, now
from server.sample import load_story
from server.schemas.manuscript import WorkChange, WorkNew, WorkOut
from server.settings import SAMPLE

router = APIRouter(prefix="/api/works", tags=["works"])


@router.get("")
def list_works(session: Reading, bin: bool = False) -> list[WorkOut]:
    """What stands on the shelf, or with `bin` what was deleted, the latest first."""
    works = manuscript.list_binned_works(session) if bin else manuscript.list_works(session)
    return _all_out(session, works)


@router.post("", status_code=status.HTTP_201_CREATED)
def create_work(wanted: WorkNew, session: Writing) -> WorkOut:
    work = Work(**wanted.model_dump(exclude_none=True))
    session.add(work)
    session.flush()
    return _out(session, work)


@router.post("/sample", status_code=status.HTTP_201_CREATED)
def add_sample(session: Writing, desk: TheDesk) -> WorkOut:
    """The sample novel, as a new work beside whatever is there."""
    work = load_story(session, SAMPLE)
    session.commit()
    desk.indexer.request(work.id)
    desk.recaps.request(work.id)
    return _out(session, work)


@router.get("/{work_id}")
def get_work(work_id: WorkId, session: Reading) -> WorkOut:
    return _out(session, manuscript.get_work(session, work_id))


@router.patch("/{work_id}")
def change_work(work_id: WorkId, change: WorkChange, session: Writing, desk: TheDesk) -> WorkOut:
    work = manuscript.get_work(session, work_id)
    counted = work.numbering, work.unit
    work.sqlmodel_update(change.model_dump(exclude_none=True))
    work.updated_at = now()
    session.add(work)
    session.commit()
    if (work.numbering, work.unit) != counted:
        desk.indexer.request(work_id)
        desk.recaps.request(work_id)
    return _out(session, work)


@router.delete("/{work_id}", status_code=status.HTTP_204_NO_CONTENT)
def delete_work(work_id: WorkId, session: Writing, desk: TheDesk, forever: bool = False) -> None:
    """Into the bin; `forever` deletes what lies there already, with all that belongs to it."""
    if forever:
        session.delete(manuscript.get_binned_work(session, work_id))
        session.commit()
    else:
        work = manuscript.get_work(session, work_id)
        work.deleted_at = now()
        session.add(work)
    desk.library.drop(work_id)


@router.post("/{work_id}/restore")
def restore_work(work_id: WorkId, session: Writing, desk: TheDesk) -> WorkOut:
    work = manuscript.get_binned_work(session, work_id)
    work.deleted_at = None
    session.add(work)
    session.commit()
    desk.indexer.request(work_id)
    desk.recaps.request(work_id)
    return _out(session, work)


def _out(session: Session, work: Work) -> WorkOut:
    return _all_out(session, [work])[0]


def _all_out(session: Session, works: Iterable[Work]) -> list[WorkOut]:
    rows = list(works)
    sizes = manuscript.work_sizes(session, [work.id for work in rows])
    written = days.written_today(session)
    return [_as_out(work, sizes.get(work.id), written.get(work.id)) for work in rows]


def _as_out(work: Work, size: manuscript.Size | None, written: days.Written | None) -> WorkOut:
    held, done = size or manuscript.Size(), written or days.Written()
    return WorkOut.model_validate(work).model_copy(
        update={
            "chapters": held.chapters, "done": held.done, "chars": held.chars, "han": held.han,
            "today": done.all,
        }
    )  # fmt: skip
