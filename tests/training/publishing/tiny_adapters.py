"""Adapters of every kind for the tiny base, trained for a few real steps, and their logits."""

from pathlib import Path
from typing import Any

import peft
import torch
from transformers import AutoModelForCausalLM

TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
ROWS = torch.tensor([[5, 300, 41, 77, 512, 9, 260, 33], [8, 90, 601, 14, 15, 333, 7, 2]])
"""Token numbers to train on and to compare logits with."""


def trained(base: Path, folder: Path, *, steps: int = 4, seed: int = 3, **config: Any) -> Path:
    """An adapter after a few steps of AdamW, as PEFT saves it; its start lies in `initial/`."""
    torch.manual_seed(seed)
    wanted = {"r": 4, "lora_alpha": 8, "target_modules": TARGETS} | config
    model = peft.get_peft_model(
        AutoModelForCausalLM.from_pretrained(base),
        peft.LoraConfig(task_type="CAUSAL_LM", **wanted),
    )
    model.save_pretrained(folder / "initial")
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=5e-3)
    for _ in range(steps):
        model(input_ids=ROWS, labels=ROWS).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.save_pretrained(folder)
    torch.save(logits(model), folder / "logits.pt")
    return folder


def as_trained(folder: Path) -> torch.Tensor:
    """The logits that the model had when its training ended."""
    told: torch.Tensor = torch.load(folder / "logits.pt")
    return told


def logits(model: torch.nn.Module) -> torch.Tensor:
    with torch.no_grad():
        told: torch.Tensor = model.eval()(input_ids=ROWS).logits
    return told


def with_adapter(base: Path, folder: Path) -> torch.nn.Module:
    """The base in float32 with the adapter on top, by PEFT itself."""
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    adapted: torch.nn.Module = peft.PeftModel.from_pretrained(model, folder)
    return adapted


def without(base: Path) -> torch.nn.Module:
    model: torch.nn.Module = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    return model
