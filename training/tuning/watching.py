"""A run as others see it: status, log, TensorBoard, samples, warnings; and the wish to stop."""

import resource
import time
from collections import deque
from dataclasses import replace
from typing import Any

import torch
from accelerate import PartialState
from accelerate.utils import broadcast_object_list
from transformers import IntervalStrategy, TrainerCallback

from training.tuning.config import Recipe
from training.tuning.run_folder import RunFolder
from training.tuning.samples import Sample, Sampler
from training.tuning.watchdog import Alarm, Watchdog
from training.types import Progress

SMOOTHING = 0.95
RECENT = 20
"""Steps whose speed tells how long the others will take."""
_LOGGED = {"loss": "loss", "learning_rate": "lr", "grad_norm": "grad_norm", "tokens": "tokens"}
_NOT_A_FACT = {*_LOGGED, "epoch", "step"}


class Watch(TrainerCallback):
    """Only the main process writes; all of them hear the wish to stop in the same step."""

    def __init__(
        self, run: RunFolder, recipe: Recipe, *, sampler: Sampler | None, progress: Progress | None
    ) -> None:
        self.run, self.recipe = run, recipe
        self._sampler, self._progress = sampler, progress
        self._main = PartialState().is_main_process
        self._watchdog = Watchdog()
        self._mean = _Smoothed()
        self._recent: deque[tuple[float, float]] = deque(maxlen=RECENT)
        self._status = run.status()
        self._before, self._began = self._status.seconds, time.monotonic()
        self._step_began = self._began
        self._board: Any = None
        for entry in run.entries():
            self._remember(entry)

    def _remember(self, entry: dict[str, Any]) -> None:
        """A resumed run goes on as if it had never stopped."""
        value = entry.get("loss")
        if entry["type"] == "step" and value is not None:
            self._mean.add(value)
            self._watchdog.stepped(value)
        elif entry["type"] == "eval" and value is not None:
            self._watchdog.evaluated(entry["step"], value)
        elif entry["type"] == "sample" and entry["step"]:
            self._watchdog.sampled(entry["step"], entry["text"])
        elif entry["type"] == "sample" and self._sampler:
            self._sampler.bases.append(Sample(entry["prompt"], entry["text"], entry["sampled"]))

    # --- the Trainer's events -----------------------------------------------------------

    def on_train_begin(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        del args, control
        if not self._main:
            return
        from torch.utils.tensorboard import SummaryWriter

        writer: Any = SummaryWriter
        self._board = writer(str(self.run.tensorboard), purge_step=state.global_step + 1)
        self._tell(state="running", steps=state.max_steps, epochs=float(state.num_train_epochs),
                   step=state.global_step)  # fmt: skip
        if self._samples_now(0) and state.global_step == 0:
            self._sample(given["model"], 0)

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        del args, state, control
        self._step_began = time.monotonic()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        last = state.global_step >= state.max_steps
        if last and args.eval_strategy != IntervalStrategy.NO:
            control.should_evaluate = True
        if self._stop_wished() and not last:
            if self._main:
                self._tell(state="stopping", message="正在存档，随后停下。")
            control.should_save = control.should_training_stop = True

    def on_log(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        del args, control
        logs = given["logs"]
        if not self._main or "loss" not in logs:
            return
        seconds = time.monotonic() - self._step_began
        self._recent.append((logs["tokens"], seconds))
        smoothed = self._mean.add(logs["loss"])
        facts = {name: value for name, value in logs.items() if name not in _NOT_A_FACT}
        entry = {ours: logs.get(theirs) for theirs, ours in _LOGGED.items()}
        self.run.log("step", step=state.global_step, epoch=state.epoch, seconds=seconds,
                     **entry, **facts)  # fmt: skip
        self._draw("step", {**entry, **facts}, state.global_step)
        for alarm in self._watchdog.stepped(logs["loss"]):
            self._warn(alarm, state.global_step)
        rate, left = self._pace(state.max_steps - state.global_step)
        self._tell(step=state.global_step, epoch=state.epoch, loss=logs["loss"], smoothed=smoothed,
                   learning_rate=logs.get("learning_rate"), tokens_per_second=rate,
                   eta_seconds=left, best_step=state.best_global_step)  # fmt: skip
        if self._progress:
            note = f"损失 {smoothed:.3f}，还要 {_span(left)}"
            self._progress(state.global_step, state.max_steps, note)
        if self._samples_now(state.global_step):
            self._sample(given["model"], state.global_step)

    def on_evaluate(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        del args, control
        if not self._main:
            return
        step, loss = state.global_step, given["metrics"]["eval_loss"]
        self.run.log("eval", step=step, loss=loss)
        self._draw("eval", {"loss": loss}, step)
        for alarm in self._watchdog.evaluated(step, loss):
            self._warn(alarm, step)
        self._tell(eval_loss=loss)

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        del args, control
        if self._main:
            step = state.global_step
            self.run.log("checkpoint", step=step, path=f"checkpoints/step-{step}")
            self._tell(best_step=state.best_global_step)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        del args, control
        if not self._main:
            return
        for alarm in self._watchdog.ended() if state.global_step >= state.max_steps else ():
            self._warn(alarm, state.global_step)
        self._board.close()

    # --- what they lead to --------------------------------------------------------------

    def _tell(self, **changes: Any) -> None:
        told = {"seconds": self._before + time.monotonic() - self._began,
                "peak_memory_bytes": peak_memory()}  # fmt: skip
        self._status = replace(self._status, **told | changes)
        self.run.write(self._status)

    def _warn(self, alarm: Alarm, step: int) -> None:
        self.run.log("warning", step=step, code=alarm.code, message=alarm.message,
                     facts=alarm.facts)  # fmt: skip
        self._tell(warnings=(*self._status.warnings, alarm.message))

    def _draw(self, group: str, values: dict[str, Any], step: int) -> None:
        for name, value in values.items():
            if self._board is not None and value is not None:
                self._board.add_scalar(f"{group}/{name}", value, step)

    def _pace(self, steps_left: int) -> tuple[float, float]:
        """Tokens a second of late, and seconds until the end at that pace."""
        seconds = sum(each for _, each in self._recent)
        tokens = sum(each for each, _ in self._recent)
        return tokens / max(seconds, 1e-9), steps_left * seconds / len(self._recent)

    def _stop_wished(self) -> bool:
        wished = [self._main and self.run.stop_asked()]
        if PartialState().num_processes > 1:
            broadcast_object_list(wished, from_process=0)
        return wished[0]

    def _samples_now(self, step: int) -> bool:
        every = self.recipe.sample_every
        return self._sampler is not None and bool(every) and step % every == 0

    def _sample(self, model: Any, step: int) -> None:
        assert self._sampler is not None
        bases = self._sampler.write_base(model)
        own = bases if step == 0 else self._sampler.write(model)
        for base, sample in zip(bases, own, strict=True):
            beside = {"base": base.text, "base_sampled": base.sampled} if step else {}
            self.run.log("sample", step=step, prompt=sample.prompt, text=sample.text,
                         sampled=sample.sampled, **beside)  # fmt: skip
            if self._board is not None:
                self._board.add_text(sample.prompt[-40:], sample.text, step)
            for alarm in self._watchdog.sampled(step, sample.text) if step else ():
                self._warn(alarm, step)


class _Smoothed:
    """An exponential mean that the first values do not weigh down."""

    def __init__(self) -> None:
        self._sum = self._weight = 0.0

    def add(self, value: float) -> float:
        self._sum = SMOOTHING * self._sum + (1 - SMOOTHING) * value
        self._weight = SMOOTHING * self._weight + (1 - SMOOTHING)
        return self._sum / self._weight


def peak_memory() -> int:
    """Bytes: of the GPU where there is one, else of this process."""
    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_reserved())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _span(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{seconds:.0f} 秒"
    return f"{minutes} 分" if minutes < 120 else f"{minutes / 60:.1f} 小时"
