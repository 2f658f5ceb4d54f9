"""A LoRA adapter as numbers: each layer's change of the base, read from and written to a folder.

A layer's change is `scale · B @ A`, of shape [out, in] as the layer's weight; nothing here needs
the base model. Initialisations, DoRA and whatever else gives a change more terms than this are
`convert`'s business.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from training.errors import BadInput

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
PREFIX = "base_model.model."
Dtype = Literal["bfloat16", "float16", "float32"]
_UNTRAINED = (".embed_tokens.base_layer.weight", ".lm_head.base_layer.weight")


@dataclass(frozen=True, slots=True)
class Change:
    """`scale · b @ a`; `a` is [rank, in], `b` is [out, rank]."""

    a: Tensor
    b: Tensor
    scale: float = 1.0

    @property
    def rank(self) -> int:
        return int(self.a.shape[0])

    def whole(self) -> Tensor:
        """[out, in], float32."""
        return self.scale * (self.b.float() @ self.a.float())

    def times(self, weight: float) -> "Change":
        return replace(self, scale=self.scale * weight)


@dataclass(frozen=True, slots=True)
class Adapter:
    """`config` is adapter_config.json, `tensors` what lies in adapter_model.safetensors."""

    config: dict[str, Any]
    tensors: dict[str, Tensor]

    def changes(self) -> dict[str, Change]:
        """By layer, as `model.layers.0.self_attn.q_proj`. Raises BadInput for half a pair."""
        found = {}
        for key in self.tensors:
            if not key.endswith(".lora_A.weight"):
                continue
            layer = key.removeprefix(PREFIX).removesuffix(".lora_A.weight")
            b = self.tensors.get(key.replace(".lora_A.", ".lora_B."))
            if b is None:
                raise BadInput(f"适配器的 {layer} 只有 A 没有 B，文件不完整")
            found[layer] = Change(self.tensors[key], b, self._scale(layer))
        return found

    def _scale(self, layer: str) -> float:
        """As PEFT has it: patterns go before the adapter's own rank and alpha."""
        rank = _by_pattern(self.config.get("rank_pattern"), layer, self.config["r"])
        alpha = _by_pattern(self.config.get("alpha_pattern"), layer, self.config["lora_alpha"])
        return float(alpha / math.sqrt(rank) if self.config.get("use_rslora") else alpha / rank)


def _by_pattern(pattern: Mapping[str, float] | None, layer: str, default: float) -> float:
    for key, value in (pattern or {}).items():
        if re.match(rf"(.*\.)?({key})$", layer):
            return value
    return default


def read_config(folder: Path) -> dict[str, Any]:
    """Raises BadInput when `folder` holds no adapter's configuration."""
    try:
        config = json.loads((folder / CONFIG).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"这里没有可读的 {CONFIG}，请指向适配器所在的目录", file=folder) from error
    if not isinstance(config, dict):
        raise BadInput(f"{CONFIG} 里应是一个对象", file=folder)
    return config


def read(folder: Path) -> Adapter:
    """Raises BadInput. The base's own embedding, which PEFT sometimes saves along, is left out."""
    config = read_config(folder)
    try:
        tensors = load_file(folder / WEIGHTS)
    except (OSError, SafetensorError) as error:
        raise BadInput(f"读不了 {WEIGHTS}（{error}），文件不在或已损坏", file=folder) from error
    return Adapter(config, {k: t for k, t in tensors.items() if not k.endswith(_UNTRAINED)})


def write(folder: Path, adapter: Adapter, dtype: Dtype = "bfloat16") -> None:
    """Both files into `folder`, which may exist; plain names and numbers, ready for inference."""
    folder.mkdir(parents=True, exist_ok=True)
    kind = getattr(torch, dtype)
    tensors = {k: t.detach().to(kind).contiguous() for k, t in sorted(adapter.tensors.items())}
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
    (folder / WEIGHTS).chmod(0o644)
    config = {k: adapter.config[k] for k in sorted(adapter.config)} | {"inference_mode": True}
    text = json.dumps(config, ensure_ascii=False, indent=2)
    (folder / CONFIG).write_text(text + "\n", "utf-8")


def assemble(changes: Mapping[str, Change], like: Mapping[str, Any]) -> Adapter:
    """A plain LoRA with one rank and scale 1: narrower layers are widened with zeros.

    `like` is a configuration whose other fields (task, target layers, base) are kept.
    """
    rank = max(change.rank for change in changes.values())
    tensors = {}
    for layer, change in changes.items():
        a, b = _widened(change, rank)
        tensors[f"{PREFIX}{layer}.lora_A.weight"] = a
        tensors[f"{PREFIX}{layer}.lora_B.weight"] = b
    plain = {
        "peft_type": "LORA",
        "r": rank,
        "lora_alpha": rank,
        "use_rslora": False,
        "use_dora": False,
        "init_lora_weights": True,
        "rank_pattern": {},
        "alpha_pattern": {},
    }
    return Adapter(dict(like) | plain, tensors)


def _widened(change: Change, rank: int) -> tuple[Tensor, Tensor]:
    missing = rank - change.rank
    a = torch.nn.functional.pad(change.a.float(), (0, 0, 0, missing))
    b = torch.nn.functional.pad(change.scale * change.b.float(), (0, missing))
    return a, b


def together(changes: Iterable[Change]) -> Change:
    """The sum of several changes of one layer, exactly: their ranks add up."""
    parts = list(changes)
    a = torch.cat([part.a.float() for part in parts])
    b = torch.cat([part.scale * part.b.float() for part in parts], dim=1)
    return Change(a, b)


def balanced(change: Change, rank: int | None = None) -> tuple[Change, float]:
    """The same change by its `rank` largest directions, and the share of its norm that is lost.

    By its singular values, so that A and B are no larger than the change itself. A difference of
    two large products (PiSSA minus its start) otherwise drowns in bfloat16's rounding.
    """
    qa, ra = torch.linalg.qr(change.a.double().T)
    qb, rb = torch.linalg.qr(change.scale * change.b.double())
    u, s, vt = torch.linalg.svd(rb @ ra.T)
    kept = min(rank or change.rank, s.numel())
    root = s[:kept].sqrt()
    b, a = (qb @ u[:, :kept]) * root, (root[:, None] * vt[:kept]) @ qa.T
    whole = float(s.square().sum())
    lost = math.sqrt(float(s[kept:].square().sum()) / whole) if whole else 0.0
    return Change(a.float(), b.float()), lost
