"""An adapter leaves the desk: merged into its base, as safetensors and as GGUF."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gguf
import numpy as np
import pytest
import torch
from tiny_adapters import as_trained, logits, trained, without
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    GenerationConfig,
    GgufConfig,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from tests.engine.tiny_qwen import CHAT_TEMPLATE, SENTENCES
from training.errors import BadInput, MissingBase, RunFailed
from training.publishing import places
from training.publishing.fingerprint import fingerprint
from training.publishing.gguf_export import Kind, write_gguf
from training.publishing.merge import merge
from training.tiny_base import make_tokenizer

TEXT = "雨下了整三日，“你当真要走？”hello\n\n　　第二回"


@pytest.mark.parametrize(
    "config", [{}, {"use_dora": True}, {"use_rslora": True}, {"init_lora_weights": "pissa"}],
    ids=["lora", "dora", "rslora", "pissa"],
)  # fmt: skip
def test_merged_is_what_was_trained(base: Path, tmp_path: Path, config: dict[str, Any]) -> None:
    source = trained(base, tmp_path / "a", **config)
    told = merge(source, base, tmp_path / "merged", shard="200KB")
    assert len(list(told.glob("model-*.safetensors"))) > 1
    assert (told / "model.safetensors.index.json").is_file()
    assert float((logits(without(told)) - as_trained(source)).abs().max()) < 1e-4


def test_a_merged_model_brings_the_bases_tokens_template_and_stops(
    base: Path, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    for file in base.iterdir():
        (own / file.name).write_bytes(file.read_bytes())
    stops = {"eos_token_id": [2, 0], "max_new_tokens": 7}
    (own / "generation_config.json").write_text(json.dumps(stops))
    told = merge(trained(base, tmp_path / "a"), own, tmp_path / "merged")
    one, other = fingerprint(own), fingerprint(told)
    assert (one.tokenizer, one.template, one.config) == (
        other.tokenizer, other.template, other.config
    )  # fmt: skip
    assert one.difference(other) == "权重"
    assert GenerationConfig.from_pretrained(told).eos_token_id == [2, 0]
    assert AutoConfig.from_pretrained(told).dtype == torch.float32
    assert json.loads((told / "yanchi.json").read_text())["adapter"] == "a"


def test_what_cannot_be_merged_leaves_nothing(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter = trained(base, tmp_path / "a")
    with pytest.raises(MissingBase, match=r"config\.json"):
        merge(adapter, tmp_path / "nowhere", tmp_path / "merged")
    with pytest.raises(BadInput, match=r"adapter_config\.json"):
        merge(base, base, tmp_path / "merged")
    (tmp_path / "there").mkdir()
    with pytest.raises(BadInput, match="已经存在"):
        merge(adapter, base, tmp_path / "there")
    monkeypatch.setattr(places.shutil, "disk_usage", lambda _: SimpleNamespace(free=10))
    with pytest.raises(RunFailed, match="磁盘空间不够"):
        merge(adapter, base, tmp_path / "merged")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "there"]


def test_an_adapter_of_another_shape_is_refused(base: Path, tmp_path: Path) -> None:
    adapter = trained(base, tmp_path / "a")
    with pytest.raises(MissingBase, match="层对不上"):
        merge(adapter, model_of(tmp_path / "other", "qwen2"), tmp_path / "merged")
    assert not (tmp_path / "merged").exists()


# GGUF


def model_of(folder: Path, kind: str, *, tied: bool = True, width: int = 64) -> Path:
    """Heads of 128 for Qwen3, as all published ones have: transformers' reader assumes it."""
    tokenizer = make_tokenizer(folder, SENTENCES * 4, 640, CHAT_TEMPLATE)
    torch.manual_seed(5)
    shape = {
        "vocab_size": 1024, "hidden_size": width, "intermediate_size": 96, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 512,
        "tie_word_embeddings": tied, "rope_parameters": {"rope_theta": 5e5, "rope_type": "default"},
        "bos_token_id": None, "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id, "dtype": "bfloat16",
    }  # fmt: skip
    if kind == "qwen2":
        model = Qwen2ForCausalLM(Qwen2Config(**shape))
        for name, parameter in model.named_parameters():
            if name.endswith("bias"):
                torch.nn.init.normal_(parameter, std=0.2)
    else:
        model = Qwen3ForCausalLM(Qwen3Config(**shape, head_dim=128))
    model.bfloat16().save_pretrained(folder)
    return folder


def read_back(file: Path) -> torch.nn.Module:
    model: torch.nn.Module = AutoModelForCausalLM.from_pretrained(
        file.parent, gguf_file=file.name, quantization_config=GgufConfig(dequantize=True),
        dtype=torch.float32,
    )  # fmt: skip
    return model


@pytest.mark.parametrize("kind", ["f16", "bf16", "q8_0"])
@pytest.mark.parametrize(
    ("family", "tied"), [("qwen2", True), ("qwen2", False), ("qwen3", True), ("qwen3", False)]
)
def test_a_gguf_reads_as_the_model_it_was(
    tmp_path: Path, family: str, tied: bool, kind: Kind
) -> None:
    model = model_of(tmp_path / "model", family, tied=tied)
    told = write_gguf(model, tmp_path / "out" / "tiny.gguf", kind)
    difference = (logits(read_back(told)) - logits(without(model))).abs().max()
    assert float(difference) < 1e-2
    again = AutoTokenizer.from_pretrained(told.parent, gguf_file=told.name)
    own = AutoTokenizer.from_pretrained(model)
    assert again(TEXT).input_ids == own(TEXT).input_ids
    assert again.chat_template == own.chat_template


def fields(file: Path) -> dict[str, Any]:
    reader = gguf.GGUFReader(file)
    return {name: field.contents() for name, field in reader.fields.items()}


def test_a_gguf_says_what_llama_cpp_asks_for(tmp_path: Path) -> None:
    model = model_of(tmp_path / "model", "qwen2")
    told = fields(write_gguf(model, tmp_path / "tiny.gguf", "q8_0", name="砚池"))
    assert told["general.architecture"] == "qwen2"
    assert told["general.name"] == "砚池"
    assert told["general.file_type"] == gguf.LlamaFileType.MOSTLY_Q8_0
    assert told["qwen2.rope.freq_base"] == 5e5
    assert (told["qwen2.attention.head_count"], told["qwen2.attention.head_count_kv"]) == (4, 2)
    assert (told["tokenizer.ggml.model"], told["tokenizer.ggml.pre"]) == ("gpt2", "qwen2")
    assert told["tokenizer.ggml.eos_token_id"] == 2
    assert told["tokenizer.ggml.add_bos_token"] is False
    tokens, types = told["tokenizer.ggml.tokens"], told["tokenizer.ggml.token_type"]
    assert len(tokens) == len(types) == 1024
    assert (tokens[2], types[2]) == ("<|im_end|>", gguf.TokenType.CONTROL)
    assert (tokens[-1], types[-1]) == ("[PAD1023]", gguf.TokenType.UNUSED)


def test_norms_and_biases_stay_exact_and_odd_rows_are_not_quantized(tmp_path: Path) -> None:
    """A row of 40 numbers does not divide into blocks of 32."""
    model = model_of(tmp_path / "model", "qwen2", width=40)
    types = {
        tensor.name: tensor.tensor_type
        for tensor in gguf.GGUFReader(write_gguf(model, tmp_path / "t.gguf", "q8_0")).tensors
    }
    kinds = gguf.GGMLQuantizationType
    assert types["blk.0.attn_norm.weight"] == types["blk.1.attn_q.bias"] == kinds.F32
    assert types["token_embd.weight"] == kinds.F16
    assert types["blk.0.ffn_down.weight"] == kinds.Q8_0
    assert "output.weight" not in types


def test_long_contexts_by_yarn_are_told(tmp_path: Path) -> None:
    model = model_of(tmp_path / "model", "qwen3")
    config = json.loads((model / "config.json").read_text())
    rope = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 128}
    (model / "config.json").write_text(json.dumps(config | {"rope_parameters": rope}))
    told = fields(write_gguf(model, tmp_path / "tiny.gguf"))
    assert told["qwen3.rope.scaling.type"] == "yarn"
    assert told["qwen3.rope.scaling.factor"] == 4.0
    assert told["qwen3.rope.scaling.original_context_length"] == 128
    assert np.isclose(told["qwen3.rope.freq_base"], 1e4)


@pytest.mark.parametrize(
    ("change", "words"),
    [({"model_type": "llama"}, "llama"), ({"rope_parameters": {"rope_type": "llama3"}}, "llama3"),
     ({"quantization_config": {"bits": 4}}, "量化过"), ({"num_hidden_layers": 1}, "不认识的张量")],
)  # fmt: skip
def test_what_cannot_be_exported_is_refused(
    tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    model = model_of(tmp_path / "model", "qwen2")
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(BadInput, match=words):
        write_gguf(model, tmp_path / "out" / "tiny.gguf")
    assert not list(tmp_path.glob("out/*"))


def test_progress_counts_every_tensor(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    model = model_of(tmp_path / "model", "qwen2")
    write_gguf(
        model, tmp_path / "t.gguf", progress=lambda done, total, _: told.append((done, total))
    )
    assert [done for done, _ in told] == list(range(1, len(told) + 1))
    assert told[-1][0] == told[-1][1]
