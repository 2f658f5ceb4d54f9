"""Threads and their events: rows, kept and checked, and as retrieval takes them.

Functions take an open session and leave the transaction to the caller.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlmodel import Session, col, select

from retrieval import threads
from retrieval.types import StoryPosition
from server import manuscript
from server.errors import NotFound
from server.kept import Kept
from server.models import Thread, ThreadEvent, now
from server.rows import OF, Rows
from server.story import Order, order_of
from server.story_checks import Fields, check_place, find_words

ANSWERED = {"plant": "planted", "advance": "advanced", "resolve": "resolved"}
"""What a thread is by the furthest of its events."""


_THREADS = Rows(Thread, col(Thread.work_id) == OF, col(Thread.created_at), col(Thread.id))
_EVENTS = Rows(
    ThreadEvent,
    col(ThreadEvent.thread_id).in_(select(Thread.id).where(Thread.work_id == OF)),
    col(ThreadEvent.created_at),
    col(ThreadEvent.id),
)


def list_threads(session: Session, work_id: str) -> list[Thread]:
    query = select(Thread).where(Thread.work_id == work_id)
    return list(session.exec(query.order_by(col(Thread.created_at), col(Thread.id))))


def get_thread(session: Session, work_id: str, thread_id: str) -> Thread:
    row = session.get(Thread, thread_id)
    if row is None or row.work_id != work_id:
        raise NotFound("没有这条伏笔，它可能已被删除。", code="thread_not_found")
    return row


def add_thread(session: Session, work_id: str, fields: Fields) -> Thread:
    """Raises NotFound for a chapter that is not there."""
    row = Thread(work_id=work_id, **_kept(fields))
    _check_due(session, row)
    session.add(row)
    session.flush()
    return row


def change_thread(session: Session, row: Thread, fields: Fields) -> None:
    """A null `state` leaves it to the events again. Raises NotFound."""
    row.sqlmodel_update(_kept(fields))
    _check_due(session, row)
    row.updated_at = now()


def list_events(session: Session, work_id: str) -> dict[str, list[ThreadEvent]]:
    """Every thread's events by its id, in the order of the telling; those of chapters that are
    gone come last."""
    query = select(ThreadEvent).join(Thread).where(Thread.work_id == work_id)
    query = query.order_by(col(ThreadEvent.created_at), col(ThreadEvent.id))
    order = order_of(manuscript.list_chapters(session, work_id))
    found: dict[str, list[ThreadEvent]] = {}
    for event in _in_order(session.exec(query), order):
        found.setdefault(event.thread_id, []).append(event)
    return found


def get_event(session: Session, thread: Thread, event_id: str) -> ThreadEvent:
    event = session.get(ThreadEvent, event_id)
    if event is None or event.thread_id != thread.id:
        raise NotFound("这条伏笔没有这一处，它可能已被删除。", code="thread_event_not_found")
    return event


def add_event(session: Session, thread: Thread, fields: Fields) -> ThreadEvent:
    """With words quoted it lies behind them. Raises NotFound, or Invalid for what the chapter
    does not say or an offset that it does not have."""
    event = ThreadEvent(thread_id=thread.id, **_placed(session, thread, fields))
    session.add(event)
    session.flush()
    thread.updated_at = now()
    return event


def change_event(session: Session, thread: Thread, event: ThreadEvent, fields: Fields) -> None:
    given = {k: v for k, v in fields.items() if v is not None}
    if {"chapter_id", "offset", "quote"} & given.keys():
        stood: dict[str, Any] = {"chapter_id": event.chapter_id, "quote": event.quote}
        if "chapter_id" not in given:
            stood["offset"] = event.offset
        given = _placed(session, thread, stood | given)
    event.sqlmodel_update(given)
    thread.updated_at = now()


def state_of(thread: Thread, events: Sequence[ThreadEvent], order: Order) -> str:
    """What the author set, else what its events in the chapters that are there say."""
    if thread.state:
        return thread.state
    kinds = {event.kind for event in events if event.chapter_id in order}
    return next((ANSWERED[k] for k in reversed(ANSWERED) if k in kinds), "planted")


def load_threads(
    session: Session, work_id: str, order: Order, titles: Mapping[str, str]
) -> Sequence[threads.Thread]:
    """As retrieval takes them, the same objects while nothing has changed; events of chapters
    that are gone are left out. `titles` are the chapters', by id."""
    told = _THREADS.of(session, work_id), _EVENTS.of(session, work_id), order, titles
    return _threads.of(work_id, told)


def _as_threads(told: "_Told") -> Sequence[threads.Thread]:
    rows, events, order, titles = told
    by_thread: dict[str, list[ThreadEvent]] = {}
    for event in _in_order(events, order):
        if event.chapter_id in order:
            by_thread.setdefault(event.thread_id, []).append(event)
    return [
        threads.Thread(
            row.id, row.title,
            tuple(_as_event(event, order, titles) for event in by_thread.get(row.id, ())),
            row.state, row.importance, order.get(row.due_chapter_id or ""), row.due_note,
        )
        for row in rows
    ]  # fmt: skip


def _as_event(event: ThreadEvent, order: Order, titles: Mapping[str, str]) -> threads.ThreadEvent:
    return threads.ThreadEvent(
        event.kind,  # type: ignore[arg-type]
        StoryPosition(order[event.chapter_id], event.offset),
        f"《{titles[event.chapter_id]}》",
        _words(event),
    )


_Told = tuple[Sequence[Thread], Sequence[ThreadEvent], Order, Mapping[str, str]]
_threads: Kept[_Told, Sequence[threads.Thread]] = Kept(_as_threads)


def _words(event: ThreadEvent) -> str:
    """What the author says of it, else the chapter's own words."""
    quote = event.quote.strip()
    return event.note.strip() or (f"“{quote}”" if quote else "")


def _in_order(events: Iterable[ThreadEvent], order: Order) -> list[ThreadEvent]:
    """As the book tells them; where two lie at one place, as they are given."""
    gone = len(order)
    return sorted(events, key=lambda e: (order.get(e.chapter_id, gone), e.offset))


def _kept(fields: Fields) -> dict[str, Any]:
    """The columns that are meant: a null state is none set, a null due chapter none."""
    told = {k: v for k, v in fields.items() if v is not None or k == "due_chapter_id"}
    return told | ({"state": fields["state"] or ""} if "state" in fields else {})


def _check_due(session: Session, row: Thread) -> None:
    if row.due_chapter_id is not None:
        manuscript.get_chapter(session, row.work_id, row.due_chapter_id)


def _placed(session: Session, thread: Thread, fields: Fields) -> dict[str, Any]:
    """The columns of an event whose place has been looked for."""
    chapter = manuscript.get_chapter(session, thread.work_id, fields["chapter_id"])
    text = manuscript.chapter_text(session, chapter)
    quote, offset = fields.get("quote") or "", fields.get("offset")
    if quote:
        offset = _behind(text, quote, offset)
    elif offset is None:
        offset = len(text)
    else:
        check_place(session, thread.work_id, chapter.id, offset)
    return {**fields, "quote": quote, "offset": offset, "quote_changed": False}


def _behind(text: str, quote: str, offset: int | None) -> int:
    """Where the quoted words end: they may begin or end at `offset`, or stand once."""
    if offset is not None and text.startswith(quote, offset - len(quote)) and offset >= len(quote):
        return offset
    return find_words(text, quote, offset) + len(quote)
