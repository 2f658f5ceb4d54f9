"""A trained adapter becomes one that vLLM serves, without changing what it does.

PiSSA, OLoRA and CorDA train on a base from which the adapter's own start was taken away:
W + Δ = (W − s·B₀A₀) + s·BA, so that Δ = s·(BA − B₀A₀), a plain LoRA of twice the rank. The two
products are of the size of W while their difference is small, so the difference is written by
its singular values (`lora.balanced`): stored side by side in bfloat16, as PEFT does it, the
rounding of the large parts would be as large as what was learned.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open

from training.errors import NotServable
from training.publishing import lora
from training.publishing.lora import Adapter, Change, Dtype
from training.publishing.rules import (
    DESK_RANK,
    MIB,
    MOST_BYTES,
    RANKS,
    changes_base,
    largest_rank,
    problems,
    served_rank,
    tensor_problems,
)


@dataclass(frozen=True, slots=True)
class Converted:
    """What lies in the target folder now. `notes` are sentences that an author should read."""

    rank: int
    served_rank: int
    bytes: int
    notes: tuple[str, ...] = ()


def servable(
    source: Path,
    target: Path,
    *,
    initial: Path | None = None,
    base: Path | None = None,
    base_name: str | None = None,
    dtype: Dtype = "bfloat16",
) -> Converted:
    """Writes into `target` the plain LoRA or rsLoRA that does what `source` does.

    `initial` is the adapter as it was before its first step (PiSSA, OLoRA, CorDA need it); exact
    PiSSA can do with the `base` instead, from which it is computed again. `base_name` replaces
    the base's path in the configuration. Raises NotServable with the way out, and BadInput.
    """
    adapter, notes = as_plain(lora.read(source), initial=initial, base=base)
    refused = [*problems(adapter.config), *tensor_problems(adapter.tensors)]
    if refused:
        raise NotServable(f"适配器 {source.name} 不能发布：{'；'.join(refused)}。")
    config = adapter.config | ({"base_model_name_or_path": base_name} if base_name else {})
    lora.write(target, Adapter(config, adapter.tensors), dtype)
    return measured(target, notes)


def measured(folder: Path, notes: tuple[str, ...] = ()) -> Converted:
    """What an adapter's folder holds, with the notes that its size and rank call for."""
    config = lora.read_config(folder)
    rank, size = largest_rank(config), (folder / lora.WEIGHTS).stat().st_size
    said = list(notes)
    if rank > DESK_RANK:
        said.append(
            f"秩 {rank} 超过书桌默认的上限 {DESK_RANK}："
            f"服务时请设 YANCHI_MAX_LORA_RANK={served_rank(rank)}。"
        )
    elif served_rank(rank) != rank:
        said.append(f"引擎会以秩 {served_rank(rank)} 服务这个秩 {rank} 的适配器，效果不变。")
    if size > MOST_BYTES:
        said.append(
            f"适配器有 {size / MIB:.1f} MiB，超过随项目分发的上限 {MOST_BYTES // MIB} MiB："
            "可以照常服务；想更小，请降低秩或减少目标层。"
        )
    return Converted(rank, served_rank(rank), size, tuple(said))


def as_plain(
    adapter: Adapter, *, initial: Path | None = None, base: Path | None = None
) -> tuple[Adapter, tuple[str, ...]]:
    """The same as plain LoRA or rsLoRA, still in float32, and what there is to tell of it."""
    config = adapter.config
    if config.get("use_dora"):
        raise NotServable(
            "DoRA 不能作为适配器服务：请用 yanchi adapters merge 把它并入模型再服务，"
            "或改用 lora、rslora 重新训练。"
        )
    if not changes_base(config.get("init_lora_weights")):
        return adapter, ()
    if 2 * largest_rank(config) > RANKS[-1]:
        raise NotServable(
            f"秩 {largest_rank(config)} 的 {config['init_lora_weights']} 转成普通 LoRA 后秩会加倍，"
            f"超过引擎的上限 {RANKS[-1]}：请用 yanchi adapters merge 并入模型。"
        )
    return _without_start(adapter, _start(adapter, initial, base))


def _start(adapter: Adapter, initial: Path | None, base: Path | None) -> dict[str, Change]:
    """What was taken from each layer of the base before training."""
    init = str(adapter.config["init_lora_weights"])
    if initial is not None:
        return lora.read(initial).changes()
    if init == "pissa" and base is not None:
        return {layer: _principal(base, layer, c) for layer, c in adapter.changes().items()}
    raise NotServable(
        f"{init} 会改动底座，转换需要训练开始前保存的适配器（--initial）"
        "；若没有，请用 yanchi adapters merge 在训练时的底座上并入模型。"
    )


def _principal(base: Path, layer: str, change: Change) -> Change:
    """PiSSA's start: the `rank` largest directions of the layer's weight."""
    u, s, vt = torch.linalg.svd(_weight(base, layer).float(), full_matrices=False)
    root = s[: change.rank].sqrt()
    return Change(root[:, None] * vt[: change.rank], u[:, : change.rank] * root)


def _weight(base: Path, layer: str) -> torch.Tensor:
    name = f"{layer}.weight"
    for file in sorted(base.glob("*.safetensors")):
        with safe_open(file, framework="pt") as weights:
            if name in weights.keys():  # noqa: SIM118 - not a mapping
                tensor: torch.Tensor = weights.get_tensor(name)
                return tensor
    raise NotServable(f"底座 {base.name} 里没有 {name}，这不是训练时的底座。")


def _without_start(adapter: Adapter, start: dict[str, Change]) -> tuple[Adapter, tuple[str, ...]]:
    changes = {}
    for layer, change in adapter.changes().items():
        if layer not in start or start[layer].a.shape != change.a.shape:
            raise NotServable(f"训练前的适配器与它不是一对：{layer} 对不上。")
        both = lora.together([change, start[layer].times(-1.0)])
        changes[layer] = lora.balanced(both)[0]
    plain = lora.assemble(changes, adapter.config)
    init, rank = adapter.config["init_lora_weights"], plain.config["r"]
    return plain, (f"{init} 已转成普通 LoRA，秩由 {adapter.config['r']} 变为 {rank}。",)
