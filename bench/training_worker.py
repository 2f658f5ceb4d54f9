"""One go at the same training, in a process of its own: by us, or by plain TRL.

`python -m bench.training_worker ours|trl SETTINGS.json` prints one JSON object. Both read the
same rows, take the same steps and are timed by the same callback, from the end of the first step
to the end of the last; tokens are those of the rows, padding not counted.
"""

import json
import os
import resource
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback

WARM_UP = 1
"""Optimizer steps before the clock starts."""


@dataclass(frozen=True)
class Settings:
    """`rows` are chats of one question and one answer; all of them are seen once."""

    model: str
    rows: list[dict[str, Any]]
    batch: int
    accumulate: int
    length: int
    bf16: bool
    rank: int
    folder: str


@dataclass(frozen=True)
class Told:
    """Rates are tokens a second: of the clock, and of the processor's time on all cores. Peak
    memory is the GPU's where there is one, else the process's. `learned` is how many tokens of
    all rows the loss counts."""

    tokens: int
    learned: int
    rate: float
    cpu_rate: float
    peak_bytes: int
    losses: list[float]


class Clock(TrainerCallback):
    """Also hears the losses."""

    def __init__(self) -> None:
        self.losses: list[float] = []
        self._began = self._ended = (0.0, 0.0)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        del args, control
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        now = (time.perf_counter(), time.process_time())
        if state.global_step == WARM_UP:
            self._began = now
        self._ended = now

    def on_log(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        del args, state, control
        if "loss" in given["logs"]:
            self.losses.append(round(float(given["logs"]["loss"]), 4))

    def told(self, step_tokens: list[int], learned: int) -> Told:
        tokens = sum(step_tokens[WARM_UP:])
        wall, cpu = (end - begin for begin, end in zip(self._began, self._ended, strict=True))
        on_gpu = torch.cuda.is_available()
        peak = torch.cuda.max_memory_allocated() if on_gpu else (
            resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)  # fmt: skip
        return Told(tokens, learned, tokens / wall, tokens / cpu, int(peak), self.losses)


def ours(settings: Settings) -> Told:
    from training.data.store import save
    from training.tuning.config import Recipe
    from training.tuning.run_folder import RunFolder
    from training.types import Chat, Turn

    home = Path(settings.folder)
    chats = [Chat(tuple(Turn(m["role"], m["content"]) for m in row["prompt"] + row["completion"]))
             for row in settings.rows]  # fmt: skip
    save(home / "datasets" / "bench", chats, name="bench", made={"command": "bench"})
    recipe = Recipe.parse({
        "name": "bench", "base": settings.model, "data": "bench", "epochs": 1,
        "batch": settings.batch, "accumulate": settings.accumulate, "length": settings.length,
        "tuning": {"rank": settings.rank, "alpha": 2 * settings.rank},
        "dtype": "bf16" if settings.bf16 else "fp32", "save_every": 10**6,
    })  # fmt: skip
    run = RunFolder.create(home / "runs", recipe.yaml())
    clock = Clock()
    learned = _train(run, home, clock)
    steps = [each for each in run.entries() if each["type"] == "step"]
    return clock.told([int(each["tokens"]) for each in steps], learned)


def _train(run: Any, home: Path, clock: Clock) -> int:
    """A run as `yanchi train` makes it, with one more callback to hold the clock."""
    from training.tuning import trainer
    from training.tuning.run import resume

    plain, seen = trainer.Tuner.__init__, list[int]()

    def timed(self: Any, *args: Any, callbacks: Any = (), **given: Any) -> None:
        plain(self, *args, callbacks=[*callbacks, clock], **given)
        seen.extend(example.targets for row in self.rows for example in row)

    trainer.Tuner.__init__ = timed  # type: ignore[method-assign]
    resume(run.path, home)
    return sum(seen)


def trl(settings: Settings) -> Told:
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    clock = Clock()
    trainer = SFTTrainer(
        model=settings.model,
        args=SFTConfig(
            output_dir=settings.folder,
            model_init_kwargs={"dtype": "bfloat16" if settings.bf16 else "float32"},
            bf16=settings.bf16,
            per_device_train_batch_size=settings.batch,
            gradient_accumulation_steps=settings.accumulate,
            max_length=settings.length,
            num_train_epochs=1,
            learning_rate=1e-4,
            lr_scheduler_type="cosine",
            warmup_steps=0.03,
            gradient_checkpointing=False,
            logging_steps=1,
            report_to="none",
            save_strategy="no",
            disable_tqdm=True,
            use_cpu=not torch.cuda.is_available(),
        ),
        train_dataset=Dataset.from_list(settings.rows),
        processing_class=AutoTokenizer.from_pretrained(settings.model),
        peft_config=LoraConfig(
            r=settings.rank, lora_alpha=2 * settings.rank, target_modules="all-linear",
            task_type="CAUSAL_LM",
        ),
        callbacks=[clock],
    )  # fmt: skip
    seen = _counting(trainer)
    trainer.train()
    steps = [sum(tokens for tokens, _ in seen[at : at + settings.accumulate])
             for at in range(0, len(seen), settings.accumulate)]  # fmt: skip
    return clock.told(steps, sum(learned for _, learned in seen))


def _counting(trainer: Any) -> list[tuple[int, int]]:
    """The tokens of every batch that the trainer collates from now on, and the learned ones."""
    seen: list[tuple[int, int]] = []
    collate = trainer.data_collator

    def counted(rows: list[dict[str, Any]]) -> Any:
        batch = collate(rows)
        learned = int((batch["labels"][:, 1:] != -100).sum())
        seen.append((sum(len(row["input_ids"]) for row in rows), learned))
        return batch

    trainer.data_collator = counted
    return seen


def main(who: str, file: str) -> None:
    os.environ["HF_HUB_OFFLINE"] = "1"
    settings = Settings(**json.loads(Path(file).read_text("utf-8")))
    told = {"ours": ours, "trl": trl}[who](settings)
    # Libraries print what they like; the last line is the result.
    print("\n" + json.dumps(asdict(told)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
