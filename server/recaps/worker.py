"""Keeps every work's recaps true, in the background.

One thread: extraction at once after a save, then, where it may, one request to the model at a
time, and none while a person's runs. The model is asked on the event loop that the engine
lives on.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Collection
from concurrent.futures import CancelledError, Future
from datetime import timedelta
from typing import Literal

from sqlmodel import Session

from retrieval.memory.plan import Key
from server.db import Database
from server.engines.base import Engine
from server.errors import Conflict, EngineError, EngineFailed, EngineRefused, EngineStarting
from server.manuscript import list_works
from server.recaps.extracting import extract_all
from server.recaps.jobs import (
    QUIET,
    Job,
    Prompting,
    keep_refusal,
    keep_told,
    next_job,
    wants_any,
)
from server.recaps.model import Interrupted, ModelWriter, Unfit
from server.templates import in_use
from server.writing.running import Running

log = logging.getLogger(__name__)
Mode = Literal["auto", "model", "extractive", "off"]

AGAIN = 5.0
"""Seconds until works that wait for the engine, or for their author to pause, are looked at."""
REST = 1.0
"""Seconds to leave the engine alone after a person's request: another one may follow."""


class Recaps:
    """Thread-safe, but for `start` and `close`, which belong to the engine's event loop."""

    def __init__(
        self,
        database: Database,
        engine: Engine,
        running: Running,
        *,
        mode: Mode = "auto",
        gpu: bool = False,
        quiet: timedelta = QUIET,
    ) -> None:
        """`gpu`: our own engine has one, so that in mode `auto` the model works unasked."""
        self.mode = mode
        self.automatic = mode == "model" or (mode == "auto" and gpu)
        """Whether the model works unasked."""
        self._database = database
        self._engine = engine
        self._running = running
        self._quiet = quiet
        self._writer = ModelWriter(engine, lambda: len(running) > 0)
        self._wanted: dict[str, None] = {}
        self._waiting: dict[str, float] = {}
        """Works that the model may be asked for, and when (`time.monotonic`) to look."""
        self._asked: dict[str, dict[Key, None]] = {}
        self._busy: str | None = None
        self._telling: Job | None = None
        self._future: Future[str] | None = None
        self._changed = threading.Condition()
        self._closing = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, with every work that the database holds; true recaps cost a comparison."""
        self._loop = asyncio.get_running_loop()
        if self.mode == "off":
            return
        with self._database.reading() as session:
            works = [w.id for w in list_works(session)]
        self._thread = threading.Thread(target=self._run, name="recaps", daemon=True)
        self._thread.start()
        for work_id in works:
            self.request(work_id)

    async def close(self) -> None:
        """Drop what the model is doing; what is written stays, the rest is made another time."""
        with self._changed:
            self._closing = True
            if self._future is not None:
                self._future.cancel()
            self._changed.notify_all()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, 30)

    def request(self, work_id: str) -> None:
        """Ask for this work's recaps to be brought up to date; returns at once."""
        if self.mode == "off":
            return
        with self._changed:
            self._wanted[work_id] = None
            self._changed.notify_all()

    def ask_model(self, work_id: str, keys: Collection[Key]) -> None:
        """Have the model tell these, also where it would not by itself; returns at once.

        Raises Conflict where the settings forbid it, EngineStarting or EngineFailed where there
        is no model to ask.
        """
        if self.mode == "extractive":
            raise Conflict(
                "设置里不让模型写前情（YANCHI_RECAPS=extractive），请改成 auto 或 model 再试。",
                code="recaps_without_model",
            )
        status = self._engine.status()
        if status.state in ("failed", "stopped"):
            raise EngineFailed(status.detail or "模型没有运行，前情暂时只能用摘录。")
        if status.state != "ready":
            raise EngineStarting("模型还在启动，过一会儿再让它写前情。")
        with self._changed:
            self._asked.setdefault(work_id, {}).update(dict.fromkeys(keys))
            self._wanted[work_id] = None
            self._changed.notify_all()

    def fresh(self, work_id: str, timeout: float) -> bool:
        """Wait until every recap of this work is true again; False when it took too long.

        What the model may still tell better is not waited for.
        """
        with self._changed:
            return self._changed.wait_for(
                lambda: work_id not in self._wanted and self._busy != work_id, timeout
            )

    def sync(self, work_id: str) -> int:
        """Extract what is missing or stale now, in this thread; how many were made."""
        if self.mode == "off":
            return 0
        return sum(1 for _ in extract_all(self._database, work_id))

    def telling(self, work_id: str) -> Key | None:
        """What the model is telling at this moment."""
        with self._changed:
            told = self._telling
        return told.node.key if told is not None and told.work_id == work_id else None

    @property
    def at_work(self) -> bool:
        """Whether the model is telling a recap at this moment."""
        with self._changed:
            return self._telling is not None

    def asked(self, work_id: str) -> int:
        """How many recaps the model was asked for and has not told."""
        with self._changed:
            return len(self._asked.get(work_id, ()))

    def by(self, session: Session, work_id: str) -> Prompting | None:
        """Who tells the work's recaps unasked; None where only extraction does."""
        return self._prompting(session, work_id) if self.automatic else None

    def _prompting(self, session: Session, work_id: str) -> Prompting:
        template = in_use(session, "recap", work_id).template
        return Prompting(self._engine.status().model, template)

    def _run(self) -> None:
        while (turn := self._next_turn()) is not None:
            work_id, extraction = turn
            try:
                if extraction:
                    self.sync(work_id)
                else:
                    self._ask_for(work_id)
            except Exception:
                # The thread must outlive one bad work: the next save tries again.
                log.exception("recaps of %s failed", work_id)
            with self._changed:
                if extraction and (self.automatic or work_id in self._asked):
                    self._waiting[work_id] = time.monotonic()
                self._busy = None
                self._changed.notify_all()

    def _next_turn(self) -> tuple[str, bool] | None:
        """(work, whether to extract); None at the end. Extraction goes first."""
        with self._changed:
            while not self._closing:
                if self._wanted:
                    self._busy = next(iter(self._wanted))
                    del self._wanted[self._busy]
                    return self._busy, True
                now = time.monotonic()
                due = min(self._waiting, key=lambda w: self._waiting[w], default=None)
                if due is not None and self._waiting[due] <= now:
                    del self._waiting[due]
                    return due, False
                self._changed.wait(None if due is None else self._waiting[due] - now)
        return None

    def _look_again(self, work_id: str, seconds: float) -> None:
        with self._changed:
            self._waiting[work_id] = time.monotonic() + seconds

    def _ask_for(self, work_id: str) -> None:
        """One recap by the model, where the engine is free and there is one to be made."""
        if self._engine.status().state != "ready":
            self._look_again(work_id, AGAIN)
            return
        if len(self._running):
            self._look_again(work_id, REST)
            return
        with self._changed:
            asked = list(self._asked.get(work_id, ()))
        with self._database.reading() as session:
            by = self._prompting(session, work_id)
        job = next_job(self._database, work_id, by, asked, self.automatic, self._quiet)
        if job is not None:
            self._do(job)
            return
        with self._changed:
            # What it was asked for beyond this is gone from the book.
            self._asked.pop(work_id, None)
        if self.automatic and wants_any(self._database, work_id, by):
            self._look_again(work_id, AGAIN)

    def _do(self, job: Job) -> None:
        try:
            text = self._tell(job)
        except (Interrupted, CancelledError):
            self._look_again(job.work_id, REST)
            return
        except (Unfit, EngineRefused) as error:
            log.info("recap %s of %s: %s", job.node.label, job.work_id, error)
            keep_refusal(self._database, job, str(error))
        except EngineError as error:
            log.warning("recap %s of %s: %s", job.node.label, job.work_id, error.message)
            self._look_again(job.work_id, AGAIN)
            return
        else:
            keep_told(self._database, job, text)
        with self._changed:
            left = self._asked.get(job.work_id, {})
            left.pop(job.node.key, None)
            if not left:
                self._asked.pop(job.work_id, None)
            # What reads it may be stale now; the next one comes after that.
            self._wanted[job.work_id] = None

    def _tell(self, job: Job) -> str:
        assert self._loop is not None
        with self._changed:
            if self._closing:
                raise CancelledError
            self._telling = job
            told = asyncio.run_coroutine_threadsafe(self._writer.write(job.ask), self._loop)
            self._future = told
        try:
            return told.result()
        finally:
            with self._changed:
                self._telling = self._future = None
