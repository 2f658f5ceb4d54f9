"""What was written on which day."""

from typing import Annotated

from fastapi import APIRouter, Query

from server import days, manuscript
from server.deps import Reading, WorkId
from server.schemas.days import DayOut, TodayOut

router = APIRouter(prefix="/api", tags=["days"])


@router.get("/works/{work_id}/days")
def list_days(
    work_id: WorkId,
    session: Reading,
    last: Annotated[int, Query(alias="days", ge=1, le=400)] = 30,
) -> list[DayOut]:
    """The oldest first, today the last; days without a word as well."""
    manuscript.get_work(session, work_id)
    written = days.written_by_day(session, work_id, last)
    return [DayOut(day=d, typed=w.typed, accepted=w.accepted) for d, w in written.items()]


@router.get("/today")
def get_today(session: Reading) -> TodayOut:
    works = manuscript.list_works(session)
    written = days.written_today(session)
    whole = days.together(written[work.id] for work in works if work.id in written)
    return TodayOut(
        typed=whole.typed, accepted=whole.accepted, goal=sum(work.goal for work in works)
    )
