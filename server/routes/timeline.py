"""The story's own order, beside that of the telling."""

from fastapi import APIRouter

from server import manuscript
from server.deps import Reading, WorkId
from server.schemas.timeline import MomentOut, PlaceOut
from server.timeline import Moment, timeline

router = APIRouter(prefix="/api/works/{work_id}/timeline", tags=["story time"])


@router.get("")
def get_timeline(work_id: WorkId, session: Reading) -> list[MomentOut]:
    """Chapters, scenes, and what begins, ends or comes up somewhere, in story order."""
    manuscript.get_work(session, work_id)
    return [_told(moment) for moment in timeline(session, work_id)]


def _told(moment: Moment) -> MomentOut:
    return MomentOut(
        at=PlaceOut(chapter_id=moment.chapter_id, offset=moment.place.offset),
        story_order=moment.story_order,
        kind=moment.kind,
        id=moment.id,
        title=moment.title,
        text=moment.text,
        character_ids=list(moment.character_ids),
        ends=moment.ends,
        thread_id=moment.thread_id,
    )
