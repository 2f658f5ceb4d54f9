"""Tuning runs: the job that runs each, and what it wrote into its folder so far.

The layout is that of `training/tuning/run_folder.py`: `recipe.yaml`, `status.json`, `log.jsonl`.
"""

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from server.errors import NotFound
from server.jobs.board import Jobs
from server.jobs.folder import Folder, Job
from server.sse import Event

LOOK_SECONDS = 0.5
MOST_BYTES = 1_000_000
"""Of the log in one answer; the rest is asked for from where it ended."""


@dataclass(frozen=True, slots=True)
class LogPage:
    entries: list[dict[str, Any]]
    next: int
    """Bytes read so far: where the next page begins."""


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

    def log(self, job: Job, after: int = 0) -> LogPage:
        """Whole lines from byte `after` on. From the start where the log was cut shorter, as by
        a resumed run that does its last steps again."""
        path = self._folder(job) / "log.jsonl"
        try:
            size = path.stat().st_size
            with path.open("rb") as file:
                after = after if after <= size else 0
                file.seek(after)
                data = file.read(MOST_BYTES)
        except OSError:
            return LogPage([], 0)
        whole = data[: data.rfind(b"\n") + 1]
        return LogPage([json.loads(line) for line in whole.splitlines()], after + len(whole))

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

    async def follow(self, ident: str, after: int) -> AsyncGenerator[Event]:
        """`status` when it changed, `log` with the lines since; ends with the run."""
        last = None
        while True:
            job = await asyncio.to_thread(self.get, ident)
            page = await asyncio.to_thread(self.log, job, after)
            if page.entries:
                yield Event("log", {"entries": page.entries, "next": page.next, "from": after})
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
