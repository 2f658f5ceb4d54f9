"""Adapters on a CPU: our products against one token at a time, as the definition has it."""

from dataclasses import dataclass

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from server.engines.cpu_lora import FEW, GroupedPunica, grouped, trimmed

pytestmark = pytest.mark.engine

WIDTHS = (24, 8, 8)
INPUT, MOST_RANK, SLOTS = 16, 8, 3


@dataclass(frozen=True)
class Mapping:
    index_mapping: tuple[int, ...]
    prompt_mapping: tuple[int, ...]
    is_prefill: bool = True


def stacked(ranks: list[list[int]]) -> tuple[tuple[torch.Tensor, ...], tuple[torch.Tensor, ...]]:
    """Weights as vLLM keeps them: zeros beyond each slot's rank."""
    downs = tuple(torch.zeros(SLOTS, 1, MOST_RANK, INPUT) for _ in WIDTHS)
    ups = tuple(torch.zeros(SLOTS, 1, width, MOST_RANK) for width in WIDTHS)
    for slot, slot_ranks in enumerate(ranks):
        for part, rank in enumerate(slot_ranks):
            downs[part][slot, 0, :rank] = torch.randn(rank, INPUT)
            ups[part][slot, 0, :, :rank] = torch.randn(WIDTHS[part], rank)
    return downs, ups


def told(punica: GroupedPunica, tokens: list[int], ids: list[int | None]) -> None:
    punica.update_metadata(Mapping(tuple(tokens), tuple(tokens)), ids, SLOTS, 100)


def by_definition(
    y: torch.Tensor,
    x: torch.Tensor,
    downs: tuple[torch.Tensor, ...],
    ups: tuple[torch.Tensor, ...],
    slots: list[int | None],
) -> torch.Tensor:
    y = y.clone()
    for row, slot in enumerate(slots):
        left = 0
        for down, up, width in zip(downs, ups, WIDTHS, strict=True):
            if slot is not None:
                y[row, left : left + width] += up[slot, 0] @ (down[slot, 0] @ x[row]) * 0.5
            left += width
    return y


@settings(max_examples=60, deadline=None)
@given(
    tokens=st.lists(st.sampled_from([0, 11, 12, 13]), min_size=1, max_size=FEW * 2),
    dtype=st.sampled_from([torch.float32, torch.bfloat16]),
    ranks=st.lists(
        st.lists(st.integers(0, MOST_RANK), min_size=3, max_size=3), min_size=SLOTS, max_size=SLOTS
    ),
    seed=st.integers(0, 2**31),
)
def test_every_token_gets_its_own_adapter_and_others_none(
    tokens: list[int], dtype: torch.dtype, ranks: list[list[int]], seed: int
) -> None:
    torch.manual_seed(seed)
    downs, ups = (tuple(w.to(dtype) for w in weights) for weights in stacked(ranks))
    ids: list[int | None] = [12, 11, 13]
    punica = GroupedPunica(64, 16, "cpu")
    told(punica, tokens, ids)
    x, y = (torch.randn(len(tokens), width).to(dtype) for width in (INPUT, sum(WIDTHS)))
    slots = [ids.index(token) if token else None for token in tokens]
    exact = [tuple(w.double() for w in weights) for weights in (downs, ups)]
    expected = by_definition(y.double(), x.double(), *exact, slots)
    punica.add_lora_linear(y, x, downs, ups, 0.5, WIDTHS)
    near = 1e-4 if dtype == torch.float32 else 0.05
    torch.testing.assert_close(y.double(), expected, rtol=near, atol=near * 4)


def test_another_adapter_in_a_slot_is_seen() -> None:
    downs, ups = stacked([[4, 4, 4]])
    punica = GroupedPunica(64, 16, "cpu")
    x = torch.randn(1, INPUT)

    def added(ids: list[int | None]) -> torch.Tensor:
        told(punica, [ids[0] or 0], ids)
        y = torch.zeros(1, sum(WIDTHS))
        punica.add_lora_linear(y, x, downs, ups, 1.0, WIDTHS)
        return y

    first = added([5, None, None])
    ups[0][0] *= 2
    assert torch.equal(added([5, None, None]), first)  # nobody said that it changed
    second = added([6, None, None])
    torch.testing.assert_close(second[:, :24], first[:, :24] * 2)
    ups[0][0] *= 2
    GroupedPunica.loads += 1  # the same name loaded in place
    torch.testing.assert_close(added([6, None, None])[:, :24], first[:, :24] * 4)


def test_an_output_head_without_weights_costs_nothing() -> None:
    assert trimmed([torch.zeros(8, 16)], [torch.zeros(1000, 8)]) is None


def test_rows_of_one_stretch_are_a_view() -> None:
    groups = grouped([-1, 2, 2, 0, 2])
    assert groups[0].slot == 0
    assert groups[0].rows == slice(3, 4)
    assert isinstance(groups[1].rows, torch.Tensor)
    assert groups[1].rows.tolist() == [1, 2, 4]
    assert grouped([-1, -1]) == ()
