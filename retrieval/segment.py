"""A segment: some passages with their postings and vectors, written once, never changed.

    <work>/<segment>/spans.npy, text.utf8       the passages, as columns
    <work>/<segment>/lexical-*.npy              their postings
    <work>/<segment>/vectors-<token>.faiss      their vectors; none before they are computed

Text and postings do not depend on the embedding model, so another model adds a file of
vectors and touches nothing else. What an edit removes stays until its segment is merged; the
manifest says which rows still count. Every file is sealed with its size and SHA-256, which
are checked before anything reads it, and is memory-mapped then. Knows nothing of manifests.
"""

import hashlib
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.embed import Vectors
from retrieval.passage_columns import Columns
from retrieval.postings import COLUMNS, Postings
from retrieval.types import Passage
from retrieval.vector_index import Aim, Choice, VectorIndex

SPANS = "spans.npy"
TEXT = "text.utf8"

Seal = dict[str, Any]
"""`bytes` and `sha256` of a file."""


class DamagedError(Exception):
    """A file is not what was written."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Open and memory-mapped; `name` is its folder's, `entry` what the manifest says of it."""

    name: str
    columns: Columns
    postings: Postings
    vectors: VectorIndex | None
    files: Mapping[str, Seal]
    vector_file: Mapping[str, Any] | None
    """`file`, its seal, and the `Choice` it was built with."""

    def __len__(self) -> int:
        return len(self.columns)

    @property
    def entry(self) -> dict[str, Any]:
        vectors = None if self.vector_file is None else dict(self.vector_file)
        return {"rows": len(self), "files": dict(self.files), "vectors": vectors}

    @property
    def bytes(self) -> int:
        """Of all its files: what it takes when every page has been touched."""
        vectors = 0 if self.vector_file is None else int(self.vector_file["bytes"])
        return vectors + sum(int(seal["bytes"]) for seal in self.files.values())


def write(folder: Path, name: str, passages: Sequence[Passage]) -> Segment:
    """A new segment without vectors in `folder/name`. Raises OSError."""
    place = folder / name
    place.mkdir(parents=True)
    columns = Columns.of(passages)
    postings = Postings.build([passage.text for passage in passages])
    np.save(place / SPANS, columns.spans)
    (place / TEXT).write_bytes(columns.blob.tobytes())
    for column in COLUMNS:
        np.save(place / _lexical(column), getattr(postings, column))
    files = {file: _sealed(place / file) for file in _text_files()}
    _sync_folder(place)
    return _opened_text(place, name, files)


def add_vectors(folder: Path, segment: Segment, vectors: Vectors, aim: Aim) -> Segment:
    """The segment with these vectors, [n, d], in place of any others.

    Raises OSError, or RuntimeError, which is FAISS's word for a full disk.
    """
    built = VectorIndex.build(vectors, aim)
    path = folder / segment.name / f"vectors-{secrets.token_hex(4)}.faiss"
    built.write(path)
    seal = _sealed(path)
    _sync_folder(path.parent)
    told = {"file": path.name, **seal, **built.described()}
    return replace(segment, vectors=VectorIndex.open(path, built.choice), vector_file=told)


def open_segment(
    folder: Path, name: str, entry: Mapping[str, Any], known: Segment | None = None
) -> Segment:
    """The segment as its manifest's entry describes it; what `known` has open is not read again.

    Raises DamagedError, FileNotFoundError, and for entries that make no sense KeyError,
    TypeError or ValueError.
    """
    place = folder / name
    if known is not None and dict(known.files) == entry["files"]:
        text = replace(known, vectors=None, vector_file=None)
    else:
        for file in _text_files():
            _check(place / file, entry["files"][file])
        text = _opened_text(place, name, entry["files"])
    if len(text) != entry["rows"] or len(text) != len(text.postings.lengths):
        raise DamagedError(name)
    told = entry["vectors"]
    if told is None:
        return text
    if known is not None and known.vector_file is not None and dict(known.vector_file) == told:
        return known
    if Path(told["file"]).name != told["file"]:
        raise DamagedError(name)
    _check(place / told["file"], told)
    choice = Choice(told["kind"], int(told["effort"]), float(told["recall"]))
    vectors = VectorIndex.open(place / told["file"], choice)
    if len(vectors) != len(text):
        raise DamagedError(name)
    return replace(text, vectors=vectors, vector_file=dict(told))


def _lexical(column: str) -> str:
    return f"lexical-{column}.npy"


def _text_files() -> list[str]:
    return [SPANS, TEXT, *(_lexical(column) for column in COLUMNS)]


def _opened_text(place: Path, name: str, files: Mapping[str, Seal]) -> Segment:
    columns = Columns(_mapped(place / SPANS), _mapped_bytes(place / TEXT))
    postings = Postings.of_columns({c: _mapped(place / _lexical(c)) for c in COLUMNS})
    return Segment(name, columns, postings, None, dict(files), None)


def _mapped(path: Path) -> NDArray[Any]:
    # A plain view: memmap's own slicing costs microseconds each time.
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))


def _mapped_bytes(path: Path) -> NDArray[np.uint8]:
    if path.stat().st_size == 0:
        return np.empty(0, dtype=np.uint8)
    return np.asarray(np.memmap(path, dtype=np.uint8, mode="r"))


def _sealed(path: Path) -> Seal:
    """Force a file to the disk and describe it."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        return {"bytes": path.stat().st_size, "sha256": _sha256(file)}


def _check(path: Path, seal: Mapping[str, Any]) -> None:
    with path.open("rb") as file:
        if path.stat().st_size != seal["bytes"] or _sha256(file) != seal["sha256"]:
            raise DamagedError(path.name)


def _sha256(file: Any) -> str:
    return hashlib.file_digest(file, "sha256").hexdigest()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
