"""Keeps every work's index true to the database, in the background.

One worker thread, so that saves never wait and two saves of one work become one pass.
An index is derived: when it is missing or broken it is simply made again.
"""

import logging
import threading
from collections.abc import Callable

from retrieval.errors import RetrievalError
from retrieval.library import Library
from retrieval.sync import SyncReport
from retrieval.types import ChapterText
from server.db import Database
from server.manuscript import book_texts, list_works

log = logging.getLogger(__name__)
Progress = Callable[[int, int], None]


class Indexer:
    def __init__(self, database: Database, library: Library) -> None:
        self._database = database
        self.library = library
        self._wanted: dict[str, None] = {}
        self._busy: str | None = None
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
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(timeout=30)

    def request(self, work_id: str) -> None:
        """Ask for this work's index to be brought up to date; returns at once."""
        with self._changed:
            self._wanted[work_id] = None
            self._changed.notify_all()

    def fresh(self, work_id: str, timeout: float) -> bool:
        """Wait until nothing is pending for this work; False when it took too long."""
        with self._changed:
            return self._changed.wait_for(
                lambda: work_id not in self._wanted and self._busy != work_id, timeout
            )

    @property
    def pending(self) -> int:
        with self._changed:
            return len(self._wanted) + (self._busy is not None)

    def sync(self, work_id: str, progress: Progress | None = None) -> SyncReport:
        """Bring one work's index up to date now, in this thread."""

        def chapters() -> list[ChapterText]:
            # Read once the writer's turn has come: of two quick saves the later one wins.
            with self._database.reading() as session:
                return book_texts(session, work_id)

        return self.library.sync(work_id, chapters, progress)

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
                self._busy = next(iter(self._wanted))
                del self._wanted[self._busy]
            try:
                self.sync(self._busy)
            except RetrievalError as error:
                log.error("index of %s: %s", self._busy, error.message)
            except Exception:
                # The thread must outlive one bad work: the next save tries again.
                log.exception("index of %s failed", self._busy)
            with self._changed:
                self._busy = None
                self._changed.notify_all()
