"""Whatever was trained comes out as a LoRA that does the same and that vLLM takes."""

import json
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file
from tiny_adapters import as_trained, logits, trained, with_adapter, without

from training.errors import BadInput, NotServable
from training.publishing import lora
from training.publishing.convert import measured, servable
from training.publishing.lora import Change, balanced, together
from training.publishing.rules import problems, tensor_problems


def config_of(folder: Path) -> dict[str, object]:
    told: dict[str, object] = json.loads((folder / "adapter_config.json").read_text())
    return told


def taken_by_vllm(folder: Path) -> bool:
    names = load_file(folder / "adapter_model.safetensors")
    return not problems(config_of(folder)) and not tensor_problems(names)


def difference(base: Path, ours: Path, source: Path) -> float:
    return float((logits(with_adapter(base, ours)) - as_trained(source)).abs().max())


@pytest.mark.parametrize("initial", [True, False], ids=["saved start", "start from the base"])
def test_pissa_becomes_a_lora_of_twice_the_rank(base: Path, tmp_path: Path, initial: bool) -> None:
    source = trained(base, tmp_path / "pissa", init_lora_weights="pissa")
    assert not taken_by_vllm(source)
    start = {"initial": source / "initial"} if initial else {"base": base}
    told = servable(source, tmp_path / "out", dtype="float32", **start)
    assert (told.rank, told.served_rank) == (8, 8)
    assert taken_by_vllm(tmp_path / "out")
    assert difference(base, tmp_path / "out", source) < 1e-5
    assert float((logits(without(base)) - as_trained(source)).abs().max()) > 1e-2


def test_in_bfloat16_a_converted_pissa_is_as_exact_as_what_was_learned(
    base: Path, tmp_path: Path
) -> None:
    """Side by side, as PEFT writes it, the rounding of the large parts drowns the small rest."""
    source = trained(base, tmp_path / "pissa", init_lora_weights="pissa", steps=1)
    servable(source, tmp_path / "ours", initial=source / "initial")
    start = lora.read(source / "initial").changes()
    plain = {
        layer: together([change, start[layer].times(-1)])
        for layer, change in lora.read(source).changes().items()
    }
    lora.write(tmp_path / "theirs", lora.assemble(plain, lora.read_config(source)))
    ours, theirs = (difference(base, tmp_path / each, source) for each in ("ours", "theirs"))
    assert ours < theirs / 2


@pytest.mark.parametrize(
    "config",
    [{}, {"use_rslora": True}, {"init_lora_weights": "olora"}, {"r": 5, "lora_alpha": 7},
     {"init_lora_weights": "pissa", "use_rslora": True},
     {"rank_pattern": {"q_proj": 2}, "alpha_pattern": {"layers.1.mlp.up_proj": 3}}],
    ids=["lora", "rslora", "olora", "odd rank", "pissa with rslora", "patterns"],
)  # fmt: skip
def test_every_kind_does_what_it_did(base: Path, tmp_path: Path, config: dict[str, object]) -> None:
    source = trained(base, tmp_path / "a", **config)
    servable(source, tmp_path / "out", initial=source / "initial", dtype="float32")
    assert taken_by_vllm(tmp_path / "out")
    assert difference(base, tmp_path / "out", source) < 1e-5


def test_what_vllm_takes_is_kept_as_it_is(base: Path, tmp_path: Path) -> None:
    source = trained(base, tmp_path / "a", use_rslora=True, r=5)
    told = servable(source, tmp_path / "out", base_name="tiny")
    assert (told.rank, told.served_rank) == (5, 8)
    assert "秩 8" in told.notes[0]
    assert config_of(tmp_path / "out")["use_rslora"] is True
    assert config_of(tmp_path / "out")["base_model_name_or_path"] == "tiny"
    weights = load_file(tmp_path / "out" / "adapter_model.safetensors")
    assert {tensor.dtype for tensor in weights.values()} == {torch.bfloat16}
    assert str(tmp_path) not in (tmp_path / "out" / "adapter_config.json").read_text()
    assert difference(base, tmp_path / "out", source) < 1e-2


def test_dora_is_refused_with_the_way_out(base: Path, tmp_path: Path) -> None:
    source = trained(base, tmp_path / "a", use_dora=True)
    with pytest.raises(NotServable, match="yanchi adapters merge"):
        servable(source, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_changed_base_needs_its_start(base: Path, tmp_path: Path) -> None:
    source = trained(base, tmp_path / "a", init_lora_weights="olora")
    with pytest.raises(NotServable, match="--initial"):
        servable(source, tmp_path / "out", base=base)
    other = trained(base, tmp_path / "b", r=2)
    with pytest.raises(NotServable, match="不是一对"):
        servable(source, tmp_path / "out", initial=other / "initial")


def test_a_rank_that_would_double_past_vllms_limit_is_refused(base: Path, tmp_path: Path) -> None:
    source = trained(
        base, tmp_path / "a", init_lora_weights="pissa", r=64, target_modules=["q_proj"]
    )
    config = config_of(source) | {"r": 320}
    (source / "adapter_config.json").write_text(json.dumps(config))
    with pytest.raises(NotServable, match="512"):
        servable(source, tmp_path / "out", base=base)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    "config",
    [{"modules_to_save": ["lm_head"]}, {"trainable_token_indices": [3]}, {"bias": "lora_only"},
     {"target_modules": ["q_proj", "lm_head"]}],
    ids=["head", "tokens", "bias", "head's lora"],
)  # fmt: skip
def test_trained_embeddings_and_biases_are_refused(
    base: Path, tmp_path: Path, config: dict[str, object]
) -> None:
    source = trained(base, tmp_path / "a", **config)
    with pytest.raises(NotServable, match="不能发布"):
        servable(source, tmp_path / "out")


def test_the_bases_own_embedding_saved_along_is_left_out(base: Path, tmp_path: Path) -> None:
    source = trained(base, tmp_path / "a")
    tensors = load_file(source / "adapter_model.safetensors")
    extra = {"base_model.model.lm_head.base_layer.weight": torch.zeros(4, 4)}
    lora.write(source, lora.Adapter(lora.read_config(source), tensors | extra), "float32")
    servable(source, tmp_path / "out")
    assert len(load_file(tmp_path / "out" / "adapter_model.safetensors")) == len(tensors)


def test_a_large_rank_and_a_large_file_are_told(tmp_path: Path) -> None:
    wide = {"l.q_proj": Change(torch.randn(128, 60_000), torch.randn(60_000, 128))}
    lora.write(tmp_path, lora.assemble(wide, {"target_modules": ["q_proj"]}))
    rank, size = measured(tmp_path).notes
    assert "YANCHI_MAX_LORA_RANK=128" in rank
    assert "29.3 MiB" in size


@pytest.mark.parametrize("torn", ["adapter_config.json", "adapter_model.safetensors"])
def test_a_torn_adapter_is_named(base: Path, tmp_path: Path, torn: str) -> None:
    source = trained(base, tmp_path / "a")
    (source / torn).write_bytes((source / torn).read_bytes()[:50])
    with pytest.raises(BadInput, match=torn):
        servable(source, tmp_path / "out")


@given(seed=st.integers(0, 2**16), rank=st.integers(1, 6), scale=st.floats(0.1, 8))
@settings(max_examples=25, deadline=None)
def test_a_change_and_its_balanced_form_are_the_same(seed: int, rank: int, scale: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    change = Change(
        torch.randn(rank, 9, generator=generator), torch.randn(7, rank, generator=generator), scale
    )
    same, lost = balanced(change)
    assert torch.allclose(same.whole(), change.whole(), atol=1e-4)
    assert lost < 1e-6
    if rank > 1:
        near, lost = balanced(change, rank - 1)
        error = (near.whole() - change.whole()).norm() / change.whole().norm()
        assert abs(float(error) - lost) < 1e-4
