"""Adapters added up: exactly, or by their largest directions with the loss told."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_adapters import logits, trained, with_adapter

from training.errors import BadInput, NotServable
from training.publishing import lora
from training.publishing.blend import Part, blend
from training.publishing.lora import Adapter, Change

SHAPES = {"model.layers.0.mlp.up_proj": (9, 6), "model.layers.0.self_attn.q_proj": (6, 6)}
CONFIG = {"peft_type": "LORA", "target_modules": ["q_proj", "up_proj"], "base_model": "tiny"}


@st.composite
def adapters(draw: Callable[..., int]) -> Adapter:
    """Of any rank and scaling, plain or rsLoRA, with some layers left out."""
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**16)))
    rank = draw(st.integers(1, 4))
    layers = draw(st.sets(st.sampled_from(sorted(SHAPES)), min_size=1))
    tensors = {}
    for layer in layers:
        out, into = SHAPES[layer]
        key = f"base_model.model.{layer}"
        tensors[f"{key}.lora_A.weight"] = torch.randn(rank, into, generator=generator)
        tensors[f"{key}.lora_B.weight"] = torch.randn(out, rank, generator=generator)
    alpha, stabilised = draw(st.integers(1, 32)), draw(st.booleans())
    return Adapter(CONFIG | {"r": rank, "lora_alpha": alpha, "use_rslora": stabilised}, tensors)


def wholes(adapter: Adapter) -> dict[str, torch.Tensor]:
    zeros = {layer: torch.zeros(shape) for layer, shape in SHAPES.items()}
    return zeros | {layer: change.whole() for layer, change in adapter.changes().items()}


def close(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return all(torch.allclose(one[layer], other[layer], atol=2e-3, rtol=1e-4) for layer in SHAPES)


weights = st.floats(-2, 2).filter(lambda weight: abs(weight) > 1e-3)


@given(first=adapters(), second=adapters())
@settings(max_examples=30, deadline=None)
def test_one_and_nothing_is_the_first(first: Adapter, second: Adapter) -> None:
    told = blend([Part(first, 1.0), Part(second, 0.0)])
    assert told.adapter is first
    assert told.lost == 0.0


@given(first=adapters(), second=adapters(), one=weights, other=weights)
@settings(max_examples=50, deadline=None)
def test_a_blend_is_the_weighted_sum(
    first: Adapter, second: Adapter, one: float, other: float
) -> None:
    told = blend([Part(first, one), Part(second, other)]).adapter
    a, b = wholes(first), wholes(second)
    assert close(wholes(told), {layer: one * a[layer] + other * b[layer] for layer in SHAPES})
    shared = set(first.changes()) & set(second.changes())
    ranks = [first.config["r"], second.config["r"]]
    assert told.config["r"] == (sum(ranks) if shared else max(ranks))


@given(first=adapters(), second=adapters())
@settings(max_examples=30, deadline=None)
def test_a_smaller_rank_loses_what_it_says(first: Adapter, second: Adapter) -> None:
    exact = wholes(blend([Part(first, 0.5), Part(second, 0.5)]).adapter)
    told = blend([Part(first, 0.5), Part(second, 0.5)], rank=2)
    assert told.adapter.config["r"] <= 2
    near = wholes(told.adapter)
    errors = [
        float((near[layer] - exact[layer]).norm() / exact[layer].norm())
        for layer in SHAPES
        if exact[layer].norm() > 0
    ]
    assert max(errors) == pytest.approx(told.lost, abs=1e-3)
    assert close(wholes(blend([Part(first, 1)], rank=8).adapter), wholes(first))


def test_peft_loads_it_and_reads_the_same(base: Path, tmp_path: Path) -> None:
    """Half of one and half of it again, from another kind, is the one."""
    plain = trained(base, tmp_path / "a", use_rslora=True)
    adapter = lora.read(plain)
    told = blend([Part(adapter, 0.5), Part(adapter, 0.5)])
    lora.write(tmp_path / "out", told.adapter, "float32")
    ours, theirs = with_adapter(base, tmp_path / "out"), with_adapter(base, plain)
    assert float((logits(ours) - logits(theirs)).abs().max()) < 1e-4


def test_what_does_not_fit_together_is_refused() -> None:
    layer = "model.layers.0.mlp.up_proj"
    small = lora.assemble({layer: Change(torch.ones(2, 4), torch.ones(6, 2))}, CONFIG)
    large = lora.assemble({layer: Change(torch.ones(2, 8), torch.ones(6, 2))}, CONFIG)
    with pytest.raises(BadInput, match=r"不是同一个底座.*\(6, 4\).*\(6, 8\)"):
        blend([Part(small, 1), Part(large, 1)])
    with pytest.raises(BadInput, match="权重全是 0"):
        blend([Part(small, 0), Part(large, 0)])
    wide = lora.assemble({layer: Change(torch.ones(300, 4), torch.ones(6, 300))}, CONFIG)
    with pytest.raises(NotServable, match="--rank"):
        blend([Part(wide, 1), Part(wide, 1)])
    dora = Adapter(small.config | {"use_dora": True}, small.tensors)
    with pytest.raises(NotServable, match="DoRA"):
        blend([Part(dora, 1), Part(small, 1)])
