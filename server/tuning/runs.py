"""Tuning runs: the job that runs each, and what it wrote into its folder so far.

The layout is that of `training/tuning/run_folder.py`: `recipe.yaml`, `status.json`, `log.jsonl`.
"""

import asyncio
import json
import zlib
from collections.abc import AsyncGenerator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import yaml

from server.errors import NotFound
from server.jobs.board import Jobs
from server.jobs.folder import Folder, Job
from server.sse import Event

LOOK_SECONDS = 0.5
MOST_BYTES = 1_000_000
"""Of the log in one answer; the rest is asked for from where it ended."""
MARKED_BYTES = 256
START = "0"
CURSOR = r"^(0|[1-9][0-9]{0,17}-[0-9a-f]{8})$"
"""How far somebody has read a log: bytes, and a checksum of the last of them. A run that goes on
drops its last steps from the log and writes them again, so that a number alone may come to lie
in the middle of a line, or behind lines that nobody has seen."""


@dataclass(frozen=True, slots=True)
class LogPage:
    """`next` is the cursor of the next page. `anew`: from the start, whatever was known before."""

    entries: list[dict[str, Any]]
    next: str
    anew: bool


class Runs:
    def __init__(self, jobs: Jobs) -> None:
        self.jobs = jobs
        self.root = jobs.runs

    def begin(self, recipe: dict[str, Any], *, title: str, makes_room: bool) -> Job:
        def args(folder: Folder) -> list[str]:
            path = write_recipe(folder, recipe)
            run = self.root / folder.path.name
            return ["train", str(path), "--run-dir", str(run), "--json", "--progress-json"]

        return self.jobs.add(
            "train",
            title,
            args,
            lane="tuning",
            makes_room=makes_room,
            run=True,
            about={key: recipe.get(key) for key in ("name", "base", "method")},
        )

    def all(self) -> list[Job]:
        return [job for job in self.jobs.all() if job.kind == "train"]

    def get(self, ident: str) -> Job:
        job = self.jobs.get(ident)
        if job.kind != "train":
            raise NotFound("没有这次训练，它可能已经被删除。", code="no_run")
        return job

    def status(self, job: Job) -> dict[str, Any] | None:
        """None before it has begun."""
        try:
            told = json.loads((self._folder(job) / "status.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return told if isinstance(told, dict) else None

    def recipe(self, job: Job) -> dict[str, Any]:
        """As it runs, or as it was asked while it waits."""
        for path in (self._folder(job), self.jobs.folder(job.id).input):
            try:
                told = yaml.safe_load((path / "recipe.yaml").read_text(encoding="utf-8"))
            except (OSError, yaml.YAMLError):
                continue
            if isinstance(told, dict):
                return told
        return {}

    def log(self, job: Job, after: str = START) -> LogPage:
        """Whole lines behind a cursor. From the start where the log is no longer the one that
        the cursor was given for."""
        try:
            with (self._folder(job) / "log.jsonl").open("rb") as file:
                at = _place(file, after)
                file.seek(at)
                data = file.read(MOST_BYTES)
                whole = data[: data.rfind(b"\n") + 1]
                following = _cursor(file, at + len(whole))
        except OSError:
            return LogPage([], START, anew=True)
        return LogPage([json.loads(line) for line in whole.splitlines()], following, anew=at == 0)

    def checkpoints(self, job: Job) -> list[int]:
        """The steps that can be published or gone on from."""
        found = (path.name for path in self._folder(job).glob("checkpoints/step-*"))
        return sorted(int(name[5:]) for name in found if name[5:].isdigit())

    def has_adapter(self, job: Job) -> bool:
        return (self._folder(job) / "adapter" / "adapter_config.json").is_file()

    def folder(self, ident: str) -> Path:
        return self._folder(self.get(ident))

    def _folder(self, job: Job) -> Path:
        return self.root / (job.run or job.id)

    async def follow(self, ident: str, after: str) -> AsyncGenerator[Event]:
        """`status` when it changed, `log` with the lines since; ends with the run."""
        last = None
        while True:
            job = await asyncio.to_thread(self.get, ident)
            page = await asyncio.to_thread(self.log, job, after)
            if page.entries:
                yield Event("log", asdict(page))
            told = {"state": job.state, "error": job.error, "status": self.status(job)}
            if told != last:
                yield Event("status", told)
                last = told
            if job.is_over and page.next == after:
                return
            after = page.next
            if not page.entries:
                await asyncio.sleep(LOOK_SECONDS)


def write_recipe(folder: Folder, recipe: dict[str, Any]) -> Path:
    path = folder.input / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return path


def _cursor(log: IO[bytes], at: int) -> str:
    if at == 0:
        return START
    marked = min(at, MARKED_BYTES)
    log.seek(at - marked)
    return f"{at}-{zlib.crc32(log.read(marked)):08x}"


def _place(log: IO[bytes], cursor: str) -> int:
    """The byte that a cursor tells; 0 where something else stands before it now."""
    at = int(cursor.partition("-")[0])
    return at if _cursor(log, at) == cursor else 0
