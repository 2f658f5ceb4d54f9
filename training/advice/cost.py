"""What a run costs in time and memory, by formula; a probe (`probe`) puts measurements in place.

Time: the products of the forward pass are repeated for the activations' gradients, and once more
for the weights' where every weight is trained. They are held against how fast this machine
multiplies such matrices now. Memory: weights, gradients and the optimizer's numbers, what each
layer keeps of a batch for the way back, and the output head's guesses, a few hundred at a time.
"""

import time
from dataclasses import dataclass
from pathlib import Path

from training.publishing.fingerprint import read_config
from training.publishing.preflight import linear_layers, target_layers
from training.tuning.base import best_device, is_bf16
from training.tuning.config import Recipe

EFFICIENCY = {"cpu": 0.16, "cuda": 0.4}
"""The share of the machine's best product speed that a training step reaches. Seen on a CPU with
AVX512_BF16: LoRA on a 0.5B Qwen, rows of 180 tokens, 32 of 200 GFLOP per second of processor time.
The GPUs' is not measured yet: the middle of what is usual for models of some billions."""
OVERHEAD = 0.6 * 2**30
"""Python, torch and its buffers, bytes."""
GUESSES = 3 * 128 * 2**20
"""The output head's guesses, their gradients and a copy: `training.tuning.head` makes them in
portions."""


@dataclass(frozen=True, slots=True)
class Machine:
    """`product_flops` is what one large matrix product reaches, operations a second;
    `memory` what is free for a run, bytes."""

    device: str
    dtype: str
    product_flops: float
    memory: int

    @property
    def bytes_each(self) -> int:
        return 2 if self.dtype == "bf16" else 4


@dataclass(frozen=True, slots=True)
class Shape:
    """What the cost depends on: numbers in all, in the linear layers and in the output head, and
    how many of them training changes."""

    parameters: int
    linear: int
    head: int
    trained: int
    layers: int
    hidden: int
    inner: int


@dataclass(frozen=True, slots=True)
class Cost:
    """`measured`: by a probe, not by formula."""

    tokens_per_second: float
    peak_bytes: float
    measured: bool = False


def shape_of(recipe: Recipe, base: Path) -> Shape:
    """Raises MissingBase."""
    config = read_config(base)
    layers = linear_layers(base)
    hidden, vocabulary = int(config["hidden_size"]), int(config["vocab_size"])
    linear = sum(out * into for out, into in layers.values())
    head = hidden * vocabulary
    parameters = linear + head * (1 if config.get("tie_word_embeddings") else 2)
    trained = parameters
    if recipe.makes_adapter:
        chosen = target_layers(recipe, base).values()
        trained = recipe.tuning.rank * sum(out + into for out, into in chosen)
    return Shape(
        parameters=parameters,
        linear=linear,
        head=head,
        trained=trained,
        layers=int(config["num_hidden_layers"]),
        hidden=hidden,
        inner=int(config["intermediate_size"]),
    )


def estimate(
    recipe: Recipe, shape: Shape, machine: Machine, *, length: int, longest: int, learned: float
) -> Cost:
    """`length` and `longest` are tokens of the usual and of the longest row of a batch;
    `learned` is the share of tokens that count."""
    reached = EFFICIENCY[machine.device] * machine.product_flops
    speed = reached / _operations(recipe, shape, length, learned)
    return Cost(speed, _memory(recipe, shape, machine, longest))


def _operations(recipe: Recipe, shape: Shape, length: int, learned: float) -> float:
    """A token's multiplications and additions in one step of training. Only tokens that count
    reach the output head."""
    passes = 2.0 if recipe.makes_adapter or recipe.tuning.kind == "badam" else 3.0
    if recipe.checkpoint_activations:
        passes += 1
    # Before the first step the model reads every answer once; KTO reads another's in each step.
    passes += {"dpo": 1 / recipe.epochs, "kto": 1 + 2 / recipe.epochs}.get(recipe.method, 0.0)
    attention = shape.layers * shape.hidden * length
    return passes * 2 * (shape.linear + learned * shape.head + attention)


def _memory(recipe: Recipe, shape: Shape, machine: Machine, longest: int) -> float:
    each = machine.bytes_each
    kind = recipe.tuning.kind
    weights = shape.parameters * (0.6 if kind == "qlora" else each)
    tokens = recipe.batch * longest * (2 if recipe.method == "dpo" else 1)
    kept = 14 * shape.hidden + 4 * shape.inner
    per_layer = tokens * kept * each
    held = per_layer * shape.layers
    if recipe.checkpoint_activations:
        held = per_layer + tokens * shape.hidden * each * shape.layers
    return OVERHEAD + GUESSES + weights + _states(kind, shape) + held


def _states(kind: str, shape: Shape) -> float:
    """Bytes for gradients, exact copies and the optimizer's two means."""
    if kind == "galore":
        return shape.trained * 5.0
    if kind == "badam":
        return shape.trained / shape.layers * 16.0
    return shape.trained * 16.0


def this_machine(recipe: Recipe) -> Machine:
    """Takes half a second to see how fast products are here, now."""
    device = best_device()
    dtype = "bf16" if is_bf16(recipe) else "fp32"
    return Machine(device, dtype, _product_flops(device, dtype), free_memory(device))


def _product_flops(device: str, dtype: str) -> float:
    import torch

    size = 4096 if device == "cuda" else 1024
    kind = torch.bfloat16 if dtype == "bf16" else torch.float32
    one = torch.randn(size, size, device=device).to(kind)
    fastest = float("inf")
    for _ in range(6):
        began = time.perf_counter()
        product = one @ one
        float(product[0, 0])  # waits until a GPU is done
        fastest = min(fastest, time.perf_counter() - began)
    return float(2 * size**3 / fastest)


def free_memory(device: str) -> int:
    """Bytes that a new process could take on `device`."""
    import torch

    if device == "cuda":
        return int(torch.cuda.mem_get_info()[0])
    import psutil

    return int(psutil.virtual_memory().available)
