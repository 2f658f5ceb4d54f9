"""Two or more adapters of one base become one: a weighted sum of what each changes.

The sum is exact, and its rank is the ranks' sum; a smaller rank keeps the largest directions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from training.errors import BadInput, NotServable
from training.publishing import convert, lora
from training.publishing.lora import Adapter, Change
from training.publishing.rules import RANKS


@dataclass(frozen=True, slots=True)
class Part:
    """`weight` 1 is the adapter as it is; negative weights take away."""

    adapter: Adapter
    weight: float


@dataclass(frozen=True, slots=True)
class Blend:
    """`lost` is the share of the largest layer loss, by norm; 0 where nothing was cut."""

    adapter: Adapter
    lost: float = 0.0


def blend(parts: Sequence[Part], rank: int | None = None) -> Blend:
    """Raises BadInput for layers that do not fit together, NotServable for a rank over vLLM's.

    A weight of 0 leaves its adapter out, so that (1, 0) is the first one, number for number.
    """
    given = [Part(convert.as_plain(part.adapter)[0], part.weight) for part in parts]
    used = [part for part in given if part.weight]
    if not used:
        raise BadInput("权重全是 0，混合出来什么也没有")
    if len(used) == 1 and used[0].weight == 1 and rank is None:
        return Blend(used[0].adapter)
    sums = {layer: lora.together(changes) for layer, changes in _by_layer(used).items()}
    widest = max(change.rank for change in sums.values())
    if rank is None and widest > RANKS[-1]:
        raise NotServable(f"混合后秩为 {widest}，超过引擎的上限 {RANKS[-1]}，请用 --rank 压缩。")
    lost = 0.0
    if rank is not None:
        cut = {layer: lora.balanced(change, rank) for layer, change in sums.items()}
        sums = {layer: change for layer, (change, _) in cut.items()}
        lost = max(share for _, share in cut.values())
    return Blend(lora.assemble(sums, _config(used)), lost)


def _by_layer(parts: Sequence[Part]) -> dict[str, list[Change]]:
    """Layers that only some of the adapters change are among them."""
    found: dict[str, list[Change]] = {}
    for part in parts:
        for layer, change in part.adapter.changes().items():
            others = found.setdefault(layer, [])
            if others and _shape(others[0]) != _shape(change):
                raise BadInput(
                    f"这些适配器不是同一个底座的：{layer} 一个是 {_shape(others[0])}，"
                    f"一个是 {_shape(change)}"
                )
            others.append(change.times(part.weight))
    return found


def _shape(change: Change) -> tuple[int, int]:
    return int(change.b.shape[0]), int(change.a.shape[1])


def _config(parts: Sequence[Part]) -> dict[str, Any]:
    """The first one's, aiming at every layer that any of them changes."""
    targets = [part.adapter.config.get("target_modules") for part in parts]
    config = dict(parts[0].adapter.config) | {"lora_dropout": 0.0}
    if all(isinstance(each, list) for each in targets):
        return config | {
            "target_modules": sorted({name for each in targets for name in each or ()})
        }
    layers = sorted({layer for part in parts for layer in part.adapter.changes()})
    return config | {"target_modules": layers}
