"""A job on the disk: everything that is known of it, so that a restart finds it again.

<data-dir>/jobs/<id>/job.json    what was asked, and how far it got
                     out.json    the child's standard output: one object when it ended well
                     err.log     its standard error: lines of progress among whatever it says
                     input/      files made for it: a recipe, a book's text
"""

import json
import os
import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

State = Literal["queued", "running", "stopping", "done", "stopped", "failed"]
Lane = Literal["tuning", "light"]
ENDED: frozenset[State] = frozenset({"done", "stopped", "failed"})
ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{6}")
TAIL_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Job:
    """`args` follow `yanchi` on the command line. Times are seconds since the epoch."""

    id: str
    kind: str
    title: str
    args: tuple[str, ...]
    lane: Lane = "light"
    makes_room: bool = False
    """Our own engine stands still while it runs, so that the GPU is free for it."""
    run: str | None = None
    """The folder in `runs/` that it writes; asked to stop through its `stop` file."""
    about: dict[str, Any] = field(default_factory=dict)
    """What the page shows of it: data set, adapter, options."""
    state: State = "queued"
    created: float = 0.0
    started: float | None = None
    ended: float | None = None
    pid: int | None = None
    pid_started: float | None = None
    tries: int = 0
    error: dict[str, str] | None = None
    """`code` and `message` where it failed."""

    @property
    def is_over(self) -> bool:
        return self.state in ENDED


def new_id() -> str:
    """Sorts by time, to the microsecond."""
    now = time.time()
    moment = f"{int(now % 1 * 1_000_000):05x}{secrets.token_hex(1)[0]}"
    return f"{time.strftime('%Y%m%d-%H%M%S', time.localtime(now))}-{moment}"


class Folder:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.out = path / "out.json"
        self.err = path / "err.log"
        self.input = path / "input"

    @property
    def exists(self) -> bool:
        return (self.path / "job.json").is_file()

    def read(self) -> Job | None:
        """None where there is no job, or none that can be read."""
        try:
            kept = json.loads((self.path / "job.json").read_text(encoding="utf-8"))
            return Job(**{**kept, "args": tuple(kept["args"])})
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def write(self, job: Job) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        temporary = self.path / "job.json.new"
        with temporary.open("w", encoding="utf-8") as file:
            json.dump(asdict(job), file, ensure_ascii=False, indent=1)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.path / "job.json")

    def change(self, **values: Any) -> Job:
        """Raises FileNotFoundError where the job is gone."""
        job = self.read()
        if job is None:
            raise FileNotFoundError(self.path)
        changed = replace(job, **values)
        self.write(changed)
        return changed

    def result(self) -> dict[str, Any] | None:
        """The object that the child printed last; None when it printed none."""
        try:
            told = json.loads(self.out.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return told if isinstance(told, dict) else None

    def progress(self) -> dict[str, Any] | None:
        """The last line of progress: `done`, `total`, `note`."""
        for line in reversed(_tail(self.err)):
            if line.startswith("{"):
                try:
                    told = json.loads(line)
                except ValueError:
                    continue
                if isinstance(told, dict) and "done" in told:
                    return told
        return None

    def complaints(self, most: int = 20) -> str:
        """What the child said last, but for progress: for whoever looks into a failure."""
        return "\n".join([line for line in _tail(self.err) if not line.startswith("{")][-most:])


def folders(root: Path) -> Iterator[Folder]:
    """The newest first."""
    if root.is_dir():
        for path in sorted(root.iterdir(), reverse=True):
            if ID.fullmatch(path.name) and (folder := Folder(path)).exists:
                yield folder


def _tail(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            file.seek(max(path.stat().st_size - TAIL_BYTES, 0))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    return [line.strip() for line in re.split(r"[\r\n]+", text) if line.strip()]
