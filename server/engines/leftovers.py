"""Engines that an earlier crash left running: find ours, and only ours, and end them.

Each supervised engine writes a record beside its log. A process belongs to it when it lives
in the session that the record names (started then, not a later session of the same number)
and still writes to that log. Engines whose owner is alive are left alone.
"""

import contextlib
import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

# Start times come from the clock and from the kernel's ticks; they agree to a fraction of this.
SAME_START_SECONDS = 2.0
GONE_SECONDS = 5.0
WRITING_SECONDS = 5.0
NOBODY = 0


@dataclass(frozen=True, slots=True)
class Record:
    """`session` is the guardian's process id, and so the id of the session it leads; NOBODY
    until there is one.
    """

    session: int
    session_started: float
    owner: int
    owner_started: float
    log: str
    runtime_dir: str | None = None

    def claim(self, path: Path) -> bool:
        """Write the record if nobody has one there; two servers may start at once."""
        try:
            with path.open("x", encoding="utf-8") as file:
                json.dump(asdict(self), file)
        except FileExistsError:
            return False
        return True

    def write(self, path: Path) -> None:
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(asdict(self)), encoding="utf-8")
        temporary.replace(path)


def read_record(path: Path) -> Record | None:
    try:
        return Record(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def started(pid: int) -> float:
    """When the process started, in seconds since the epoch; 0 when there is none."""
    try:
        return psutil.Process(pid).create_time()
    except psutil.Error:
        return 0.0


def is_alive(pid: int, start: float) -> bool:
    return psutil.pid_exists(pid) and abs(started(pid) - start) < SAME_START_SECONDS


def _writes_to(pid: int, log: str) -> bool:
    """Standard output or error leads to `log`, which may since have been rotated or removed."""
    for descriptor in ("1", "2"):
        with contextlib.suppress(OSError):
            target = str(Path(f"/proc/{pid}/fd/{descriptor}").readlink())
            if Path(target.removesuffix(" (deleted)")).stem.split(".")[0] == Path(log).stem:
                return Path(target).parent == Path(log).parent
    return False


def members(record: Record) -> Iterator[psutil.Process]:
    """The living processes of the recorded engine."""
    if record.session == NOBODY:
        return
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) != record.session:
                continue
            if process.create_time() < record.session_started - SAME_START_SECONDS:
                continue
            if process.status() != psutil.STATUS_ZOMBIE and _writes_to(process.pid, record.log):
                yield process
        except (OSError, psutil.Error):
            continue


def end(record: Record) -> int:
    """Kill what is left of the recorded engine; returns how many processes that were."""
    killed: set[int] = set()
    deadline = time.monotonic() + GONE_SECONDS
    while (left := list(members(record))) and time.monotonic() < deadline:
        for process in left:
            killed.add(process.pid)
            with contextlib.suppress(psutil.Error, OSError):
                process.send_signal(signal.SIGKILL)
        psutil.wait_procs(left, timeout=0.5)
    if record.runtime_dir:
        shutil.rmtree(record.runtime_dir, ignore_errors=True)
    return len(killed)


def end_leftovers(logs_dir: Path) -> int:
    """End engines in `logs_dir` whose owner is dead; returns how many processes were killed."""
    count = 0
    for path in sorted(logs_dir.glob("engine*.pid")):
        record = read_record(path)
        if record is None and _is_being_written(path):
            continue
        if record is None or not is_alive(record.owner, record.owner_started):
            count += end(record) if record else 0
            path.unlink(missing_ok=True)
    return count


def _is_being_written(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime < WRITING_SECONDS
    except OSError:
        return True
