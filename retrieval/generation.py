"""A snapshot on disk: written as a whole, replaced at once, trusted only when whole.

    <folder>/manifest.json              names the current generation; replaced last
    <folder>/<generation>/passages.jsonl    one passage a line, in story order
    <folder>/<generation>/vectors.faiss     row i belongs to line i

Whoever is killed in the middle of `write` leaves the old manifest with the old generation,
or the new with the new, and perhaps a stray folder that the next write removes. Nothing is
unpickled; the files' digests are checked before FAISS reads a byte. Everything here is
derived: deleting the folder costs one rebuild.

Writers hold the lock of `index.py`; readers need none.
"""

import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import faiss

from retrieval.errors import IndexFailure
from retrieval.snapshot import ChapterMark, Snapshot
from retrieval.types import Passage

FORMAT = 1
"""Raise it whenever the layout here, or the default way of chunking, changes."""

MANIFEST = "manifest.json"
PASSAGES = "passages.jsonl"
VECTORS = "vectors.faiss"
_GENERATION = re.compile(r"\d{8}-[0-9a-f]{8}")

Identity = tuple[int, int, int]
"""Of a manifest: changes whenever another one takes its place."""


class StaleError(Exception):
    """What lies in the folder cannot be used; the message says why, to an author."""


class _SupersededError(Exception):
    """Another process put a newer generation in place while this one was read."""


@dataclass(frozen=True, slots=True)
class Maker:
    """The model that made the vectors."""

    name: str
    fingerprint: str
    dimension: int


def identity(folder: Path) -> Identity | None:
    """Cheap: one stat. None where there is no manifest."""
    try:
        stat = (folder / MANIFEST).stat()
    except OSError:
        return None
    return stat.st_ino, stat.st_mtime_ns, stat.st_size


def write(folder: Path, snapshot: Snapshot, maker: Maker) -> None:
    """Put a new generation in place. Raises IndexFailure where the disk refuses."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        name = _next_name(folder)
        place = folder / name
        place.mkdir()
        _write_passages(place / PASSAGES, snapshot.passages)
        faiss.write_index(snapshot.index, str(place / VECTORS))
        files = {file: _sealed(place / file) for file in (PASSAGES, VECTORS)}
        _sync_folder(place)
        manifest = _manifest(name, snapshot, maker, files)
        _replace(folder / MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1))
        _remove_others(folder, name)
    except (OSError, RuntimeError) as error:  # FAISS reports a full disk as RuntimeError
        raise IndexFailure(f"索引写不进磁盘（{error}），请检查空间和权限后再试。") from error


def read(folder: Path, maker: Maker) -> Snapshot:
    """The current generation. Raises StaleError where none of `maker`'s is there, whole."""
    for _ in range(5):
        try:
            return _read(folder, maker)
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


def _next_name(folder: Path) -> str:
    numbers = [int(path.name[:8]) for path in _generations(folder)]
    return f"{max(numbers, default=0) + 1:08d}-{secrets.token_hex(4)}"


def _generations(folder: Path) -> Iterator[Path]:
    return (path for path in folder.iterdir() if _GENERATION.fullmatch(path.name))


def _write_passages(path: Path, passages: tuple[Passage, ...]) -> None:
    # surrogatepass: a lone surrogate from a broken import must not stop the index.
    with path.open("w", encoding="utf-8", errors="surrogatepass", newline="\n") as file:
        for passage in passages:
            file.write(json.dumps(asdict(passage), ensure_ascii=False) + "\n")


def _sealed(path: Path) -> dict[str, Any]:
    """Force a file to the disk and describe it."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        return {"bytes": path.stat().st_size, "sha256": _sha256(file)}


def _sha256(file: Any) -> str:
    return hashlib.file_digest(file, "sha256").hexdigest()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _replace(path: Path, text: str) -> None:
    new = path.with_suffix(".new")
    with new.open("w", encoding="utf-8", errors="surrogatepass") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    _sync_folder(path.parent)


def _remove_others(folder: Path, current: str) -> None:
    for place in _generations(folder):
        if place.name != current:
            shutil.rmtree(place, ignore_errors=True)


def _manifest(
    name: str, snapshot: Snapshot, maker: Maker, files: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "generation": name,
        "model": maker.name,
        "fingerprint": maker.fingerprint,
        "dimension": maker.dimension,
        "passages": len(snapshot.passages),
        "chapters": [asdict(mark) for mark in snapshot.marks],
        "files": files,
    }


def _read(folder: Path, maker: Maker) -> Snapshot:
    manifest = _read_manifest(folder)
    with _damage_is_stale():
        _check_maker(manifest, maker)
        place = folder / str(manifest["generation"])
        if not _GENERATION.fullmatch(place.name):
            raise StaleError("索引的清单损坏了")
        try:
            for file in (PASSAGES, VECTORS):
                _check_seal(place / file, manifest["files"][file])
            passages = _read_passages(place / PASSAGES)
            index = faiss.read_index(str(place / VECTORS))
        except FileNotFoundError:
            if _read_manifest(folder)["generation"] != manifest["generation"]:
                raise _SupersededError from None
            raise StaleError("索引缺了文件") from None
        marks = tuple(ChapterMark(**mark) for mark in manifest["chapters"])
        _check_counts(manifest, marks, passages, index)
        return Snapshot(marks, passages, index)


@contextmanager
def _damage_is_stale() -> Iterator[None]:
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError, OSError) as error:
        raise StaleError("索引的文件损坏了") from error


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


def _check_maker(manifest: dict[str, Any], maker: Maker) -> None:
    if manifest["format"] != FORMAT:
        raise StaleError("索引是另一个版本的程序建的")
    made_by = manifest["fingerprint"], manifest["dimension"]
    if made_by != (maker.fingerprint, maker.dimension):
        raise StaleError(f"索引是用另一个嵌入模型（{manifest['model']}）建的")


def _check_seal(path: Path, seal: dict[str, Any]) -> None:
    with path.open("rb") as file:
        if path.stat().st_size != seal["bytes"] or _sha256(file) != seal["sha256"]:
            raise StaleError("索引的文件损坏了")


def _read_passages(path: Path) -> tuple[Passage, ...]:
    with path.open(encoding="utf-8", errors="surrogatepass", newline="\n") as file:
        return tuple(Passage(**json.loads(line)) for line in file)


def _check_counts(
    manifest: dict[str, Any],
    marks: tuple[ChapterMark, ...],
    passages: tuple[Passage, ...],
    index: Any,
) -> None:
    counts = {manifest["passages"], len(passages), index.ntotal, sum(m.passages for m in marks)}
    if len(counts) != 1 or index.d != manifest["dimension"]:
        raise StaleError("索引的文件对不上数")
