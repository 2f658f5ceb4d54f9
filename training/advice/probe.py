"""A few steps of the real run, in a child process, to see how fast it is and what it takes.

The child trains the recipe's own base with the recipe's own shapes on rows of its own data: the
longest ones, which decide the memory, and usual ones, which decide the time. Batches are not
accumulated and nothing is evaluated or kept. What it writes is gone afterwards.
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from training.advice.amounts import Amounts, Seen
from training.advice.cost import Cost
from training.data import store
from training.errors import RunFailed, TrainingError
from training.tuning.config import Recipe
from training.tuning.run_folder import RunFolder, Status
from training.types import Item, Progress, Text

STEPS = 4
"""The first is not counted: it fills caches."""
SECONDS = 600.0
"""Longest a probe may take before it is given up."""
BEAT = 0.2
NAME = "probe"


def probe(
    recipe: Recipe,
    base: Path,
    amounts: Amounts,
    data_dir: Path,
    *,
    seconds: float = SECONDS,
    progress: Progress | None = None,
) -> Cost:
    """Raises RunFailed with the reason: no memory, too slow to tell, whatever the run says."""
    data_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".probe-", dir=data_dir) as workshop:
        folder = Path(workshop)
        _prepare(recipe, base, amounts, folder)
        run = RunFolder(folder / "run")
        with _child(folder) as child:
            _wait(child, run, seconds, progress)
        return _measured(run)


def _prepare(recipe: Recipe, base: Path, amounts: Amounts, folder: Path) -> None:
    rows = rows_for(recipe, amounts)
    made = store.made_by("probe")
    store.save(folder / "datasets" / NAME, rows, name=NAME, made=made)
    (folder / "recipe.yaml").write_text(short(recipe, base).yaml(), "utf-8")


def short(recipe: Recipe, base: Path) -> Recipe:
    """The same shapes, a few steps, nothing beside them."""
    told = recipe.model_dump(mode="json") | {
        "name": NAME,
        "base": str(base),
        "data": [NAME],
        "held_out": None,
        "steps": STEPS,
        "accumulate": 1,
        "evaluate_every": 10**6,
        "sample_every": 0,
        "save_every": 10**6,
        "keep": 1,
        "continue_from": None,
    }
    return Recipe.parse(told)


def rows_for(recipe: Recipe, amounts: Amounts) -> list[Item]:
    """Rows that fill the probe's steps: one batch of the longest, the others as they come."""
    usable = [each for each in amounts.seen if _fits(each, recipe)]
    if recipe.method == "pretrain":
        return _texts(recipe, usable)
    by_size = sorted(usable, key=lambda each: max(each.tokens), reverse=True)
    longest, rest = by_size[: recipe.batch], by_size[recipe.batch :]
    random.Random(recipe.seed).shuffle(rest)
    wanted = _filled(recipe, [*longest, *rest])
    # Each exactly once, however rarely the recipe would see it.
    return [replace(each.item, weight=1.0) for each in wanted]


def _fits(seen: Seen, recipe: Recipe) -> bool:
    return bool(seen.tokens) and (
        recipe.too_long == "cut" or max(seen.tokens) <= recipe.length or recipe.method == "pretrain"
    )


def _filled(recipe: Recipe, rows: Sequence[Seen]) -> list[Seen]:
    """As many as the steps need, the same ones again where there are too few."""
    found: list[Seen] = []
    need = STEPS * recipe.batch * (recipe.length if recipe.packing else 1)
    while rows and need > 0:
        for each in rows:
            if need <= 0:
                break
            found.append(each)
            need -= sum(each.tokens) if recipe.packing else 1
    return found


def _texts(recipe: Recipe, usable: Sequence[Seen]) -> list[Item]:
    """The beginnings of books, as long as the steps need."""
    need = STEPS * recipe.batch * recipe.length
    found: list[Item] = []
    for each in usable:
        if need <= 0:
            break
        assert isinstance(each.item, Text)
        characters, tokens = len(each.item.text), sum(each.tokens)
        kept = min(characters, 1 + need * characters // max(tokens, 1))
        found.append(Text(each.item.text[:kept]))
        need -= tokens
    return found


@contextmanager
def _child(folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """In a session of its own, which ends with the block whatever it has started."""
    child = subprocess.Popen(
        [sys.executable, "-m", "training.advice.probe", str(folder)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
        start_new_session=True,
    )
    try:
        yield child
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def _wait(
    child: "subprocess.Popen[str]", run: RunFolder, seconds: float, progress: Progress | None
) -> None:
    """Until the steps are done: nobody needs the adapter that the child would go on to write."""
    began, status = time.monotonic(), _status(run)
    while status is None or status.step < STEPS:
        if child.poll() is not None:
            raise _death(child.returncode, _status(run))
        if time.monotonic() - began > seconds:
            raise RunFailed(f"试跑 {seconds:.0f} 秒还没有跑完 {STEPS} 步，太慢了，没有实测。")
        if progress and status is not None:
            progress(status.step, STEPS, "试跑几步")
        time.sleep(BEAT)
        status = _status(run)


def _death(code: int, status: Status | None) -> RunFailed:
    if code == -signal.SIGKILL:
        return RunFailed("试跑被系统终止，多半是内存不够：请调小 batch 或 length。")
    told = status.message if status else ""
    return RunFailed(f"试跑没有成功：{told or '原因不明'}")


def _status(run: RunFolder) -> Status | None:
    try:
        return run.status()
    except (OSError, ValueError):
        return None


def _measured(run: RunFolder) -> Cost:
    steps = [each for each in run.entries() if each["type"] == "step"]
    counted = steps[1:] or steps
    seconds = sum(each["seconds"] for each in counted)
    if not seconds:
        raise RunFailed("试跑没有留下一步。")
    return Cost(
        tokens_per_second=sum(each["tokens"] for each in counted) / seconds,
        peak_bytes=run.status().peak_memory_bytes,
        measured=True,
    )


def main(folder: Path) -> None:
    """In the child: the short run, its data beside it. What goes wrong stands in status.json."""
    from training.tuning.run import start

    with suppress(TrainingError):
        start(Recipe.read(folder / "recipe.yaml"), folder, at=folder / "run")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
