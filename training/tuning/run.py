"""A run from its recipe to what it leaves; the same again after it was stopped or killed.

`start` and `resume` block until the run has ended. Under torchrun or accelerate launch every
process calls them, and the main one alone writes.
"""

import logging
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from training.errors import BadRecipe, RunFailed, TrainingError
from training.publishing.bases import find_base
from training.publishing.lineage import Lineage, trace
from training.tuning.base import (
    best_device,
    check_length,
    gpu_count,
    is_bf16,
    is_sharded,
    load_tokenizer,
    load_weights,
)
from training.tuning.config import Recipe
from training.tuning.failures import explained
from training.tuning.prepare import Prepared, prepare
from training.tuning.run_folder import Checkpoint, RunFolder, State, Status
from training.types import Progress

ALONE = frozenset({"galore", "badam"})
"""Kinds whose optimizers know nothing of other processes."""


def start(
    recipe: Recipe, data_dir: Path, *, at: Path | None = None, progress: Progress | None = None
) -> RunFolder:
    """Raises TrainingError; then status.json says `failed` and why."""
    run = _shared_run(lambda: RunFolder.create(data_dir / "runs", recipe.yaml(), at=at))
    _run(run, recipe, data_dir, None, progress)
    return run


def resume(folder: Path, data_dir: Path, *, progress: Progress | None = None) -> RunFolder:
    """From the last whole checkpoint; from the beginning where there is none yet."""
    run = RunFolder.open(folder)
    recipe = Recipe.read(run.recipe)
    if run.status().state == "done":
        raise RunFailed(
            f"{folder.name} 已经练完了；想再练，请写新的配方，用 continue_from 接着它。"
        )
    whole = run.checkpoints()
    _run(run, recipe, data_dir, whole[-1] if whole else None, progress)
    return run


def _shared_run(create: Callable[[], RunFolder]) -> RunFolder:
    """Made by the main process, known to all."""
    from accelerate.utils import broadcast_object_list

    state = _processes()
    found: list[Any] = [create() if state.is_main_process else None]
    if state.num_processes > 1:
        broadcast_object_list(found, from_process=0)
    run: RunFolder = found[0]
    return run


def _processes() -> Any:
    from accelerate import PartialState

    return PartialState(cpu=best_device() == "cpu")


def _run(
    run: RunFolder,
    recipe: Recipe,
    data_dir: Path,
    checkpoint: Checkpoint | None,
    progress: Progress | None,
) -> None:
    main = _processes().is_main_process
    with ExitStack() as stack:
        if main:
            stack.enter_context(run.held())
            stack.enter_context(_stopping_on_signals(run))
            _begin(run, checkpoint)
        stack.enter_context(_quiet())
        try:
            _Run(run, recipe, data_dir, checkpoint, progress).go()
        except BaseException as error:
            told = explained(error, run.path, recipe)
            if main:
                _fail(run, error, told)
            if told is None or told is error:
                raise
            raise told from error


def _begin(run: RunFolder, checkpoint: Checkpoint | None) -> None:
    run.forget_stop()
    run.rewind(checkpoint.step if checkpoint else -1)
    before = run.status()
    run.write(
        Status(
            state="preparing",
            step=checkpoint.step if checkpoint else 0,
            seconds=before.seconds if checkpoint else 0.0,
            best_step=before.best_step if checkpoint else None,
            warnings=tuple(each["message"] for each in run.entries() if each["type"] == "warning"),
            pid=os.getpid(),
            started=time.time(),
        )
    )


def _fail(run: RunFolder, error: BaseException, told: TrainingError | None) -> None:
    message = str(told) if told else f"{type(error).__name__}: {error}"
    with suppress(OSError):  # the disk may be what failed
        run.drop_unfinished()
        run.update(state="failed", message=message, code=told.code if told else "internal")


@contextmanager
def _stopping_on_signals(run: RunFolder) -> Iterator[None]:
    """Asked to go, a run saves first; asked again, it goes at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former: dict[int, Any] = {}

    def stop(number: int, _: Any) -> None:
        run.ask_stop()
        signal.signal(number, former[number])

    for number in (signal.SIGTERM, signal.SIGINT):
        former[number] = signal.signal(number, stop)
    try:
        yield
    finally:
        for its, handler in former.items():
            signal.signal(its, handler)


@contextmanager
def _quiet() -> Iterator[None]:
    """What libraries tell their developers is nothing for an author."""
    import transformers

    logging.getLogger("bitsandbytes").setLevel(logging.CRITICAL)
    before = transformers.logging.get_verbosity()
    transformers.logging.set_verbosity(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        transformers.logging.set_verbosity(before)


class _Run:
    """One go at a run, in the order in which it can fail: the cheap reasons first."""

    def __init__(
        self,
        run: RunFolder,
        recipe: Recipe,
        data_dir: Path,
        checkpoint: Checkpoint | None,
        progress: Progress | None,
    ) -> None:
        self.run, self.recipe, self.data_dir = run, recipe, data_dir
        self.checkpoint, self.progress = checkpoint, progress
        self.processes = _processes()
        self.main = self.processes.is_main_process

    def go(self) -> None:
        if self.recipe.tuning.kind in ALONE and self.processes.num_processes > 1:
            raise BadRecipe(f"tuning.kind：{self.recipe.tuning.kind} 只能在一个进程里训练。")
        self.base = find_base(self.recipe.base, self.data_dir)
        check_length(self.recipe.length, self.base)
        self.tokenizer, self.stops = load_tokenizer(self.base)
        prepared = prepare(
            self.recipe, self.tokenizer, self.stops, self.data_dir, self._preparing()
        )
        lineage = self._lineage(prepared)
        if self.main:
            self._tell_of_data(prepared)
        best_step = self._train(prepared)
        if self.main:
            self._leave(best_step, lineage)

    # --- data ---------------------------------------------------------------------------

    def _preparing(self) -> Progress | None:
        return self.progress if self.main else None

    def _lineage(self, prepared: Prepared) -> Lineage:
        """Written at first; afterwards the data must still be what it was."""
        lineage = trace(
            self.base,
            method=self.recipe.method,
            data=prepared.data,
            recipe=self.recipe.model_dump(mode="json"),
            run=self.run.path.name,
        )
        if self.checkpoint is not None:
            before = Lineage.read(self.run.path)
            if before.data != lineage.data:
                raise RunFailed("数据在停下之后变了，接着练就不是同一次训练了；请重新开始。")
            return before
        if self.main:
            lineage.write(self.run.path)
        return lineage

    def _tell_of_data(self, prepared: Prepared) -> None:
        said = f"{len(prepared.train)} 条训练，{len(prepared.held_out)} 条留出"
        if prepared.cut:
            said += f"，{prepared.cut} 条截去了末尾"
        if prepared.refusals:
            first = prepared.refusals[0]
            said += f"，{len(prepared.refusals)} 条没有收（第一处：{first.source} 第 {first.row} 条"
            said += f"，{first.reason}）"
        self.run.log("note", message=said + "。")
        if self.processes.num_processes == 1 and (count := gpu_count()) > 1:
            self.run.log(
                "note",
                message=f"本机有 {count} 块显卡，这里只用一块；"
                "都用上请改用 accelerate launch -m yanchi train …。",
            )

    # --- training -----------------------------------------------------------------------

    def _train(self, prepared: Prepared) -> int | None:
        """The best step by held-out loss, where something is held out."""
        from transformers import set_seed

        from training.tuning.losses import loss_of
        from training.tuning.reference import read_references
        from training.tuning.trainer import Tuner

        if self.checkpoint is not None and self.run.references.exists():
            read_references(self.run.references, prepared.train, prepared.held_out)
        set_seed(self.recipe.seed)
        tuner = Tuner(
            self._model(),
            self.recipe,
            self.run,
            train=prepared.train,
            held_out=prepared.held_out,
            loss=loss_of(self.recipe),
            pad=self._pad(),
            callbacks=[self._watch(prepared)],
            fresh=self.checkpoint is None,
        )
        tuner.train(resume_from_checkpoint=str(self.checkpoint.path) if self.checkpoint else None)
        self.stopped = tuner.state.global_step < tuner.state.max_steps
        best: int | None = tuner.state.best_global_step
        return best

    def _pad(self) -> int:
        pad = self.tokenizer.pad_token_id
        return int(pad if pad is not None else self.stops[0] if self.stops else 0)

    def _model(self) -> Any:
        from training.tuning.adapters import keep_inputs_small
        from training.tuning.head import attach

        model = load_weights(self.base, self.recipe)
        attach(model)
        tuned = self._adapted(model)
        if is_bf16(self.recipe):
            keep_inputs_small(tuned)
        return tuned

    def _adapted(self, model: Any) -> Any:
        from training.tuning.adapters import continue_adapter, find_adapter, start_adapter

        if self.recipe.tuning.kind == "pissa":
            return self._pissa(model)
        if self.recipe.makes_adapter and self.checkpoint is not None:
            return continue_adapter(model, self.checkpoint.path)
        if self.recipe.continue_from is not None:
            folder = find_adapter(self.recipe.continue_from, self.base, self.data_dir)
            if self.main:
                self.run.log("note", message=f"接着 {folder.name} 练，秩和层用它自己的。")
            return continue_adapter(model, folder)
        return start_adapter(model, self.recipe)

    def _pissa(self, model: Any) -> Any:
        """Taken out of the base once, by the main process; the others take out the same."""
        from training.tuning.adapters import restart_pissa, start_adapter

        initial = self.run.initial_adapter
        if self.checkpoint is None and self.main:
            tuned = start_adapter(model, self.recipe)
            tuned.save_pretrained(initial)
        self.processes.wait_for_everyone()
        if self.checkpoint is None and self.main:
            return tuned
        return restart_pissa(model, self.recipe, initial)

    def _watch(self, prepared: Prepared) -> Any:
        from training.tuning.samples import Sampler, choose_prompts
        from training.tuning.watching import Watch

        sampler = None
        wanted = bool(self.recipe.sample_every) and self.main
        if wanted and is_sharded():
            self.run.log("note", message="模型分在几块显卡上，训练中途不试写。")
        elif wanted:
            rows = prepared.held_out or prepared.train
            sampler = Sampler(
                self.tokenizer,
                sorted({*self.stops, self.tokenizer.eos_token_id} - {None}),
                choose_prompts(self.recipe, self.tokenizer, self.stops, rows),
                self.recipe.sample_tokens,
                is_bf16(self.recipe),
            )
        return Watch(self.run, self.recipe, sampler=sampler, progress=self.progress)

    # --- the end ------------------------------------------------------------------------

    def _leave(self, best_step: int | None, lineage: Lineage) -> None:
        from training.tuning.outcome import best_checkpoint, leave

        best = best_checkpoint(self.run, best_step)
        if best is None:
            raise RunFailed("没有留下存档。")
        told = leave(self.run, self.recipe, best, self.base, lineage.base.name)
        if told:
            self.run.log("note", message=told)
        said = f"留下的是第 {best.step} 步" + ("（留出集损失最低）" if best_step else "")
        state: State = "stopped" if self.stopped else "done"
        self.run.update(state=state, message=f"{said}。{told}", best_step=best.step, eta_seconds=0)
