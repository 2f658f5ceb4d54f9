"""What was planted in the telling and has not been answered yet, at one place of the story.

A thread is open where one of its events lies behind and none of those resolves it. Of what
happened to it only what lies behind is told: the first time and the last. What an author wants
of it is told where it is due, like the chapter's own plan, and nowhere before.

Knows nothing of budgets: items carry their priority.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from retrieval.timeline import View
from retrieval.types import ContextItem, Group, StoryPosition

EventKind = Literal["plant", "advance", "resolve"]

MOST_THREADS = 40
"""Threads offered for one prompt: more than their share of it ever holds."""

CLOSED = frozenset({"resolved", "abandoned"})
"""States by which an author closes a thread whatever its events say."""


@dataclass(frozen=True, slots=True)
class ThreadEvent:
    """Something of the thread happens at `place`; it is told from there on."""

    kind: EventKind
    place: StoryPosition
    source: str
    """The chapter's title, as the prompt names it."""
    text: str


@dataclass(frozen=True, slots=True)
class Thread:
    id: str
    title: str
    events: tuple[ThreadEvent, ...]
    """In the order of the telling."""
    state: str = ""
    """What the author set; empty: what its events say."""
    importance: int = 2
    due: int | None = None
    """The chapter, by its place in the telling, by whose end it should be answered."""
    due_note: str = ""


def open_threads(threads: Sequence[Thread], view: View) -> list[Thread]:
    """The threads that are open at the place, each with those events only that lie behind it."""
    seen = (
        replace(thread, events=tuple(e for e in thread.events if view.passed(e.place)))
        for thread in threads
        if thread.state not in CLOSED
    )
    return [thread for thread in seen if thread.events and not _resolved(thread)]


def thread_items(threads: Sequence[Thread], view: View) -> list[ContextItem]:
    """The open ones for a prompt: those that are due first, then the important, then the old."""
    ranked = sorted(
        open_threads(threads, view),
        key=lambda t: (not _is_due(t, view), -t.importance, t.events[0].place, t.id),
    )
    return [_item(thread, n, view) for n, thread in enumerate(ranked[:MOST_THREADS])]


def told_of(thread: Thread, view: View) -> str | None:
    """What a prompt says of it at this place; None where it is not open there."""
    return next((item.text for item in thread_items([thread], view)), None)


def is_answered(thread: Thread, view: View) -> bool:
    """Whether what lies behind the place answers it, not the author's own word."""
    behind = [event for event in thread.events if view.passed(event.place)]
    return _resolved(replace(thread, events=tuple(behind)))


def _resolved(thread: Thread) -> bool:
    """Whether what lies behind answers it; an author may say that it does not."""
    return not thread.state and any(e.kind == "resolve" for e in thread.events)


def _is_due(thread: Thread, view: View) -> bool:
    here = view.position
    return thread.due is not None and here is not None and thread.due <= here.chapter


def _item(thread: Thread, order: int, view: View) -> ContextItem:
    due = _is_due(thread, view)
    return ContextItem(
        f"thread:{thread.id}", Group.THREADS, _told(thread, due), f"伏笔：{thread.title}",
        priority=30 + 5 * thread.importance + (30 if due else 0), order=order,
        why="到了该收的时候" if due else "已经埋下，还没有收",
    )  # fmt: skip


def _told(thread: Thread, due: bool) -> str:
    first, last = thread.events[0], thread.events[-1]
    told = dict.fromkeys(f"{e.source}{_verb(e)}{e.text}".strip() for e in (first, last) if e.text)
    wanted = (
        [f"该收了{'：' if thread.due_note.strip() else ''}{thread.due_note.strip()}"] if due else []
    )
    return f"{thread.title}（{'；'.join([*told, *wanted])}）" if told or wanted else thread.title


def _verb(event: ThreadEvent) -> str:
    return "埋下：" if event.kind == "plant" else "提到："
