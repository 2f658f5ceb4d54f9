"""How far a download is, seen from the disk: the same for every tool that downloads."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from server.weights.types import Progress

SECONDS_BETWEEN_LOOKS = 0.3


def folder_bytes(folder: Path) -> int:
    """Bytes on the disk under `folder`, half-written files included."""
    total = 0
    for path in folder.rglob("*"):
        try:
            # Blocks, not lengths: a file may be laid out at full length before it is filled.
            total += path.stat().st_blocks * 512 if path.is_file() else 0
        except FileNotFoundError:
            continue
    return total


@contextmanager
def watching(folder: Path, step: str, total: int, progress: Progress) -> Iterator[None]:
    """Reports the growth of `folder` towards `total` bytes while the block runs."""
    done = threading.Event()

    def look() -> None:
        while not done.wait(SECONDS_BETWEEN_LOOKS):
            progress(step, min(folder_bytes(folder), total), total)

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
    progress(step, total, total)
