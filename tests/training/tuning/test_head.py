"""Likelihoods of learned tokens without the logits of the others: the same numbers, the same
gradients."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from training.tuning import head
from training.tuning.batches import IGNORED


def load(base: Path, dtype: torch.dtype = torch.float32) -> Any:
    return AutoModelForCausalLM.from_pretrained(base, dtype=dtype)


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    ids = torch.randint(0, 640, (3, 21), generator=generator)
    labels = torch.where(torch.rand((3, 21), generator=generator) < 0.5, ids, IGNORED)
    labels[1] = IGNORED
    return ids, labels


def by_full_logits(model: Any, ids: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    log_probs = model(input_ids=ids).logits[:, :-1].float().log_softmax(-1)
    found = log_probs.gather(-1, labels[:, 1:].clamp(min=0)[..., None])[..., 0]
    return found.masked_fill(labels[:, 1:] == IGNORED, 0)


@pytest.mark.parametrize("trains_head", [False, True])
@pytest.mark.parametrize("at_once", [2**20, 64 * 4 * 1024])
def test_same_likelihoods_and_gradients(
    base: Path, monkeypatch: pytest.MonkeyPatch, trains_head: bool, at_once: int
) -> None:
    monkeypatch.setattr(head, "BYTES_AT_ONCE", at_once)
    ids, labels = batch()
    weights = torch.rand((3, 20), generator=torch.Generator().manual_seed(5))
    grads = []
    for scored in (False, True):
        model = load(base)
        model.get_output_embeddings().weight.requires_grad_(trains_head)
        if scored:
            head.attach(model)
            found = model(input_ids=ids, labels=labels, scored=True).log_probs
        else:
            found = by_full_logits(model, ids, labels)
        (found * weights).sum().backward()
        grads.append((found.detach(), {n: p.grad for n, p in model.named_parameters()}))
    torch.testing.assert_close(grads[0][0], grads[1][0], atol=1e-5, rtol=1e-5)
    assert any(grad is not None for grad in grads[0][1].values())
    for name, grad in grads[0][1].items():
        torch.testing.assert_close(grad, grads[1][1][name], atol=1e-5, rtol=1e-4)


def test_bf16_is_as_near_as_bf16_can_be(base: Path) -> None:
    ids, labels = batch()
    exact = by_full_logits(load(base), ids, labels)
    model = load(base, torch.bfloat16)
    head.attach(model)
    found = model(input_ids=ids, labels=labels, scored=True).log_probs
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, exact, atol=0.05, rtol=0.02)


def test_a_batch_without_answers_is_a_zero_that_can_be_learned_from(base: Path) -> None:
    model = load(base)
    head.attach(model)
    ids, labels = batch()
    loss = model(input_ids=ids, labels=torch.full_like(labels, IGNORED), scored=True).log_probs
    loss.sum().backward()
    assert loss.sum().item() == 0
    grads = [each.grad for each in model.parameters() if each.grad is not None]
    assert grads
    assert all(float(grad.abs().sum()) == 0 for grad in grads)


def test_models_that_bend_their_logits_are_scored_by_them(base: Path) -> None:
    model = load(base)
    ids, labels = batch()
    exact = by_full_logits(model, ids, labels)
    model.config.final_logit_softcapping = 30.0
    head.attach(model)
    found = model(input_ids=ids, labels=labels, scored=True).log_probs
    torch.testing.assert_close(found, exact)


def test_generation_is_as_before(base: Path) -> None:
    ids, _ = batch()
    texts = []
    for attached in (False, True):
        model = load(base)
        if attached:
            head.attach(model)
        mask = torch.ones_like(ids)
        texts.append(model.generate(ids, attention_mask=mask, max_new_tokens=8, do_sample=False))
    assert torch.equal(*texts)
