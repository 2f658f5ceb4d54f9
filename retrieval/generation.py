"""A snapshot on disk: its segments, and a manifest that is replaced at once.

    <folder>/manifest.json      the chapters, where their passages lie, and every file's seal
    <folder>/<segment>/…        see `segment.py`

A writer adds segments beside those in use and then replaces the manifest: whoever is killed
in between leaves the old state, and strays that the next write removes. Nothing is
unpickled; the files' digests are checked before anything reads them. Everything here is
derived: deleting the folder costs one rebuild.

Writers hold the lock of `index.py`; readers need none.
"""

import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from retrieval.errors import IndexFailure
from retrieval.segment import DamagedError, Segment, open_segment
from retrieval.snapshot import ChapterMark, Maker, Snapshot

FORMAT = 2
"""Raise it whenever the layout here, or the default way of chunking, changes."""

MANIFEST = "manifest.json"
_SEGMENT = re.compile(r"\d{8}-[0-9a-f]{8}")

Identity = tuple[int, int, int]
"""Of a manifest: changes whenever another one takes its place."""


class StaleError(Exception):
    """What lies in the folder cannot be used; the message says why, to an author."""


class _SupersededError(Exception):
    """Another process put a newer manifest in place while this one's files were read."""


def identity(folder: Path) -> Identity | None:
    """Cheap: one stat. None where there is no manifest."""
    try:
        stat = (folder / MANIFEST).stat()
    except OSError:
        return None
    return stat.st_ino, stat.st_mtime_ns, stat.st_size


def new_segment_name(folder: Path) -> str:
    numbers = [int(path.name[:8]) for path in _segments(folder)] if folder.is_dir() else []
    return f"{max(numbers, default=0) + 1:08d}-{secrets.token_hex(4)}"


def publish(folder: Path, snapshot: Snapshot) -> None:
    """Make it the current state; its segments lie in the folder already.

    Raises IndexFailure where the disk refuses.
    """
    with disk_refusals():
        folder.mkdir(parents=True, exist_ok=True)
        _replace(folder / MANIFEST, json.dumps(_manifest(snapshot), ensure_ascii=False))
        remove_strays(folder, snapshot)


def read(folder: Path, known: Snapshot | None = None) -> Snapshot:
    """The current state, whole. Segments that `known` has open are not opened again.

    Raises StaleError.
    """
    for _ in range(5):
        try:
            return _read(folder, known or Snapshot())
        except _SupersededError:
            continue
    raise StaleError("索引正在被反复改写，这一次没有读到")


def remove(folder: Path) -> None:
    """Delete everything, manifest first. Raises IndexFailure where the disk refuses."""
    try:
        (folder / MANIFEST).unlink(missing_ok=True)
        if folder.is_dir():
            shutil.rmtree(folder)
    except OSError as error:
        raise IndexFailure(f"索引删不掉（{error}），请检查权限后再试。") from error


@contextmanager
def disk_refusals() -> Iterator[None]:
    """The disk's errors, and FAISS's RuntimeError for them, as IndexFailure."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        raise IndexFailure(f"索引写不进磁盘（{error}），请检查空间和权限后再试。") from error


def remove_strays(folder: Path, snapshot: Snapshot) -> None:
    """Delete the segments and vectors that the snapshot does not use."""
    for place in list(_segments(folder)):
        segment = snapshot.segments.get(place.name)
        if segment is None:
            shutil.rmtree(place, ignore_errors=True)
            continue
        used = segment.vector_file["file"] if segment.vector_file else None
        for path in place.glob("vectors-*.faiss"):
            if path.name != used:
                path.unlink(missing_ok=True)


def _segments(folder: Path) -> Iterator[Path]:
    return (path for path in folder.iterdir() if _SEGMENT.fullmatch(path.name))


def _replace(path: Path, text: str) -> None:
    new = path.with_suffix(".new")
    with new.open("w", encoding="utf-8", errors="surrogatepass") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _manifest(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "state": secrets.token_hex(8),
        "maker": None if snapshot.maker is None else asdict(snapshot.maker),
        "passages": len(snapshot.passages),
        "segments": {name: segment.entry for name, segment in snapshot.segments.items()},
        "chapters": [asdict(mark) for mark in snapshot.marks],
    }


def _read(folder: Path, known: Snapshot) -> Snapshot:
    manifest = _read_manifest(folder)
    with _damage_is_stale():
        if manifest["format"] != FORMAT:
            raise StaleError("索引是另一个版本的程序建的")
        maker = None if manifest["maker"] is None else Maker(**manifest["maker"])
        marks = tuple(ChapterMark(**mark) for mark in manifest["chapters"])
        try:
            segments = {
                name: _open(folder, name, entry, known)
                for name, entry in manifest["segments"].items()
            }
        except FileNotFoundError:
            if _read_manifest(folder)["state"] != manifest["state"]:
                raise _SupersededError from None
            raise StaleError("索引缺了文件") from None
        snapshot = Snapshot(marks, segments, maker)
        _check_counts(manifest, snapshot)
        return snapshot


def _open(folder: Path, name: str, entry: dict[str, Any], known: Snapshot) -> Segment:
    if not _SEGMENT.fullmatch(name):
        raise DamagedError(name)
    return open_segment(folder, name, entry, known.segments.get(name))


@contextmanager
def _damage_is_stale() -> Iterator[None]:
    try:
        yield
    except DamagedError as error:
        raise StaleError("索引的文件损坏了") from error
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError, OSError) as error:
        raise StaleError("索引的清单或文件损坏了") from error


def _read_manifest(folder: Path) -> dict[str, Any]:
    try:
        text = (folder / MANIFEST).read_text(encoding="utf-8", errors="surrogatepass")
        manifest = json.loads(text)
    except FileNotFoundError:
        raise StaleError("还没有索引") from None
    except (OSError, ValueError) as error:
        raise StaleError("索引的清单读不出来") from error
    if not isinstance(manifest, dict):
        raise StaleError("索引的清单损坏了")
    return manifest


def _check_counts(manifest: dict[str, Any], snapshot: Snapshot) -> None:
    """Chapters lie inside their segments, no two in one place, all vectors of one length."""
    taken = 0
    for mark in snapshot.marks:
        if mark.passages:
            if not 0 <= mark.first <= len(snapshot.segments[mark.segment]) - mark.passages:
                raise StaleError("索引的文件对不上数")
            taken += mark.passages
    dimensions = {s.vectors.dimension for s in snapshot.segments.values() if s.vectors}
    expected = {snapshot.maker.dimension} if snapshot.maker else set()
    alive = sum(part.alive for part in snapshot.parts)
    if taken != manifest["passages"] or alive != taken or not dimensions <= expected:
        raise StaleError("索引的文件对不上数")
