"""Vectors kept while a book is being embedded, so that nothing is computed twice.

    <folder>/embedded-<model>.vectors    float32 [d], one after another
    <folder>/embedded-<model>.texts      which text each belongs to, and its checksum

Whoever dies in the middle leaves whole vectors and perhaps half of one, which is cut off.
Deleted once the index has them all. Not thread-safe: the caller holds a lock to write.
"""

import hashlib
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval.embed import Vectors

Digests = NDArray[np.uint64]

_TEXT = np.dtype([("digest", "<u8"), ("check", "<u4")])


class Checkpoint:
    """Of one model in one folder. Every method may raise OSError."""

    def __init__(self, folder: Path, fingerprint: str, dimension: int) -> None:
        name = hashlib.sha256(f"{fingerprint}/{dimension}".encode()).hexdigest()[:12]
        self._vectors = folder / f"embedded-{name}.vectors"
        self._texts = folder / f"embedded-{name}.texts"
        self._dimension = dimension

    def append(self, digests: Digests, vectors: Vectors) -> None:
        """Keep the vectors, [n, d], of the texts with these digests."""
        self._vectors.parent.mkdir(parents=True, exist_ok=True)
        count = len(self._entries())
        entries = np.empty(len(digests), dtype=_TEXT)
        entries["digest"] = digests
        entries["check"] = [zlib.crc32(row.tobytes()) for row in vectors]
        _append(self._vectors, count * 4 * self._dimension, vectors.astype("<f4").tobytes())
        _append(self._texts, count * _TEXT.itemsize, entries.tobytes())

    def find(self, digests: Digests) -> tuple[NDArray[np.bool_], Vectors]:
        """Which of the texts are kept, [n], and the vectors of those, in order."""
        entries = self._entries()
        if not len(entries) or not len(digests):
            return np.zeros(len(digests), dtype=bool), self._none()
        order = np.argsort(entries["digest"], kind="stable")
        rising = entries["digest"][order]
        place = np.minimum(np.searchsorted(rising, digests), len(rising) - 1)
        known = rising[place] == digests
        rows = order[place[known]]
        shape = len(entries), self._dimension
        kept = np.memmap(self._vectors, dtype="<f4", mode="r", shape=shape)
        found = np.asarray(kept[rows], dtype=np.float32)
        sound = [
            zlib.crc32(row.tobytes()) == check
            for row, check in zip(found, entries["check"][rows], strict=True)
        ]
        known[np.flatnonzero(known)[~np.array(sound, dtype=bool)]] = False
        return known, found[np.array(sound, dtype=bool)]

    def _entries(self) -> NDArray[np.void]:
        """Those whose vector is whole on the disk."""
        try:
            size = self._vectors.stat().st_size
            entries = np.fromfile(self._texts, dtype=_TEXT)
        except FileNotFoundError:
            return np.empty(0, dtype=_TEXT)
        return entries[: size // (4 * self._dimension)]

    def _none(self) -> Vectors:
        return np.empty((0, self._dimension), dtype=np.float32)


def remove_checkpoints(folder: Path) -> None:
    """Of every model."""
    for path in folder.glob("embedded-*"):
        path.unlink(missing_ok=True)


def _append(path: Path, at: int, data: bytes) -> None:
    with path.open("r+b" if path.exists() else "w+b") as file:
        file.truncate(at)  # half a record, from whoever died here
        file.seek(at)
        file.write(data)
