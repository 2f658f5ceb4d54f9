"""Would the server take it? Asked of a recipe before training, of an adapter's files after.

`before` reads a recipe and the base's file headers; `inspect` reads an adapter's tensors. What
needs the model itself is in `trial`.
"""

from pathlib import Path

from training.errors import BadInput
from training.findings import Finding
from training.publishing.fingerprint import tensor_shapes
from training.publishing.rules import (
    DESK_RANK,
    MIB,
    MOST_BYTES,
    RANKS,
    largest_rank,
    problems,
    served_rank,
    tensor_problems,
)
from training.tuning.config import Recipe

BF16 = 2
_HEADS = ("lm_head", "embed_tokens")


def before(recipe: Recipe, base: Path) -> list[Finding]:
    """What vLLM will say to what this recipe makes. Raises MissingBase."""
    if not recipe.makes_adapter:
        kind = recipe.tuning.kind
        return [
            Finding(
                "served_as", "note",
                f"{kind} 改的是整个模型，练成后用 yanchi serve --model 服务它，不能作为适配器发布；"
                "想随时换、随时退，请用 lora。",
                kind, "lora", "served_as.model", {"kind": kind},
            )
        ]  # fmt: skip
    return [_kind(recipe), _rank(recipe), *_targets(recipe, base)]


def final_rank(recipe: Recipe) -> int:
    """Of the adapter that is published: PiSSA's is twice the trained one."""
    return recipe.tuning.rank * (2 if recipe.tuning.kind == "pissa" else 1)


def _kind(recipe: Recipe) -> Finding:
    kind = recipe.tuning.kind
    if kind == "dora":
        return Finding(
            "tuning.kind", "warn",
            "引擎不能把 DoRA 当适配器服务：练成后要用 yanchi adapters merge 并入模型；"
            "想直接发布，请改用 rslora。",
            kind, "rslora", "kind.dora",
        )  # fmt: skip
    if kind == "qlora":
        return Finding(
            "tuning.kind", "note",
            "qlora 在四比特的底座上练，服务时底座是完整的：发布后请比对一次效果。", kind,
            says="kind.qlora",
        )  # fmt: skip
    words = "会转成普通 LoRA 再发布" if kind == "pissa" else "引擎可以直接服务"
    says = "kind.converted" if kind == "pissa" else "kind.served"
    return Finding("tuning.kind", "ok", f"{kind}：{words}。", kind, says=says, facts={"kind": kind})


def _rank(recipe: Recipe) -> Finding:
    rank, told = final_rank(recipe), recipe.tuning.rank
    facts = {"rank": rank, "told": told, "most": RANKS[-1], "served": served_rank(rank)}
    twice = f"（pissa 的秩 {told} 转换后加倍）" if rank != told else ""
    if recipe.tuning.kind == "dora":
        return Finding("tuning.rank", "ok", f"秩 {rank}：并入模型后没有秩的限制。", told,
                       says="rank.merged", facts=facts)  # fmt: skip
    if rank > RANKS[-1]:
        return Finding(
            "tuning.rank", "stop", f"秩 {rank}{twice}超过引擎的上限 {RANKS[-1]}，请调小。",
            told, told * RANKS[-1] // rank, "rank.over", facts,
        )  # fmt: skip
    if rank > DESK_RANK:
        return Finding(
            "tuning.rank", "warn",
            f"秩 {rank}{twice}超过书桌默认的上限 {DESK_RANK}：服务时要设"
            f" YANCHI_MAX_LORA_RANK={served_rank(rank)}，每个请求也会慢一些。",
            told, told * DESK_RANK // rank, "rank.desk", facts | {"most": DESK_RANK},
        )  # fmt: skip
    if served_rank(rank) != rank:
        return Finding(
            "tuning.rank", "note",
            f"秩 {rank}{twice}会以 {served_rank(rank)} 服务：一样快，不妨直接用满。",
            told, told * served_rank(rank) // rank, "rank.filled", facts,
        )  # fmt: skip
    return Finding("tuning.rank", "ok", f"秩 {rank}{twice}，引擎可以直接服务。", told,
                   says="rank.served", facts=facts)  # fmt: skip


def _targets(recipe: Recipe, base: Path) -> list[Finding]:
    targets, layers = recipe.tuning.targets, linear_layers(base)
    if targets != "all-linear":
        heads = [name for name in targets if name in _HEADS]
        if heads:
            return [
                Finding(
                    "tuning.targets", "stop",
                    f"{'、'.join(heads)} 是词表，引擎不能把它当适配器载入，请去掉。",
                    list(targets), [name for name in targets if name not in heads],
                    "targets.heads", {"names": heads},
                )
            ]  # fmt: skip
        known = sorted({name.rpartition(".")[2] for name in layers})
        strange = sorted({*targets} - {*known})
        if strange:
            return [
                Finding(
                    "tuning.targets", "stop",
                    f"底座里没有叫 {'、'.join(strange)} 的线性层，"
                    f"它有 {'、'.join(known)}。",
                    list(targets), "all-linear",
                    "targets.unknown", {"names": strange, "known": known},
                )
            ]  # fmt: skip
    return [_size(recipe, base)]


def _size(recipe: Recipe, base: Path) -> Finding:
    size = adapter_parameters(recipe, base) * BF16
    words = f"发布后的适配器约 {size / MIB:.1f} MiB"
    if recipe.tuning.kind == "dora" or size <= MOST_BYTES:
        return Finding("adapter_bytes", "ok", f"{words}。", size,
                       says="bytes.fine", facts={"bytes": size})  # fmt: skip
    fitting = max(1, recipe.tuning.rank * MOST_BYTES // size)
    return Finding(
        "adapter_bytes", "note",
        f"{words}，超过随项目分发的上限 {MOST_BYTES // MIB} MiB；自己用不要紧，"
        f"要分发请把秩降到 {fitting} 以下。",
        size, says="bytes.large", facts={"bytes": size, "most": MOST_BYTES, "rank": fitting},
    )  # fmt: skip


def adapter_parameters(recipe: Recipe, base: Path) -> int:
    """Numbers in the published adapter."""
    chosen = target_layers(recipe, base).values()
    return final_rank(recipe) * sum(out + into for out, into in chosen)


def target_layers(recipe: Recipe, base: Path) -> dict[str, tuple[int, int]]:
    """[out, in] of each layer that the recipe trains."""
    targets, layers = recipe.tuning.targets, linear_layers(base)
    if targets == "all-linear":
        return layers
    return {name: shape for name, shape in layers.items() if name.rpartition(".")[2] in targets}


def linear_layers(base: Path) -> dict[str, tuple[int, int]]:
    """[out, in] of every linear layer but the output head, by name. Raises MissingBase."""
    found = {}
    for name, shape in tensor_shapes(base).items():
        layer = name.removesuffix(".weight")
        if layer != name and len(shape) == 2 and not layer.endswith(_HEADS):
            found[layer] = (shape[0], shape[1])
    return found


def inspect(adapter: Path, max_rank: int = RANKS[-1]) -> list[Finding]:
    """An adapter's files against vLLM's rules and against being broken or empty."""
    from training.publishing import lora

    try:
        held = lora.read(adapter)
    except BadInput as error:
        return [Finding("files", "stop", f"{error}。")]
    refused = [*problems(held.config, max_rank), *tensor_problems(held.tensors)]
    if refused:
        return [Finding("vllm", "stop", f"{each}。") for each in refused]
    rank = largest_rank(held.config)
    told = [Finding("rank", "ok", f"秩 {rank}，以 {served_rank(rank)} 服务。", rank)]
    broken = [name for name, tensor in held.tensors.items() if not bool(tensor.isfinite().all())]
    if broken:
        told.append(
            Finding("finite", "stop", f"{len(broken)} 个张量里有不是数的值（如 {broken[0]}）。")
        )
    dead = [n for n, tensor in held.tensors.items() if ".lora_B." in n and not bool(tensor.any())]
    layers = len(held.tensors) // 2
    if len(dead) == layers:
        told.append(Finding("learned", "stop", "它什么也没有学到：所有的 B 都是零。"))
    elif dead:
        told.append(Finding("learned", "note", f"{layers} 层里有 {len(dead)} 层没有变化。", layers))
    return told
