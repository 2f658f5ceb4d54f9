"""Which job runs, which waits, and what became of each.

One job of the tuning lane at a time, `LIGHT` others beside it. What is known lies in the jobs'
folders; this object only moves it along, so that a restarted server goes on where it was: a
child that lived through the restart is watched again, one that did not is a failure that can
be begun again.
"""

import asyncio
import contextlib
import logging
import shutil
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from server.errors import Conflict, NotFound
from server.jobs import child
from server.jobs.folder import ID, Folder, Job, Lane, folders, new_id

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.25
IDLE_SECONDS = 5.0
LIGHT = 2
GRACE_SECONDS = 10.0
SAVING_SECONDS = 300.0
"""How long a tuning run may take to save after it was asked to stop."""


@dataclass(frozen=True, slots=True)
class Room:
    """How the GPU is given to a job, and taken back."""

    give: Callable[[], Awaitable[None]]
    take_back: Callable[[], Awaitable[None]]


class Jobs:
    """`environment` is asked at every start: the engine's address changes with its restarts."""

    def __init__(
        self,
        data_dir: Path,
        environment: Callable[[], Mapping[str, str]],
        room: Room | None = None,
        on_done: Callable[[Job, Folder], Awaitable[None]] | None = None,
        program: Sequence[str] = child.YANCHI,
    ) -> None:
        self.root = data_dir / "jobs"
        self.runs = data_dir / "runs"
        self._environment = environment
        self._room = room
        self._on_done = on_done
        self._program = tuple(program)
        self._asked: dict[str, float] = {}
        self._watching: asyncio.Task[None] | None = None
        self._woken = asyncio.Event()

    # What is asked

    def add(
        self,
        kind: str,
        title: str,
        args: Callable[[Folder], list[str]],
        *,
        lane: Lane = "light",
        makes_room: bool = False,
        run: bool = False,
        about: Mapping[str, Any] | None = None,
    ) -> Job:
        """`args` may put files into the folder's `input` and name them."""
        ident = new_id()
        folder = self.folder(ident)
        folder.input.mkdir(parents=True)
        job = Job(
            ident, kind, title, tuple(args(folder)), lane, makes_room,
            run=ident if run else None, about=dict(about or {}), created=time.time(),
        )  # fmt: skip
        folder.write(job)
        self._woken.set()
        return job

    def folder(self, ident: str) -> Folder:
        """Raises NotFound for what is no job's id."""
        if not ID.fullmatch(ident):
            raise NotFound("没有这项工作，它可能已经被删除。")
        return Folder(self.root / ident)

    def get(self, ident: str) -> Job:
        if (job := self.folder(ident).read()) is None:
            raise NotFound("没有这项工作，它可能已经被删除。")
        return job

    def all(self) -> list[Job]:
        """The newest first."""
        return [job for folder in folders(self.root) if (job := folder.read())]

    def stop(self, ident: str) -> Job:
        """One that runs is asked to save and end; one that waits is off the list."""
        job = self.get(ident)
        if job.state == "queued":
            return self.folder(ident).change(state="stopped", ended=time.time())
        if job.state != "running":
            return job
        if job.run is not None and (self.runs / job.run).is_dir():
            (self.runs / job.run / "stop").touch()
        elif job.pid is not None and job.pid_started is not None:
            child.ask_to_end(job.pid, job.pid_started)
        self._asked[ident] = time.monotonic()
        return self.folder(ident).change(state="stopping")

    def again(self, ident: str) -> Job:
        """A job that stopped or failed goes on where it was; commands can be gone on with."""
        job = self.get(ident)
        if not job.is_over:
            raise Conflict("这项工作还没有停下，请等它停下再继续。", code="job_running")
        args = job.args
        if job.run is not None:
            run = self.runs / job.run
            if any(run.glob("checkpoints/step-*")):
                args = ("train", "--resume", str(run), *_flags(job.args))
            else:  # nothing to go on from; a new beginning wants an empty place
                shutil.rmtree(run, ignore_errors=True)
        changed = self.folder(ident).change(state="queued", error=None, ended=None, args=args)
        self._woken.set()
        return changed

    def remove(self, ident: str) -> None:
        """With the run that it wrote. Raises Conflict while it runs."""
        job = self.get(ident)
        if not job.is_over and job.state != "queued":
            raise Conflict("这项工作还在进行，请先停下它，再删除。", code="job_running")
        shutil.rmtree(self.folder(ident).path, ignore_errors=True)
        if job.run is not None:
            shutil.rmtree(self.runs / job.run, ignore_errors=True)

    @property
    def has_the_room(self) -> bool:
        """A job runs for which our own engine stands still."""
        return any(job.makes_room and not job.is_over and job.pid for job in self.all())

    # What happens by itself

    def start(self) -> None:
        self._watching = asyncio.create_task(self._watch())

    async def close(self) -> None:
        """Jobs go on without us; a later start finds them."""
        if self._watching is not None:
            self._watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watching

    async def _watch(self) -> None:
        while True:
            try:
                for job in self.all():
                    if job.state in ("running", "stopping"):
                        await self._look_at(job)
                await self._begin_what_may()
            except Exception:
                log.exception("looking after the jobs failed; the next look comes")
            idle = all(job.is_over for job in self.all())
            # Not `wait_for`, which loses a cancellation that comes together with the event.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(IDLE_SECONDS if idle else LOOK_SECONDS):
                    await self._woken.wait()
            self._woken.clear()

    async def _begin_what_may(self) -> None:
        jobs = self.all()
        for lane, most in (("tuning", 1), ("light", LIGHT)):
            busy = sum(j.lane == lane and j.state in ("running", "stopping") for j in jobs)
            waiting = [j for j in reversed(jobs) if j.lane == lane and j.state == "queued"]
            for job in waiting[: max(most - busy, 0)]:
                await self._begin(job)

    async def _begin(self, job: Job) -> None:
        folder = self.folder(job.id)
        if job.makes_room and self._room is not None:
            await self._room.give()
            if self.get(job.id).state != "queued":  # stopped while the engine was ending
                await self._room.take_back()
                return
        try:
            pid, since = child.start(folder, (*self._program, *job.args), self._environment())
        except OSError as error:
            await self._over(job, "failed", {"code": "no_start", "message": f"没能开始：{error}。"})
            return
        folder.change(
            state="running", started=time.time(), pid=pid, pid_started=since, tries=job.tries + 1
        )

    async def _look_at(self, job: Job) -> None:
        if child.lives(job.pid, job.pid_started):
            self._press(job)
            return
        result = self.folder(job.id).result()
        if result is None:
            stopped = job.state == "stopping"
            error = None if stopped else self._why(job)
            await self._over(job, "stopped" if stopped else "failed", error)
        elif isinstance(told := result.get("error"), dict):
            await self._over(job, "failed", {k: str(told.get(k, "")) for k in ("code", "message")})
        else:
            await self._over(job, "stopped" if result.get("state") == "stopped" else "done", None)

    def _press(self, job: Job) -> None:
        """Who does not end when asked is made to."""
        if job.state != "stopping" or job.pid is None or job.pid_started is None:
            return
        since = time.monotonic() - self._asked.setdefault(job.id, time.monotonic())
        if since > (SAVING_SECONDS if job.run else 0) + GRACE_SECONDS:
            child.end(job.pid, job.pid_started)
        elif job.run and since > SAVING_SECONDS:
            child.ask_to_end(job.pid, job.pid_started)

    def _why(self, job: Job) -> dict[str, str]:
        said = self.folder(job.id).complaints(1)
        why = f"它最后说：{said}" if said else "它没有留下话，可能是进程被终止或机器重启了。"
        return {"code": "interrupted", "message": f"做到一半断了，可以继续。{why}"}

    async def _over(self, job: Job, state: str, error: dict[str, str] | None) -> None:
        self._asked.pop(job.id, None)
        over = self.folder(job.id).change(state=state, ended=time.time(), error=error, pid=None)
        if job.makes_room and self._room is not None:
            await self._room.take_back()
        if over.state == "done" and self._on_done is not None:
            await self._on_done(over, self.folder(job.id))


def _flags(args: tuple[str, ...]) -> tuple[str, ...]:
    """The flags without values that a command was given."""
    return tuple(arg for arg in args if arg in ("--json", "--progress-json"))
