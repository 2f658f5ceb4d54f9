"""Room on the disk: asked for before the work, and a full disk named when it happens anyway."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from server.errors import DiskFull

GIB = 2**30
MARGIN = GIB // 4
"""Left free for the database and the logs of everybody else on the disk, bytes."""


def require_space(folder: Path, needed: int) -> None:
    """Raises DiskFull where `folder`'s disk cannot take `needed` more bytes."""
    free = shutil.disk_usage(folder).free
    if free < needed + MARGIN:
        raise disk_full(folder, needed + MARGIN)


@contextmanager
def full_disk_named(folder: Path, needed: int = 0) -> Iterator[None]:
    """Turns the system's ENOSPC (or EDQUOT) inside the block into DiskFull."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise disk_full(folder, needed) from error
        raise


def disk_full(folder: Path, needed: int) -> DiskFull:
    free = shutil.disk_usage(folder).free
    wanted = f"需要 {needed / GIB:.1f} GiB，" if needed else ""
    return DiskFull(
        f"{folder} 所在的磁盘空间不够（{wanted}只剩 {free / GIB:.1f} GiB），"
        "请腾出空间，或用 YANCHI_DATA_DIR 换一个地方。"
    )
