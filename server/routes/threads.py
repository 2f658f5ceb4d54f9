"""The ledger of threads: what was planted, where it came up again, where it is answered."""

from fastapi import APIRouter, status
from sqlmodel import Session

from server import manuscript, story, threads
from server.deps import Reading, RowId, WorkId, Writing
from server.models import Thread
from server.schemas.threads import (
    EventChange,
    EventNew,
    EventOut,
    ThreadChange,
    ThreadNew,
    ThreadOut,
)

router = APIRouter(prefix="/api/works/{work_id}/threads", tags=["threads"])


@router.get("")
def list_threads(work_id: WorkId, session: Reading) -> list[ThreadOut]:
    manuscript.get_work(session, work_id)
    return _told(session, work_id, threads.list_threads(session, work_id))


@router.post("", status_code=status.HTTP_201_CREATED)
def create_thread(work_id: WorkId, wanted: ThreadNew, session: Writing) -> ThreadOut:
    """With its events, if it brings any: all of it or nothing."""
    manuscript.get_work(session, work_id)
    thread = threads.add_thread(session, work_id, wanted.model_dump(exclude={"events"}))
    for event in wanted.events:
        threads.add_event(session, thread, event.model_dump())
    return _told(session, work_id, [thread])[0]


@router.get("/{thread_id}")
def get_thread(work_id: WorkId, thread_id: RowId, session: Reading) -> ThreadOut:
    return _told(session, work_id, [threads.get_thread(session, work_id, thread_id)])[0]


@router.patch("/{thread_id}")
def change_thread(
    work_id: WorkId, thread_id: RowId, change: ThreadChange, session: Writing
) -> ThreadOut:
    thread = threads.get_thread(session, work_id, thread_id)
    threads.change_thread(session, thread, change.model_dump(exclude_unset=True))
    return _told(session, work_id, [thread])[0]


@router.delete("/{thread_id}", status_code=status.HTTP_204_NO_CONTENT)
def delete_thread(work_id: WorkId, thread_id: RowId, session: Writing) -> None:
    """The thread and its events; the text stays."""
    session.delete(threads.get_thread(session, work_id, thread_id))


@router.post("/{thread_id}/events", status_code=status.HTTP_201_CREATED)
def create_event(work_id: WorkId, thread_id: RowId, wanted: EventNew, session: Writing) -> EventOut:
    thread = threads.get_thread(session, work_id, thread_id)
    return EventOut.model_validate(threads.add_event(session, thread, wanted.model_dump()))


@router.patch("/{thread_id}/events/{event_id}")
def change_event(
    work_id: WorkId, thread_id: RowId, event_id: RowId, change: EventChange, session: Writing
) -> EventOut:
    thread = threads.get_thread(session, work_id, thread_id)
    event = threads.get_event(session, thread, event_id)
    threads.change_event(session, thread, event, change.model_dump(exclude_unset=True))
    return EventOut.model_validate(event)


@router.delete("/{thread_id}/events/{event_id}", status_code=status.HTTP_204_NO_CONTENT)
def delete_event(work_id: WorkId, thread_id: RowId, event_id: RowId, session: Writing) -> None:
    thread = threads.get_thread(session, work_id, thread_id)
    session.delete(threads.get_event(session, thread, event_id))


def _told(session: Session, work_id: str, rows: list[Thread]) -> list[ThreadOut]:
    events = threads.list_events(session, work_id)
    order = story.order_of(manuscript.list_chapters(session, work_id))
    told = []
    for row in rows:
        own = events.get(row.id, [])
        fields = row.model_dump() | {
            "state": threads.state_of(row, own, order),
            "state_set": bool(row.state),
            "events": [EventOut.model_validate(event) for event in own],
        }
        told.append(ThreadOut.model_validate(fields))
    return told
