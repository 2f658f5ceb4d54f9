"""What a machine that is too small for a recipe is told to lower: only what this recipe has."""

from pathlib import Path
from typing import Any

import pytest
import torch

from training.tuning.config import Recipe
from training.tuning.failures import explained


def told(error: BaseException, **changes: Any) -> str:
    recipe = Recipe.parse({"name": "a", "base": "b", "data": "c", "length": 2048} | changes)
    return str(explained(error, Path("/"), recipe))


ON_GPU = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")


@pytest.mark.parametrize(
    ("changes", "there", "absent"),
    [
        ({"batch": 4, "accumulate": 2}, ["batch 从 4 减到 2，accumulate 加到 4", "qlora"], []),
        ({"batch": 3}, ["batch 从 3 减到 1，accumulate 加到 24"], []),
        ({}, ["checkpoint_activations", "length 从 2,048 减小"], ["batch"]),
        ({"checkpoint_activations": True}, ["更小的底座"], ["checkpoint_activations"]),
        ({"tuning": {"kind": "qlora"}}, ["更小的底座"], ["改用"]),
        ({"tuning": {"kind": "full"}}, ["改用 lora，不练全部参数"], ["qlora"]),
    ],
)
def test_what_there_is_to_lower(
    changes: dict[str, Any], there: list[str], absent: list[str]
) -> None:
    said = told(ON_GPU, **changes)
    assert said.startswith("显存不够")
    assert [words for words in there if words not in said] == []
    assert [words for words in absent if words in said] == []


def test_nobody_is_sent_to_a_gpu_that_is_not_there() -> None:
    said = told(RuntimeError("DefaultCPUAllocator: can't allocate memory"))
    assert said.startswith("内存不够")
    assert "qlora" not in said
