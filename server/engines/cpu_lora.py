"""LoRA on a CPU at nearly the base's speed: tokens grouped by adapter, two dense products each.

vLLM 0.32's own CPU path (`vllm/lora/ops/torch_ops/lora_ops.py`) copies the adapter's weights
once for every token, computes at the largest rank that may be served whatever the adapter's
is, and passes over the output head's whole vocabulary although no adapter it accepts has
weights there. It also lets a token without an adapter that stands in one step with others use
the last slot's weights, because "none" is -1 and -1 is the last.

Loaded by vLLM itself, in its worker process, through `cpu_worker.py`; the semantics are
Punica's (Chen et al. 2023, arXiv:2310.18547).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from vllm.lora.punica_wrapper.punica_cpu import PunicaWrapperCPU

NOBODY = -1
"""The slot of a token without an adapter."""
FEW = 16
"""Rows up to which a product in float32 is the quicker: oneDNN's bf16 costs about 16 µs before it
multiplies anything, seven times a layer for every token that is written."""


@dataclass(frozen=True, slots=True)
class Group:
    """The tokens of a step that use one slot: a stretch of rows, or rows here and there."""

    slot: int
    rows: slice | torch.Tensor


@dataclass(frozen=True, slots=True)
class Weights:
    """`down` [in, ranks of all slices]; `ups` [rank, out] a slice: as they are multiplied."""

    down: torch.Tensor
    ups: tuple[torch.Tensor, ...]

    def to(self, dtype: torch.dtype) -> "Weights":
        return Weights(self.down.to(dtype), tuple(up.to(dtype) for up in self.ups))


@dataclass(frozen=True, slots=True)
class Slot:
    """An adapter's weights for one layer, without what pads them to the largest rank."""

    many: Weights
    few: Weights
    """The same in float32, for at most FEW rows."""

    def weights(self, rows: int) -> Weights:
        return self.few if rows <= FEW else self.many


class GroupedPunica(PunicaWrapperCPU):
    """`_slots` holds each layer's weights as they are multiplied, by the layer's own tensors and
    the slot. Other adapters in the slots, or another load under the same id, empty it.
    """

    loads = 0
    """How often an adapter was loaded or removed; counted by the worker."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._groups: tuple[Group, ...] = ()
        self._sampled: tuple[Group, ...] = ()
        self._slots: dict[tuple[int, int], Slot | None] = {}
        self._made_of: tuple[int, list[int | None]] = (0, [])

    def update_metadata(
        self,
        mapping: Any,
        lora_index_to_id: list[int | None],
        max_loras: int,
        vocab_size: int,
        **kwargs: Any,
    ) -> None:
        super().update_metadata(mapping, lora_index_to_id, max_loras, vocab_size, **kwargs)
        if (made_of := (self.loads, list(lora_index_to_id))) != self._made_of:
            self._slots.clear()
            self._made_of = made_of
        slots = {ident: slot for slot, ident in enumerate(lora_index_to_id) if ident is not None}
        self._groups = grouped([slots.get(ident, NOBODY) for ident in mapping.index_mapping])
        self._sampled = grouped([slots.get(ident, NOBODY) for ident in mapping.prompt_mapping])

    def add_lora_linear(
        self,
        y: torch.Tensor,
        x: torch.Tensor,
        lora_a_stacked: tuple[torch.Tensor, ...],
        lora_b_stacked: tuple[torch.Tensor, ...],
        scale: float,
        output_slices: tuple[int, ...],
        *,
        buffer: tuple[torch.Tensor, ...] | None = None,  # noqa: ARG002 (vLLM's signature)
        **kwargs: Any,  # noqa: ARG002
    ) -> None:
        """y[rows, slice] += x[rows] @ A.T @ B.T * scale, for the rows of each adapter."""
        self._add(self._groups, y, x, lora_a_stacked, lora_b_stacked, scale, output_slices)

    def add_lora_logits(
        self,
        y: torch.Tensor,
        x: torch.Tensor,
        lora_a_stacked: torch.Tensor,
        lora_b_stacked: torch.Tensor,
        scale: float,
        *,
        buffer: torch.Tensor | None = None,  # noqa: ARG002
        **kwargs: Any,  # noqa: ARG002
    ) -> None:
        """The same for the output head, where a row is a sequence; mostly there is nothing."""
        width = min(y.shape[-1], lora_b_stacked.shape[-2])
        self._add(
            self._sampled, y, x, (lora_a_stacked,), (lora_b_stacked,), scale, (width,)
        )  # fmt: skip

    def _add(
        self,
        groups: Sequence[Group],
        y: torch.Tensor,
        x: torch.Tensor,
        down: tuple[torch.Tensor, ...],
        up: tuple[torch.Tensor, ...],
        scale: float,
        widths: tuple[int, ...],
    ) -> None:
        y, x = y.view(-1, y.shape[-1]), x.view(-1, x.shape[-1])
        for group in groups:
            slot = self._slot(down, up, group.slot)
            if slot is None:
                continue
            rows = x[group.rows]
            weights = slot.weights(rows.shape[0])
            hidden = torch.mm(rows.to(weights.down.dtype), weights.down).mul_(scale)
            left = rank = 0
            for slice_up, width in zip(weights.ups, widths, strict=True):
                part = hidden[:, rank : rank + slice_up.shape[0]]
                rank += slice_up.shape[0]
                if slice_up.shape[0]:
                    y[group.rows, left : left + width] += torch.mm(part, slice_up[:, :width])
                left += width

    def _slot(
        self, down: tuple[torch.Tensor, ...], up: tuple[torch.Tensor, ...], slot: int
    ) -> Slot | None:
        """None where the adapter leaves this layer alone."""
        key = (down[0].data_ptr(), slot)
        if key not in self._slots:
            self._slots[key] = trimmed([a[slot, 0] for a in down], [b[slot, 0] for b in up])
        return self._slots[key]


def grouped(slots: Sequence[int]) -> tuple[Group, ...]:
    """The rows of each slot but NOBODY's, in the order of the slots."""
    rows: dict[int, list[int]] = {}
    for row, slot in enumerate(slots):
        if slot != NOBODY:
            rows.setdefault(slot, []).append(row)
    return tuple(Group(slot, _stretch(rows[slot])) for slot in sorted(rows))


def _stretch(rows: list[int]) -> slice | torch.Tensor:
    if rows[-1] - rows[0] + 1 == len(rows):
        return slice(rows[0], rows[-1] + 1)
    return torch.tensor(rows)


def trimmed(downs: Sequence[torch.Tensor], ups: Sequence[torch.Tensor]) -> Slot | None:
    """Without the ranks that are all zero in `downs` [rank, in] or `ups` [out, rank]."""
    ranks = [_rank(down, up) for down, up in zip(downs, ups, strict=True)]
    if not any(ranks):
        return None
    weights = Weights(
        torch.cat([down[:rank] for down, rank in zip(downs, ranks, strict=True)]).T,
        tuple(up[:, :rank].T.contiguous() for up, rank in zip(ups, ranks, strict=True)),
    )
    return Slot(weights, weights.to(torch.float32))


def _rank(down: torch.Tensor, up: torch.Tensor) -> int:
    """One more than the last rank that adds anything."""
    used = (down != 0).any(dim=1) & (up != 0).any(dim=0)
    return int(used.nonzero().max()) + 1 if used.any() else 0
