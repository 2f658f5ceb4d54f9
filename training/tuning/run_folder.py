"""A run on disk: what a page or another program reads while it goes on, and how it is stopped.

    recipe.yaml        as run, defaults filled in
    status.json        one object, replaced whole
    log.jsonl          one object a line, only ever appended to (a resumed run drops what it redoes)
    stop               someone asks to stop and save
    lock               held by the process that trains, for as long as it lives
    checkpoints/step-N/, adapter/ (or model/), tensorboard/, lineage.json
    initial_adapter/ (PiSSA), reference.json (DPO, KTO)

Knows nothing of models. Readers need no lock: every file is whole at any time, but for the last
line of a log whose writer was killed.
"""

import json
import math
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout

from training.errors import BadInput, RunFailed

State = Literal["queued", "preparing", "running", "stopping", "stopped", "done", "failed"]
ENDED: frozenset[State] = frozenset({"stopped", "done", "failed"})


@dataclass(frozen=True, slots=True)
class Status:
    """Times are seconds since 1970 (`started`, `updated`) or seconds; memory is bytes."""

    state: State = "queued"
    step: int = 0
    steps: int = 0
    epoch: float = 0.0
    epochs: float = 0.0
    loss: float | None = None
    smoothed: float | None = None
    eval_loss: float | None = None
    learning_rate: float | None = None
    tokens_per_second: float | None = None
    peak_memory_bytes: int = 0
    seconds: float = 0.0
    eta_seconds: float | None = None
    message: str = ""
    code: str = ""
    """Of the error that ended it (`training.errors`)."""
    pid: int = 0
    started: float = 0.0
    updated: float = 0.0
    best_step: int | None = None
    warnings: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Checkpoint:
    step: int
    path: Path


class RunFolder:
    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, runs: Path, recipe_yaml: str, *, at: Path | None = None) -> "RunFolder":
        """A new folder under `runs`, or exactly `at`, which must hold no run yet."""
        run = cls(at if at is not None else runs / new_id())
        if (run.path / "status.json").exists():
            raise BadInput("这里已有一次训练；接着练用 --resume，或换一个目录", file=run.path)
        run.path.mkdir(parents=True, exist_ok=True)
        _replace(run.recipe, recipe_yaml)
        run.write(Status())
        return run

    @classmethod
    def open(cls, path: Path) -> "RunFolder":
        if not (path / "status.json").is_file():
            raise BadInput("这里没有训练记录（缺 status.json）", file=path)
        return cls(path)

    @property
    def recipe(self) -> Path:
        return self.path / "recipe.yaml"

    @property
    def log_file(self) -> Path:
        return self.path / "log.jsonl"

    @property
    def checkpoints_dir(self) -> Path:
        return self.path / "checkpoints"

    @property
    def adapter(self) -> Path:
        return self.path / "adapter"

    @property
    def model(self) -> Path:
        """What full tuning makes, instead of an adapter."""
        return self.path / "model"

    @property
    def initial_adapter(self) -> Path:
        """PiSSA's, as it was before the first step: what was taken out of the base."""
        return self.path / "initial_adapter"

    @property
    def references(self) -> Path:
        """Of preference tuning: what the model said before the first step."""
        return self.path / "reference.json"

    @property
    def tensorboard(self) -> Path:
        return self.path / "tensorboard"

    # --- status -------------------------------------------------------------------------

    def status(self) -> Status:
        given = json.loads((self.path / "status.json").read_text("utf-8"))
        known = {name: given[name] for name in Status.__slots__ if name in given}
        return Status(**known | {"warnings": tuple(given.get("warnings", ()))})

    def write(self, status: Status) -> None:
        _replace(
            self.path / "status.json",
            json.dumps(_plain(asdict(replace(status, updated=time.time()))), ensure_ascii=False),
        )

    def update(self, **changes: Any) -> Status:
        status = replace(self.status(), **changes)
        self.write(status)
        return status

    # --- log ----------------------------------------------------------------------------

    def log(self, type: str, **fields: Any) -> None:
        """Append one line in one write: readers never see half of it while we live."""
        line = json.dumps({"type": type, **_plain(fields)}, ensure_ascii=False) + "\n"
        with self.log_file.open("ab") as file:
            file.write(line.encode())

    def entries(self) -> Iterator[dict[str, Any]]:
        """Whole lines only: a killed writer may have left half of one."""
        if not self.log_file.exists():
            return
        with self.log_file.open("rb") as file:
            for line in file:
                if line.endswith(b"\n"):
                    yield json.loads(line)

    def rewind(self, step: int) -> None:
        """Forget what was logged after `step`: a resumed run does it again."""
        kept = [each for each in self.entries() if each.get("step", 0) <= step]
        lines = [json.dumps(each, ensure_ascii=False) + "\n" for each in kept]
        _replace(self.log_file, "".join(lines))

    # --- stopping, and who trains -------------------------------------------------------

    def ask_stop(self) -> None:
        (self.path / "stop").touch()

    def stop_asked(self) -> bool:
        return (self.path / "stop").exists()

    def forget_stop(self) -> None:
        (self.path / "stop").unlink(missing_ok=True)

    @contextmanager
    def held(self) -> Iterator[None]:
        """The right to train here; a second process is refused. Freed by any kind of death."""
        lock = self._lock()
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise RunFailed(f"{self.path.name} 正由另一个进程训练。") from error
        try:
            yield
        finally:
            lock.release()

    def alive(self) -> bool:
        """Whether a process trains here now, whatever status.json still says of a dead one."""
        if not (self.path / "lock").exists():
            return False
        lock = self._lock()
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return True
        lock.release()
        return False

    def _lock(self) -> FileLock:
        return FileLock(self.path / "lock", is_singleton=False)

    # --- checkpoints --------------------------------------------------------------------

    def checkpoints(self) -> list[Checkpoint]:
        """Whole ones, oldest first."""
        if not self.checkpoints_dir.is_dir():
            return []
        found = [
            Checkpoint(int(each.name.removeprefix("step-")), each)
            for each in self.checkpoints_dir.iterdir()
            if each.name.removeprefix("step-").isdigit() and each.name.startswith("step-")
        ]
        return sorted(found, key=lambda each: each.step)

    @property
    def unfinished(self) -> Path:
        """Where a checkpoint is written; what lies here is not whole."""
        return self.checkpoints_dir / ".unfinished"

    def drop_unfinished(self) -> None:
        shutil.rmtree(self.unfinished, ignore_errors=True)

    def begin_checkpoint(self) -> None:
        self.drop_unfinished()
        self.unfinished.mkdir(parents=True)

    def finish_checkpoint(self, step: int, name: str) -> None:
        """`name` under `unfinished` becomes `step-N`, all at once."""
        final = self.checkpoints_dir / f"step-{step}"
        shutil.rmtree(final, ignore_errors=True)
        (self.unfinished / name).rename(final)
        self.drop_unfinished()

    def keep_checkpoints(self, newest: int, best: int | None) -> None:
        """Delete all but the `newest` ones and the best."""
        whole = self.checkpoints()
        for old in whole[: max(len(whole) - newest, 0)]:
            if old.step != best:
                shutil.rmtree(old.path, ignore_errors=True)


def new_id() -> str:
    """Sorts by time: `20261121-213055-1a2b`."""
    return f"{datetime.now():%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    """JSON has no NaN and no infinity: they become null."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in fields.items()
    }


def _replace(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(text, "utf-8")
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
