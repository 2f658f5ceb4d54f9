"""Whether a directory holds a LoRA adapter that vLLM can serve, before vLLM is asked.

The limits are vLLM 0.32's: `PEFTHelper` in vllm/lora/peft_helper.py. Training refuses the same in
the same words before it begins (`training/publishing/rules.py`); a test holds the two together.
"""

import json
import re
from pathlib import Path
from typing import Any

from server.errors import EngineRefused

# vLLM's own choices for --max-lora-rank.
RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
# Initialisations that only choose the first weights; others (PiSSA, OLoRA, …) change the base.
_PLAIN_INITS = frozenset({"gaussian", "eva", "orthogonal", "mica", "lora_ga"})
_FEATURES = {
    "alora_invocation_tokens": "aLoRA",
    "layer_replication": "层复制",
    "use_bdlora": "BD-LoRA",
    "use_qalora": "QALoRA",
}
_NAME = re.compile(r"\w[\w.\-]{0,127}")


def check_name(name: str) -> None:
    """Letters of any script, digits, `_`, `-`, `.`; raises EngineRefused."""
    if not _NAME.fullmatch(name) or ".." in name:
        raise EngineRefused(
            "适配器的名字只能用文字、数字、下划线、连字符和点，且不超过 128 个字符。"
        )


def served_rank(rank: int) -> int:
    """The smallest rank that vLLM can be told to serve and that holds `rank`."""
    return next((served for served in RANKS if served >= rank), RANKS[-1])


def check_adapter(path: Path, max_rank: int = RANKS[-1]) -> None:
    """Raises EngineRefused with what is missing, or with what vLLM would not accept."""
    if not (path / "adapter_model.safetensors").is_file():
        raise EngineRefused(f"{path} 里没有 adapter_model.safetensors，请选择适配器所在的目录。")
    for problem in _problems(_read_config(path), max_rank):
        raise EngineRefused(f"适配器 {path.name} 不能载入：{problem}。")


def _read_config(path: Path) -> dict[str, Any]:
    try:
        config = json.loads((path / "adapter_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EngineRefused(
            f"{path} 里没有可读的 adapter_config.json，请选择适配器所在的目录。"
        ) from error
    return config if isinstance(config, dict) else {}


def _problems(config: dict[str, Any], max_rank: int) -> list[str]:
    rank, init = _largest_rank(config), config.get("init_lora_weights")
    problems = []
    if config.get("peft_type", "LORA") != "LORA":
        problems.append("它不是 LoRA 适配器")
    if rank == 0 or config.get("lora_alpha") is None or config.get("target_modules") is None:
        problems.append("它的配置缺少秩、alpha 或目标层")
    if rank > max_rank:
        problems.append(f"它的秩 {rank} 超过了引擎的上限 {max_rank}，请调大 YANCHI_MAX_LORA_RANK")
    if isinstance(init, str) and init.lower() not in _PLAIN_INITS:
        problems.append(f"引擎不支持 {init} 初始化，请先把它转换为普通的 LoRA")
    if config.get("use_dora"):
        problems.append("引擎不支持 DoRA，请先把它并入模型")
    if config.get("bias", "none") != "none" or config.get("lora_bias"):
        problems.append("引擎不支持带偏置的适配器")
    if config.get("modules_to_save"):
        problems.append("引擎不支持另存整个模块的适配器，请先把它并入模型")
    problems.extend(f"引擎不支持 {name}" for key, name in _FEATURES.items() if config.get(key))
    return problems


def _largest_rank(config: dict[str, Any]) -> int:
    """0 where the configuration names none that could be served."""
    ranks = [config.get("r"), *(config.get("rank_pattern") or {}).values()]
    if not all(isinstance(rank, int) and rank > 0 for rank in ranks):
        return 0
    return max(int(rank) for rank in ranks)
