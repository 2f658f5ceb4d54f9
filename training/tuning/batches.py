"""Rows to batches: in which order, and as which tensors.

A row is what is computed as one: an example, several that were packed, or a pair of answers.
The order depends on nothing but the seed and the epoch, so a resumed run goes on in it.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from training.tuning.masks import Example

if TYPE_CHECKING:
    import torch

Packed = tuple[Example, ...]
"""One example, or several that must not see each other."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Answers to one prompt: the chosen and the refused one (DPO), or either alone (KTO).

    `strangers` are another prompt's answers after this prompt (KTO's measure of drift), and
    `reference` what the model said of answers and strangers before training: Σ log p.
    """

    answers: Packed
    desirable: tuple[bool, ...]
    strangers: Packed = ()
    reference: tuple[float, ...] = ()


Row = Packed | Judged

STRANGE = "strange_"
"""Before the names of a batch's strangers."""

IGNORED = -100
"""The label of a token whose guess does not count."""

SORTED_AT_ONCE = 64
"""Batches among which rows of one length find each other; more would let the lengths, not
chance, decide what is learned together."""


class Order:
    """Batches of row indices, another order every epoch; a `batch_sampler` for a DataLoader.

    Rows of like length stand together (`group` batches at a time, one for each process), so
    that little is padded, and the batches themselves come by chance.
    """

    drop_last = False

    def __init__(self, sizes: Sequence[int], batch: int, seed: int, *, group: int = 1) -> None:
        self.batch_size = batch
        self._sizes, self._seed, self._group = sizes, seed, group
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self._epoch = epoch

    def __len__(self) -> int:
        return -(-len(self._sizes) // self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        chance = random.Random(f"{self._seed}/{self._epoch}")
        rows = list(range(len(self._sizes)))
        chance.shuffle(rows)
        together = self.batch_size * self._group
        if together > 1:
            rows = self._alike(rows, together * SORTED_AT_ONCE)
        chunks = [rows[at : at + together] for at in range(0, len(rows), together)]
        # A chunk that is not full stays last: accelerate counts on it.
        last = [chunks.pop()] if chunks and len(chunks[-1]) < together else []
        chance.shuffle(chunks)
        for chunk in chunks + last:
            for at in range(0, len(chunk), self.batch_size):
                yield chunk[at : at + self.batch_size]

    def _alike(self, rows: list[int], span: int) -> list[int]:
        return [
            row
            for at in range(0, len(rows), span)
            for row in sorted(rows[at : at + span], key=lambda each: -self._sizes[each])
        ]


def size_of(row: Row) -> int:
    """Tokens that computing it takes."""
    examples = (*row.answers, *row.strangers) if isinstance(row, Judged) else row
    return sum(len(each) for each in examples)


class Collate:
    """Rows of one kind to tensors; `pad` is the token of what is padded.

    `count` () is what the loss is a mean over: learned tokens, or judged rows; `tokens` () is
    how many were computed without padding.
    """

    def __init__(self, pad: int) -> None:
        self._pad = pad

    def __call__(self, rows: Sequence[Row]) -> dict[str, "torch.Tensor"]:
        import torch

        judged = [row for row in rows if isinstance(row, Judged)]
        packed = [row for row in rows if not isinstance(row, Judged)]
        batch = self._judged(judged) if judged else self._packed(packed)
        learned = (batch["labels"][:, 1:] != IGNORED).sum()
        return batch | {
            "count": torch.tensor(len(judged)) if judged else learned,
            "tokens": torch.tensor(sum(size_of(row) for row in rows)),
        }

    def _packed(self, rows: Sequence[Packed]) -> dict[str, "torch.Tensor"]:
        """input_ids, labels (rows, length); packed rows also position_ids, which begin anew with
        every example: from them the attention knows whom not to look at.

        No attention mask: what is padded stands behind, where no token looks. In packed rows the
        padding is one more example of its own.
        """
        import torch

        length = max(size_of(row) for row in rows)
        ids = np.full((len(rows), length), self._pad, np.int64)
        labels = np.full((len(rows), length), IGNORED, np.int64)
        positions = np.zeros((len(rows), length), np.int64)
        for at, row in enumerate(rows):
            whole = np.concatenate([each.ids for each in row])
            ids[at, : len(whole)] = whole
            labels[at, : len(whole)] = np.concatenate([_labels(each) for each in row])
            positions[at] = _positions([len(each) for each in row], length)
        batch = {"input_ids": torch.from_numpy(ids), "labels": torch.from_numpy(labels)}
        if any(len(row) > 1 for row in rows):
            batch["position_ids"] = torch.from_numpy(positions)
        return batch

    def _judged(self, rows: Sequence[Judged]) -> dict[str, "torch.Tensor"]:
        """First every row's first answer, then the second ones: (answers, length); `desirable`
        and `reference` (answers,). Strangers the same, under names of their own."""
        import torch

        batch = self._packed(_columns([row.answers for row in rows]))
        batch["desirable"] = torch.tensor([each for (each,) in _columns([
            row.desirable for row in rows])])  # fmt: skip
        if rows[0].strangers:
            strange = self._packed(_columns([row.strangers for row in rows]))
            batch |= {STRANGE + name: each for name, each in strange.items()}
        if rows[0].reference:
            count = len(rows[0].answers)
            references = [row.reference[:count] for row in rows]
            batch["reference"] = _numbers(references)
            if rows[0].strangers:
                batch[STRANGE + "reference"] = _numbers([row.reference[count:] for row in rows])
        return batch


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any]]:
    return [(each,) for column in zip(*rows, strict=True) for each in column]


def _numbers(rows: Sequence[tuple[float, ...]]) -> "torch.Tensor":
    import torch

    return torch.tensor([each for (each,) in _columns(rows)])


def _labels(example: Example) -> NDArray[np.int32]:
    labels = np.where(example.learned, example.ids, IGNORED)
    # Nothing of its own stands before it: in a packed row, the end of a stranger would.
    labels[0] = IGNORED
    return labels


def _positions(sizes: Sequence[int], length: int) -> NDArray[np.int64]:
    parts = [np.arange(size) for size in (*sizes, length - sum(sizes))]
    return np.concatenate(parts)
