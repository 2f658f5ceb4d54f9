"""Transformers' Trainer with our rows, our losses, and checkpoints that are whole or not there.

The Trainer brings the loop, accelerate (several GPUs, FSDP, DeepSpeed) and what a checkpoint
must hold to go on exactly: weights, optimizer, schedule, random numbers, the place in the data.
"""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from training.errors import RunFailed
from training.tuning.base import best_device, is_bf16
from training.tuning.batches import Collate, Order, Row, size_of
from training.tuning.config import Recipe
from training.tuning.failures import no_number
from training.tuning.losses import LossOf
from training.tuning.optimizers import make_optimizer
from training.tuning.reference import (
    Reference,
    needs_reference,
    references,
    with_reference,
    write_references,
)
from training.tuning.run_folder import RunFolder

SCHEDULES = {"linear": "linear", "cosine": "cosine", "constant": "constant_with_warmup"}


def arguments(recipe: Recipe, run: RunFolder, *, evaluates: bool, fresh: bool) -> TrainingArguments:
    on_gpu = best_device() == "cuda"
    told = TrainingArguments(
        output_dir=str(run.checkpoints_dir),
        per_device_train_batch_size=recipe.batch,
        gradient_accumulation_steps=recipe.accumulate,
        learning_rate=recipe.learning_rate,
        num_train_epochs=recipe.epochs,
        max_steps=recipe.steps or -1,
        lr_scheduler_type=SCHEDULES[recipe.schedule],
        warmup_steps=recipe.warmup,
        weight_decay=recipe.weight_decay,
        max_grad_norm=recipe.clip,
        seed=recipe.seed,
        bf16=is_bf16(recipe),
        use_cpu=not on_gpu,
        dataloader_pin_memory=on_gpu,
        gradient_checkpointing=recipe.checkpoint_activations,
        gradient_checkpointing_kwargs={"use_reentrant": False},
        logging_steps=1,
        logging_nan_inf_filter=False,
        save_strategy="steps",
        save_steps=recipe.save_every,
        eval_strategy="steps" if evaluates else "no",
        eval_steps=recipe.evaluate_every,
        eval_on_start=evaluates and fresh,
        metric_for_best_model="eval_loss" if evaluates else None,
        greater_is_better=False,
        remove_unused_columns=False,
        ddp_find_unused_parameters=False,
        disable_tqdm=True,
        report_to="none",
    )
    if told.n_gpu > 1:  # several GPUs are torchrun's business; DataParallel would take them all
        told._n_gpu = 1
    return told


class Tuner(Trainer):
    """Trains `model` on rows; everything that watches it is a callback."""

    loss_is_scaled_for_ga = True

    def __init__(
        self,
        model: Any,
        recipe: Recipe,
        run: RunFolder,
        *,
        train: list[Row],
        held_out: list[Row],
        loss: LossOf,
        pad: int,
        callbacks: Sequence[TrainerCallback] = (),
        fresh: bool = True,
    ) -> None:
        self.recipe, self.run, self.loss = recipe, run, loss
        self.rows, self.held_out = train, held_out
        told = arguments(recipe, run, evaluates=bool(held_out), fresh=fresh)
        self.order = Order(
            [size_of(row) for row in train], recipe.batch, recipe.seed, group=told.world_size
        )
        self._facts: dict[str, torch.Tensor] = {}
        self.collate = Collate(pad)
        super().__init__(
            model=model,
            args=told,
            data_collator=self.collate,
            train_dataset=self.rows,
            eval_dataset=held_out or None,
            callbacks=[_Epochs(self), *callbacks],
        )
        self.remove_callback(PrinterCallback)

    # --- data ---------------------------------------------------------------------------

    def get_train_dataloader(self) -> Any:
        rows: Any = self.rows
        loader: Any = torch.utils.data.DataLoader(
            rows,
            batch_sampler=self.order,
            collate_fn=self.collate,
            pin_memory=self.args.dataloader_pin_memory,
            generator=torch.Generator(),
        )
        return self.accelerator.prepare(loader)

    def _get_num_items_in_batch(self, batch_samples: list[Any], device: torch.device) -> Any:
        """What one optimizer step's loss is a mean over, on all devices."""
        count = torch.stack([each["count"] for each in batch_samples]).sum().to(device)
        return self.accelerator.reduce(count, "sum").clamp(min=1)

    # --- loss ---------------------------------------------------------------------------

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        if return_outputs:
            raise NotImplementedError("no logits are made that could be returned")
        found = self.loss(model, inputs)
        self._watch(found.facts | {"count": inputs["count"], "tokens": inputs["tokens"]})
        # Gradients are averaged over the devices, and the count is that of all of them.
        return found.total * self.accelerator.num_processes / num_items_in_batch

    def _watch(self, facts: dict[str, torch.Tensor]) -> None:
        for name, value in facts.items():
            self._facts[name] = self._facts.get(name, 0) + value.detach()

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        if "loss" in logs:
            for name, words in (("loss", "损失"), ("grad_norm", "梯度")):
                if not math.isfinite(logs.get(name, 0.0)):
                    whole = self.run.checkpoints()
                    last = whole[-1].step if whole else None
                    raise no_number(self.state.global_step, words, last)
            logs |= self._told()
        super().log(logs, start_time)

    def _told(self) -> dict[str, float]:
        """Tokens computed since the last step, and the means of what a method watches."""
        told = self.accelerator.reduce(self._facts, "sum") if self._facts else {}
        self._facts = {}
        count, tokens = float(told.pop("count", 1)), float(told.pop("tokens", 0))
        return {name: float(value) / count for name, value in told.items()} | {"tokens": tokens}

    # --- before training, and held out --------------------------------------------------

    def refer(self) -> None:
        """Write into every judged row what the model says of its answers now."""
        model = self.model_wrapped
        model.eval()
        with torch.no_grad():
            for rows in (self.rows, self.held_out):
                self._refer(model, rows)

    def _refer(self, model: Any, rows: list[Row]) -> None:
        from accelerate.utils import gather_object

        found: list[tuple[int, Reference]] = []
        for at, counts in self._batches(rows):
            inputs = self._prepare_inputs(self.collate([rows[each] for each in at]))
            told = references(model, inputs)
            found += zip(at, told, strict=True) if counts else []
        for at, reference in gather_object(found):
            rows[at] = with_reference(rows[at], reference)

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """The exact mean over everything held out, however it falls into batches."""
        model = self.model_wrapped
        model.eval()
        total = torch.zeros(2, dtype=torch.float64, device=self.args.device)
        with torch.no_grad():
            for at, counts in self._batches(self.held_out):
                inputs = self._prepare_inputs(self.collate([self.held_out[each] for each in at]))
                loss = self.loss(model, inputs).total
                total += torch.stack([loss.double(), inputs["count"].double()]) * float(counts)
        total = self.accelerator.reduce(total, "sum")
        metrics = {"eval_loss": float(total[0] / total[1].clamp(min=1))}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, metrics
        )
        return metrics

    def _batches(self, rows: Sequence[Row]) -> Iterator[tuple[list[int], bool]]:
        """This process's batches of all rows, longest first, and whether each counts: all
        processes do as many, for the shards of a model are gathered together."""
        order = sorted(range(len(rows)), key=lambda each: -size_of(rows[each]))
        batch, world = self.recipe.batch, self.args.world_size
        batches = [order[at : at + batch] for at in range(0, len(order), batch)]
        for at in range(self.args.process_index, -(-len(batches) // world) * world, world):
            counts = at < len(batches)
            yield batches[at if counts else -1], counts

    def _determine_best_metric(self, metrics: dict[str, float], trial: Any) -> bool:
        """A new best is worth a checkpoint of its own."""
        is_best = bool(super()._determine_best_metric(metrics, trial))
        if is_best:
            self.control.should_save = True
        return is_best

    # --- weights ------------------------------------------------------------------------

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        if self.optimizer is None:
            trained: Any = self.model if model is None else model
            decayed = set(self.get_decay_parameter_names(trained))
            self.optimizer = make_optimizer(trained, self.recipe, decayed)
        return self.optimizer

    def _get_output_dir(self, trial: Any) -> str:
        """Only while a checkpoint is saved: a folder beside the others."""
        del trial
        return str(self.run.unfinished)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        step, main = self.state.global_step, self.is_world_process_zero()
        if main:
            self.run.begin_checkpoint()
        self.accelerator.wait_for_everyone()
        super()._save_checkpoint(model, trial)
        self.accelerator.wait_for_everyone()
        if main:
            self.run.finish_checkpoint(step, f"checkpoint-{step}")
            self.run.keep_checkpoints(self.recipe.keep, self.state.best_global_step)
        self.accelerator.wait_for_everyone()


class _Epochs(TrainerCallback):
    """Another order of the rows in every epoch, the same one when it is resumed; and before the
    first step, what the untrained model says of judged rows."""

    def __init__(self, tuner: Tuner) -> None:
        self._tuner = tuner

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        del args, control
        tuner = self._tuner
        if needs_reference(tuner.rows):
            if state.global_step:
                raise RunFailed("这次训练缺 reference.json，不能接着练；请重新开始。")
            tuner.refer()
            if tuner.is_world_process_zero():
                write_references(tuner.run.references, tuner.rows, tuner.held_out)

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        del args, control
        self._tuner.order.set_epoch(int(state.epoch or 0))


def saved_weights(checkpoint: Path) -> bool:
    """Whether a checkpoint holds its weights in one piece, as publishing needs them."""
    names = ("adapter_model.safetensors", "model.safetensors", "model.safetensors.index.json")
    return any((checkpoint / name).is_file() for name in names)
