"""Turns between threads and processes, by a lock file beside a work's folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from retrieval.errors import IndexFailure


class OccupiedError(IndexFailure):
    """Another thread or process has held the lock for all the time there was."""


@contextmanager
def turn(folder: Path, what: str, seconds: float) -> Iterator[None]:
    """Hold the lock `.<folder>.<what>`. Raises OccupiedError, or IndexFailure."""
    # Beside the folder, not in it: removing the folder must not remove a lock that somebody
    # waits for.
    path = folder.with_name(f".{folder.name}.{what}")
    lock = FileLock(path, timeout=seconds)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise OccupiedError("另一个程序正在更新这部作品的索引，请稍后再试。") from error
    except OSError as error:
        raise IndexFailure(f"索引目录写不进去（{error}），请检查空间和权限。") from error
    try:
        yield
    finally:
        lock.release()
