"""Where large results go: beside their place until they are whole, and only where they fit."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from training.errors import BadInput, RunFailed

GIB = 2**30


@contextmanager
def new_folder(target: Path, needed: int = 0) -> Iterator[Path]:
    """A folder that becomes `target` when the block ends well; nothing is left otherwise.

    `needed` is how many bytes it will hold. Raises BadInput where something is there already,
    RunFailed where the disk has no room.
    """
    with _workshop(target, needed) as workshop:
        partial = workshop / target.name
        partial.mkdir()
        yield partial
        partial.rename(target)


@contextmanager
def new_file(target: Path, needed: int = 0) -> Iterator[Path]:
    """The path to write to; as `new_folder`."""
    with _workshop(target, needed) as workshop:
        partial = workshop / target.name
        yield partial
        partial.rename(target)


@contextmanager
def _workshop(target: Path, needed: int) -> Iterator[Path]:
    """A folder on the target's own disk, gone afterwards."""
    if target.exists():
        raise BadInput(f"{target} 已经存在，请换一个地方，或先移开它")
    target.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(target.parent).free
    if free < needed:
        raise RunFailed(
            f"{target.parent} 所在的磁盘空间不够：需要 {needed / GIB:.1f} GiB，"
            f"只剩 {free / GIB:.1f} GiB，请腾出空间或换一个地方。"
        )
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as workshop:
        yield Path(workshop)
