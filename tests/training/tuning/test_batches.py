"""Rows, packed or padded, cost what their examples cost alone; their order is the seed's."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM

from training.tuning import head
from training.tuning.batches import Collate, Judged, Order
from training.tuning.losses import NextToken
from training.tuning.masks import Example
from training.tuning.packing import pack


def examples(*sizes: int) -> list[Example]:
    chance = np.random.default_rng(1)
    return [
        Example(chance.integers(3, 640, size).astype(np.int32), np.arange(size) >= size // 3)
        for size in sizes
    ]


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_packed_examples_cost_the_sum_of_single_ones(base: Path, attention: str) -> None:
    model = AutoModelForCausalLM.from_pretrained(
        base, dtype=torch.float32, attn_implementation=attention
    )
    head.attach(model)
    collate, loss = Collate(0), NextToken()
    many = examples(17, 5, 31, 9, 24)
    alone = [loss(model, collate([(each,)])).total.item() for each in many]
    rows = [tuple(many[:3]), tuple(many[3:])]
    together = loss(model, collate(rows)).total.item()
    assert together == pytest.approx(sum(alone), abs=1e-4)
    padded = loss(model, collate([(each,) for each in many])).total.item()
    assert padded == pytest.approx(sum(alone), abs=1e-4)
    # The test can fail: run on as one text, they would see each other.
    joined = Example(
        np.concatenate([each.ids for each in many]), np.concatenate([e.learned for e in many])
    )
    assert loss(model, collate([(joined,)])).total.item() != pytest.approx(sum(alone), abs=1e-2)


def test_packed_examples_teach_what_single_ones_teach(base: Path) -> None:
    many, grads = examples(12, 20, 8), []
    for rows in ([(each,) for each in many], [tuple(many)]):
        model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
        head.attach(model)
        for row in rows:
            NextToken()(model, Collate(0)([row])).total.backward()
        grads.append(model.model.layers[0].self_attn.q_proj.weight.grad)
    torch.testing.assert_close(*grads, atol=1e-4, rtol=1e-3)


def test_counts_are_of_what_can_be_guessed() -> None:
    first = Example(np.array([5, 6, 7], np.int32), np.array([True, True, False]))
    batch = Collate(0)([(first, first), (first,)])
    assert int(batch["count"]) == 3
    assert int(batch["tokens"]) == 9
    assert batch["position_ids"].tolist() == [[0, 1, 2, 0, 1, 2], [0, 1, 2, 0, 1, 2]]


def test_judged_rows_stand_in_columns() -> None:
    a, b, c, d = examples(4, 5, 6, 7)
    rows = [
        Judged((a, b), (True, False), reference=(1.0, 2.0)),
        Judged((c, d), (True, False), reference=(3.0, 4.0)),
    ]
    batch = Collate(0)(rows)
    assert batch["desirable"].tolist() == [True, True, False, False]
    assert batch["reference"].tolist() == [1.0, 3.0, 2.0, 4.0]
    assert int(batch["count"]) == 2
    assert batch["input_ids"][1, :6].tolist() == c.ids.tolist()


@given(sizes=st.lists(st.integers(1, 50), min_size=1, max_size=60))
def test_packing_loses_nothing_and_wastes_little(sizes: list[int]) -> None:
    rows = pack(sizes, 50)
    assert sorted(at for row in rows for at in row) == list(range(len(sizes)))
    loads = [sum(sizes[at] for at in row) for row in rows]
    assert max(loads) <= 50
    assert len(rows) <= 11 / 9 * -(-sum(sizes) // 50) + 1 or min(
        one + other for at, one in enumerate(loads) for other in loads[at + 1 :]
    ) > 50  # fmt: skip


def test_what_does_not_fit_is_not_packed() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        pack([3, 60], 50)


@given(
    sizes=st.lists(st.integers(1, 99), min_size=1, max_size=80),
    batch=st.integers(1, 5),
    group=st.integers(1, 3),
)
def test_every_row_once_an_epoch_in_another_order(sizes: list[int], batch: int, group: int) -> None:
    order = Order(sizes, batch, seed=7, group=group)
    first = list(order)
    assert sorted(at for each in first for at in each) == list(range(len(sizes)))
    assert len(first) == len(order)
    assert all(len(each) == batch for each in first[:-1])
    again = Order(sizes, batch, seed=7, group=group)
    again.set_epoch(1)
    if len(sizes) > 20:
        assert list(again) != first
    again.set_epoch(0)
    assert list(again) == first


def test_batches_hold_rows_of_like_length() -> None:
    sizes = [int(each) for each in np.random.default_rng(0).integers(10, 1000, 640)]
    order = Order(sizes, 8, seed=1)
    padded = sum(max(sizes[at] for at in batch) * len(batch) for batch in order)
    assert padded < 1.05 * sum(sizes)
    longest = [max(sizes[at] for at in batch) for batch in order]
    assert longest != sorted(longest, reverse=True)
