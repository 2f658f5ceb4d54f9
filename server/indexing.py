"""Keeps every work's index true to the database, in the background.

One worker thread, so that saves never wait and two saves of one work become one pass. A
long embedding (a large book, another model) is done in slices: between them the other works
have their turn and new text is taken in. An index is derived: when it is missing or broken
it is simply made again, as soon as somebody finds it so.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from retrieval.errors import RetrievalError
from retrieval.library import Library
from retrieval.sync import SyncReport
from retrieval.types import ChapterText
from server.db import Database
from server.manuscript import book_texts, list_works

log = logging.getLogger(__name__)
Progress = Callable[[int, int], None]

SLICE_SECONDS = 5.0
"""After so long another work may have its turn."""
FRESH_SECONDS = 5.0
"""How long a request waits for an index that is being brought up to date."""
_FAILED = "索引没有建成，请查看日志；下次保存时会再试。"


@dataclass(frozen=True, slots=True)
class IndexState:
    """How a work's index is coming on."""

    phase: Literal["ready", "pending", "working", "failed"]
    done: int = 0
    total: int = 0
    """Texts embedded of those to embed, while working; 0 of 0 before that is known."""
    reason: str | None = None
    """Why it failed, or what search has to do without meanwhile, for people."""


class Indexer:
    def __init__(self, database: Database, library: Library) -> None:
        self._database = database
        self.library = library
        library.on_damage = self.request
        self._wanted: dict[str, None] = {}
        self._unfinished: dict[str, tuple[int, int]] = {}
        self._failed: dict[str, str] = {}
        self._busy: str | None = None
        self._due: set[str] = set()
        self._text_due = False
        self._changed = threading.Condition()
        self._closing = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, with every work that the database holds: unchanged ones cost a comparison."""
        with self._database.reading() as session:
            works = [w.id for w in list_works(session)]
        self._thread = threading.Thread(target=self._run, name="indexer", daemon=True)
        self._thread.start()
        for work_id in works:
            self.request(work_id)

    def stop(self) -> None:
        """What is embedded so far is kept and gone on from."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(timeout=30)

    def request(self, work_id: str) -> None:
        """Ask for this work's index to be brought up to date; returns at once."""
        with self._changed:
            self._wanted[work_id] = None
            self._due.add(work_id)
            self._changed.notify_all()

    def fresh(self, work_id: str, timeout: float = FRESH_SECONDS) -> bool:
        """Wait until this work's text is searchable; False when it took too long.

        Many vectors still to be made are not waited for: words find the text already.
        """
        with self._changed:
            return self._changed.wait_for(lambda: not self._owes(work_id), timeout)

    @property
    def pending(self) -> int:
        with self._changed:
            return len(self._wanted) + (self._busy is not None and self._busy not in self._wanted)

    def state(self, work_id: str) -> IndexState:
        """For the page: the phase, how far, and a sentence where there is something to say."""
        with self._changed:
            done, total = self._unfinished.get(work_id, (0, 0))
            failed = self._failed.get(work_id)
            busy, wanted = self._busy == work_id, work_id in self._wanted
        if failed is not None:
            return IndexState("failed", done, total, failed)
        if not (busy or wanted):
            return IndexState("ready", reason=self._stale(work_id))
        reason = self._stale(work_id) if total else None
        return IndexState("working" if busy or total else "pending", done, total, reason)

    def sync(self, work_id: str, progress: Progress | None = None) -> SyncReport:
        """Bring one work's index up to date now, in this thread, however long it takes."""
        return self._sync(work_id, progress, None)

    def _sync(self, work_id: str, progress: Progress | None, seconds: float | None) -> SyncReport:
        def chapters() -> list[ChapterText]:
            # Read once the writer's turn has come: of two quick saves the later one wins.
            with self._database.reading() as session:
                return book_texts(session, work_id)

        return self.library.sync(work_id, chapters, progress, seconds=seconds)

    def _owes(self, work_id: str) -> bool:
        return work_id in self._due or (self._busy == work_id and self._text_due)

    def _stale(self, work_id: str) -> str | None:
        try:
            return self.library.stale_reason(work_id)
        except RetrievalError as error:
            return error.message

    def _warm(self) -> None:
        try:
            self.library.warm()
        except RetrievalError as error:
            log.error("%s", error.message)

    def _run(self) -> None:
        self._warm()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._wanted or self._closing)
                if self._closing:
                    return
                work_id = self._busy = next(iter(self._wanted))
                del self._wanted[work_id]
                self._due.discard(work_id)
                self._text_due = True
            self._work_on(work_id)
            with self._changed:
                self._busy = None
                idle = not self._wanted
                self._changed.notify_all()
            if idle:
                self._tidy(work_id)

    def _work_on(self, work_id: str) -> None:
        """One slice of one work; the work is wanted again while there is more to embed."""
        try:
            report = self._sync(work_id, lambda *far: self._note(work_id, *far), SLICE_SECONDS)
        except _Interrupted:
            self._go_on_later(work_id)
        except RetrievalError as error:
            log.error("index of %s: %s", work_id, error.message)
            self._end(work_id, error.message)
        except Exception:
            # The thread must outlive one bad work: the next save tries again.
            log.exception("index of %s failed", work_id)
            self._end(work_id, _FAILED)
        else:
            if report.waiting and report.reason is None:
                self._go_on_later(work_id)
            else:
                self._end(work_id, report.reason)

    def _note(self, work_id: str, done: int, total: int) -> None:
        """The text is published, and so many of its vectors are made."""
        with self._changed:
            self._text_due = False
            _, before = self._unfinished.get(work_id, (0, 0))
            whole = max(before, total)
            self._unfinished[work_id] = whole - (total - done), whole
            self._changed.notify_all()
            if self._closing or work_id in self._due:
                raise _Interrupted

    def _go_on_later(self, work_id: str) -> None:
        with self._changed:
            self._wanted.setdefault(work_id)

    def _end(self, work_id: str, failure: str | None) -> None:
        with self._changed:
            self._unfinished.pop(work_id, None)
            self._failed.pop(work_id, None)
            if failure is not None:
                self._failed[work_id] = failure

    def _tidy(self, work_id: str) -> None:
        try:
            self.library.tidy(work_id)
        except RetrievalError as error:
            log.warning("tidying the index of %s: %s", work_id, error.message)
        except Exception:
            log.exception("tidying the index of %s failed", work_id)


class _Interrupted(Exception):
    """The desk is closing, or the text was saved again; what is embedded is kept."""
