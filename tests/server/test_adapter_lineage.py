"""An adapter that says where it comes from is served on that base alone."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from server.engines.vllm import VllmEngine, VllmOptions
from server.errors import EngineFailed, EngineRefused
from training.publishing.lineage import trace

pytestmark = pytest.mark.anyio

CONFIG = {"model_type": "qwen3", "hidden_size": 8, "num_attention_heads": 2, "vocab_size": 4}


def model_at(folder: Path, template: str = "{{ messages }}", weight: float = 1.0) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(CONFIG))
    (folder / "tokenizer.json").write_text('{"model": {"vocab": {"砚": 0}, "merges": []}}')
    (folder / "chat_template.jinja").write_text(template)
    save_file({"w": np.full((2, 2), weight, np.float32)}, folder / "model.safetensors")
    return folder


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return model_at(tmp_path / "墨池")


@pytest.fixture
def adapter(model: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "voice-v1"
    folder.mkdir()
    config = {"peft_type": "LORA", "r": 8, "lora_alpha": 16, "target_modules": ["q_proj"]}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    (folder / "adapter_model.safetensors").write_bytes(b"x")
    (folder / "yanchi.json").write_text(json.dumps({"format": 1} | trace(model).to_json()))
    return folder


def engine_on(model: Path, tmp_path: Path) -> VllmEngine:
    return VllmEngine(VllmOptions(model, "served", "float32", 512, True, tmp_path / "logs"))


async def refusal(model: Path, adapter: Path, tmp_path: Path) -> str:
    with pytest.raises(EngineRefused) as raised:
        await engine_on(model, tmp_path).load_adapter("voice", adapter)
    return raised.value.message


async def test_on_its_own_base_it_is_taken(model: Path, adapter: Path, tmp_path: Path) -> None:
    """As far as vLLM, which was never started."""
    with pytest.raises(EngineFailed, match="停止"):
        await engine_on(model, tmp_path).load_adapter("voice", adapter)


async def test_on_another_base_both_are_named(adapter: Path, tmp_path: Path) -> None:
    other = model_at(tmp_path / "别的池", weight=2.0)
    said = await refusal(other, adapter, tmp_path)
    assert all(word in said for word in ("voice-v1", "“墨池”", "“别的池”", "权重不同"))


async def test_through_another_template_it_is_refused(
    model: Path, adapter: Path, tmp_path: Path
) -> None:
    assert "对话模板" in await refusal(model_at(model, template="{{ 1 }}"), adapter, tmp_path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda told: told.pop("base"), "没有写明底座"),
        (lambda told: told.update(base={"name": "x"}), "没有写明底座"),
        (lambda told: told["base"].update(sha256="0" * 64, weights=""), "权重不同"),
    ],
)
async def test_a_record_that_proves_nothing_is_refused(
    model: Path, adapter: Path, tmp_path: Path, change: Callable[[dict[str, Any]], None], words: str
) -> None:
    told = json.loads((adapter / "yanchi.json").read_text())
    change(told)
    (adapter / "yanchi.json").write_text(json.dumps(told))
    assert words in await refusal(model, adapter, tmp_path)


async def test_a_torn_record_or_model_is_told(model: Path, adapter: Path, tmp_path: Path) -> None:
    (model / "model.safetensors").write_bytes(b"torn")
    assert "safetensors" in await refusal(model, adapter, tmp_path)
    (adapter / "yanchi.json").write_text("{")
    assert "读不了" in await refusal(model, adapter, tmp_path)


async def test_without_a_record_it_is_taken_as_it_is(
    model: Path, adapter: Path, tmp_path: Path
) -> None:
    (adapter / "yanchi.json").unlink()
    (model / "model.safetensors").unlink()
    with pytest.raises(EngineFailed, match="停止"):
        await engine_on(model, tmp_path).load_adapter("voice", adapter)
