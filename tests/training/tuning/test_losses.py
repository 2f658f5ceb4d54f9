"""DPO and KTO cost what TRL's own trainers say of the same tokens."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import DPOConfig, DPOTrainer, KTOConfig, KTOTrainer

from training.tuning import head
from training.tuning.batches import Collate, Judged
from training.tuning.config import PreferenceLoss
from training.tuning.losses import Dpo, Kto
from training.tuning.masks import Example

SETTINGS = PreferenceLoss(beta=0.3, sft_weight=0.5, desirable_weight=1.2, undesirable_weight=0.8)


def answered(prompt: int, answer: int, seed: int) -> Example:
    ids = np.random.default_rng(seed).integers(3, 640, prompt + answer).tolist()
    return Example.answered(ids[:prompt], ids[prompt:])


def model(base: Path) -> Any:
    causal = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    head.attach(causal)
    return causal


def trl_inputs(batch: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Our batch under TRL's names; every token but the padding is attended to."""
    ids = batch["input_ids"]
    return {
        f"{prefix}input_ids": ids,
        f"{prefix}attention_mask": (ids != 0).long(),
        f"{prefix}completion_mask": (batch["labels"] != -100).long(),
    }


def common(folder: Path) -> dict[str, Any]:
    return {
        "output_dir": str(folder), "use_cpu": True, "bf16": False, "report_to": "none",
        "beta": SETTINGS.beta, "precompute_ref_log_probs": True,
    }  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("rows", "sft_weight"), [(3, 0.0), (1, 0.5)])
def test_dpo_is_trls(base: Path, tmp_path: Path, rows: int, sft_weight: float) -> None:
    """TRL takes the SFT mean over a batch's tokens, ours over each answer's: one row agrees."""
    judged = [
        Judged(
            (answered(5 + at, 7, 10 + at), answered(5 + at, 4, 20 + at)),
            (True, False),
            reference=(-40.0 - at, -30.0),
        )
        for at in range(rows)
    ]
    batch = Collate(0)(judged)
    settings = SETTINGS.model_copy(update={"sft_weight": sft_weight})
    ours = Dpo(settings)(model(base), batch).total.item() / rows
    trainer = DPOTrainer(
        model=AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32),
        args=DPOConfig(
            **common(tmp_path), loss_type=["sigmoid", "sft"], loss_weights=[1.0, sft_weight]
        ),
        train_dataset=Dataset.from_dict({"prompt": ["a"], "chosen": ["b"], "rejected": ["c"]}),
        processing_class=AutoTokenizer.from_pretrained(base),
    )
    chosen, rejected = batch["reference"].chunk(2)
    theirs = trainer.compute_loss(
        trainer.model,
        trl_inputs(batch) | {"ref_chosen_logps": chosen, "ref_rejected_logps": rejected},
    )
    assert ours == pytest.approx(theirs.item(), abs=1e-4)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("drift", [-50.0, 5.0])
def test_kto_is_trls(base: Path, tmp_path: Path, drift: float) -> None:
    """`drift` moves the strangers' reference, so that z is once 0 and once above it."""
    judged = [
        Judged((answered(6, 5 + at, at),), (at % 2 == 0,), (answered(6, 4, 30 + at),),
               reference=(-35.0 - 5 * at, -28.0 - drift))
        for at in range(4)
    ]  # fmt: skip
    batch = Collate(0)(judged)
    settings = SETTINGS.model_copy(update={"sft_weight": 0.0})
    ours = Kto(settings)(model(base), batch).total.item() / len(judged)
    trainer = KTOTrainer(
        model=AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32),
        args=KTOConfig(
            **common(tmp_path), desirable_weight=1.2, undesirable_weight=0.8,
            per_device_train_batch_size=2,
        ),
        train_dataset=Dataset.from_dict(
            {"prompt": ["a", "b"], "completion": ["c", "d"], "label": [True, False]}
        ),
        processing_class=AutoTokenizer.from_pretrained(base),
    )  # fmt: skip
    strange = {name.removeprefix("strange_"): v for name, v in batch.items() if "strange_" in name}
    theirs = trainer.compute_loss(
        trainer.model,
        trl_inputs(batch) | trl_inputs(strange, "KL_") | {
            "label": batch["desirable"], "ref_logps": batch["reference"],
            "ref_KL_logps": strange["reference"],
        },
    )  # fmt: skip
    assert ours == pytest.approx(theirs.item(), abs=1e-4)


def test_the_sft_term_is_the_chosen_answers_mean(base: Path) -> None:
    """Of KTO: added for chosen answers alone."""
    causal = model(base)
    costs = []
    for wanted in (True, False):
        row = Judged(
            (answered(6, 5, 1),), (wanted,), (answered(6, 4, 2),), reference=(-35.0, -28.0)
        )
        with_sft, without = (
            Kto(SETTINGS.model_copy(update={"sft_weight": weight}))(causal, Collate(0)([row])).total
            for weight in (0.5, 0.0)
        )
        costs.append((with_sft - without).item())
    batch = Collate(0)([(answered(6, 5, 1),)])
    mean = -causal(input_ids=batch["input_ids"], labels=batch["labels"], scored=True).log_probs
    assert costs[0] == pytest.approx(0.5 * mean.sum().item() / 5, abs=1e-4)
    assert costs[1] == 0
