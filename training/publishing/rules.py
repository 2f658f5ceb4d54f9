"""What vLLM takes as an adapter, read from its configuration and its tensors' names.

The limits are vLLM 0.32's: `PEFTHelper` in vllm/lora/peft_helper.py. The server checks the same
(`server/engines/lora.py`) in the same words; a test holds the two and vLLM together.
"""

from collections.abc import Iterable, Mapping
from typing import Any

RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""vLLM's own choices for --max-lora-rank."""
DESK_RANK = 64
"""The largest rank that a desk serves unless YANCHI_MAX_LORA_RANK says otherwise."""
MIB = 2**20
MOST_BYTES = 25 * MIB
"""An adapter larger than this is told: it is more than can be shipped with the project."""

PLAIN_INITS = frozenset({"gaussian", "eva", "orthogonal", "mica", "lora_ga"})
"""Initialisations that only choose the first weights; others (PiSSA, OLoRA, …) change the base."""
_FEATURES = {
    "alora_invocation_tokens": "aLoRA",
    "layer_replication": "层复制",
    "use_bdlora": "BD-LoRA",
    "use_qalora": "QALoRA",
}
_EMBEDDINGS = ("embed_tokens", "lm_head", "token_adapter", "wte")


def served_rank(rank: int) -> int:
    """The smallest rank that vLLM can be told to serve and that holds `rank`."""
    return next((served for served in RANKS if served >= rank), RANKS[-1])


def changes_base(init: object) -> bool:
    """Whether `init_lora_weights` means that training began on a changed base."""
    return isinstance(init, str) and init.lower() not in PLAIN_INITS


def largest_rank(config: Mapping[str, Any]) -> int:
    """0 where the configuration names none that could be served."""
    ranks = [config.get("r"), *(config.get("rank_pattern") or {}).values()]
    if not all(isinstance(rank, int) and rank > 0 for rank in ranks):
        return 0
    return max(int(rank) for rank in ranks)


def problems(config: Mapping[str, Any], max_rank: int = RANKS[-1]) -> list[str]:
    """Why vLLM would refuse the adapter with this adapter_config.json; empty when it would not."""
    rank, init = largest_rank(config), config.get("init_lora_weights")
    found = []
    if config.get("peft_type", "LORA") != "LORA":
        found.append("它不是 LoRA 适配器")
    if rank == 0 or config.get("lora_alpha") is None or config.get("target_modules") is None:
        found.append("它的配置缺少秩、alpha 或目标层")
    if rank > max_rank:
        found.append(f"它的秩 {rank} 超过了引擎的上限 {max_rank}，请调大 YANCHI_MAX_LORA_RANK")
    if changes_base(init):
        found.append(f"引擎不支持 {init} 初始化，请先把它转换为普通的 LoRA")
    if config.get("use_dora"):
        found.append("引擎不支持 DoRA，请先把它并入模型")
    if config.get("bias", "none") != "none" or config.get("lora_bias"):
        found.append("引擎不支持带偏置的适配器")
    if config.get("modules_to_save"):
        found.append("引擎不支持另存整个模块的适配器，请先把它并入模型")
    found.extend(f"引擎不支持 {name}" for key, name in _FEATURES.items() if config.get(key))
    return found


def tensor_problems(names: Iterable[str]) -> list[str]:
    """Why vLLM would refuse an adapter with tensors of these names.

    Stricter than vLLM in one thing: a LoRA on the embedding or the output head is refused for
    every model, because vLLM takes it for some (Qwen3) and not for others (Qwen2.5).
    """
    names = list(names)
    embeddings = sorted({part for name in names for part in _EMBEDDINGS if part in name.split(".")})
    strange = [name for name in names if not name.endswith((".lora_A.weight", ".lora_B.weight"))]
    found = []
    if not names:
        found.append("它里面没有任何张量")
    if embeddings:
        found.append(
            f"它训练了{'、'.join(embeddings)}，引擎不能把词表当适配器载入，请先把它并入模型"
        )
    elif strange:
        found.append(f"它含有引擎不认识的张量 {strange[0]}")
    return found
