"""What the model said of every answer before training: DPO and KTO measure from there.

Computed once, before the first step, and kept in the run's folder: a resumed run measures from
the same place, and no second model takes up memory.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from training.tuning.batches import STRANGE, Judged, Row
from training.tuning.losses import Batch, log_likelihoods, strangers_of

Reference = tuple[float, ...]


def needs_reference(rows: Sequence[Row]) -> bool:
    return any(isinstance(row, Judged) and not row.reference for row in rows)


def references(model: Any, batch: Batch) -> list[Reference]:
    """For each row of the batch: Σ log p of its answers, then of its strangers."""
    count = int(batch["count"])
    parts = [batch, *([strangers_of(batch)] if STRANGE + "labels" in batch else [])]
    sums = [log_likelihoods(model, part).sum(1).tolist() for part in parts]
    columns = [told[at : at + count] for told in sums for at in range(0, len(told), count)]
    return list(zip(*columns, strict=True))


def with_reference(row: Row, reference: Reference) -> Row:
    assert isinstance(row, Judged)
    return replace(row, reference=reference)


def write_references(path: Path, *parts: Sequence[Row]) -> None:
    told = [[row.reference for row in rows if isinstance(row, Judged)] for rows in parts]
    path.write_text(json.dumps(told), "utf-8")


def read_references(path: Path, *parts: list[Row]) -> None:
    """Into the same rows they were written from."""
    for rows, references in zip(parts, json.loads(path.read_text("utf-8")), strict=True):
        rows[:] = [
            with_reference(row, tuple(each)) for row, each in zip(rows, references, strict=True)
        ]
