"""Which texts of a drafted state need a vector, where some are known, and putting them in.

Vectors are known by their text's digest: from the old state, if the same model made it,
from a checkpoint, or freshly computed. Knows nothing of models.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval import segment as segments
from retrieval.checkpoint import Checkpoint, Digests
from retrieval.embed import Vectors
from retrieval.generation import disk_refusals
from retrieval.segment import Segment
from retrieval.snapshot import Maker, Snapshot
from retrieval.vector_index import Aim


def same_model(one: Maker | None, other: Maker | None) -> bool:
    if one is None or other is None:
        return False
    return (one.fingerprint, one.dimension) == (other.fingerprint, other.dimension)


@dataclass(slots=True)
class Known:
    """Vectors by the digest of their text."""

    dimension: int
    old: Snapshot | None = None
    checkpoint: Checkpoint | None = None
    fresh: dict[int, Vectors] = field(default_factory=dict)

    def find(self, digests: Digests) -> tuple[NDArray[np.bool_], Vectors]:
        """Which are known, [n], and all vectors, [n, d], zeros where they are not."""
        known = np.zeros(len(digests), dtype=bool)
        vectors = np.zeros((len(digests), self.dimension), dtype=np.float32)
        for place, digest in enumerate(digests.tolist() if self.fresh else ()):
            if digest in self.fresh:
                known[place], vectors[place] = True, self.fresh[digest]
        for part in self.old.parts if self.old else ():
            unknown = np.flatnonzero(~known)
            if part.segment.vectors is None or not len(unknown):
                continue
            alive = np.flatnonzero(part.rows >= 0)
            rows, met = _places(part.segment.columns.spans["digest"][alive], digests[unknown])
            if len(met):
                vectors[unknown[met]] = part.segment.vectors.vectors(alive[rows])
                known[unknown[met]] = True
        unknown = np.flatnonzero(~known)
        if self.checkpoint is not None and len(unknown):
            kept, found = self.checkpoint.find(digests[unknown])
            vectors[unknown[kept]] = found
            known[unknown[kept]] = True
        return known, vectors


def _places(have: Digests, wanted: Digests) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of places (in `have`, in `wanted`) with the same digest, one for each wanted."""
    if not len(have):
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    order = np.argsort(have, kind="stable")
    place = np.minimum(np.searchsorted(have, wanted, sorter=order), len(have) - 1)
    met = np.flatnonzero(have[order[place]] == wanted)
    return order[place[met]], met


@dataclass(frozen=True, slots=True)
class Text:
    """A text without a vector, and one place where it stands."""

    digest: int
    segment: Segment
    row: int

    def read(self) -> str:
        return self.segment.columns.text(self.row)


def lacking(snapshot: Snapshot, maker: Maker) -> list[Segment]:
    """Segments whose vectors this model has still to make."""
    same = same_model(snapshot.maker, maker)
    return [
        part.segment
        for part in snapshot.parts
        if part.alive and not (same and part.segment.vectors is not None)
    ]


def missing(snapshot: Snapshot, wanting: Sequence[Segment], known: Known) -> tuple[list[Text], int]:
    """The distinct texts of those segments that have no vector anywhere, in the order of the
    telling; and how many of their passages have one."""
    names = {segment.name for segment in wanting}
    texts: dict[int, tuple[int, Text]] = {}
    reused = 0
    for part in snapshot.parts:
        if part.segment.name not in names:
            continue
        alive = np.flatnonzero(part.rows >= 0)
        digests = part.segment.columns.spans["digest"][alive]
        found, _ = known.find(digests)
        reused += int(np.count_nonzero(found))
        for row, digest in zip(alive[~found].tolist(), digests[~found].tolist(), strict=True):
            told = int(part.rows[row]), Text(digest, part.segment, row)
            texts[digest] = min(texts.get(digest, told), told, key=lambda one: one[0])
    return [text for _, text in sorted(texts.values(), key=lambda one: one[0])], reused


def filled(
    folder: Path,
    snapshot: Snapshot,
    wanting: Sequence[Segment],
    known: Known,
    maker: Maker,
    aim: Aim,
) -> Snapshot:
    """The snapshot with all vectors, each of which is known. Raises IndexFailure."""
    names = {segment.name for segment in wanting}
    made = dict(snapshot.segments)
    for part in snapshot.parts:
        if part.segment.name in names:
            alive = np.flatnonzero(part.rows >= 0)
            rows = np.zeros((len(part.segment), maker.dimension), dtype=np.float32)
            _, rows[alive] = known.find(part.segment.columns.spans["digest"][alive])
            with disk_refusals():
                made[part.segment.name] = segments.add_vectors(folder, part.segment, rows, aim)
    return Snapshot(snapshot.marks, made, maker)
