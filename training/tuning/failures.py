"""What torch and the disk say when they cannot go on, as a sentence with the way out."""

import errno
import shutil
from collections.abc import Iterator
from pathlib import Path

from training.errors import RunFailed, TrainingError
from training.tuning.config import Recipe

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DISK_WORDS = ("no space left", "disk quota", "file too large", "file write failed",
               "pytorchstreamwriter failed", "unexpected pos")  # fmt: skip
_MEMORY_WORDS = ("out of memory", "can't allocate memory", "not enough memory")


def explained(error: BaseException, run: Path, recipe: Recipe) -> TrainingError | None:
    """What an author can do about `error`; None where nobody knows, which is our fault."""
    if isinstance(error, TrainingError):
        return error
    said = str(error).lower()
    if isinstance(error, MemoryError) or any(word in said for word in _MEMORY_WORDS):
        return _memory(on_gpu="cuda" in said, recipe=recipe)
    if (isinstance(error, OSError) and error.errno in _FULL) or any(w in said for w in _DISK_WORDS):
        return _disk(run)
    return None


def _memory(*, on_gpu: bool, recipe: Recipe) -> RunFailed:
    where = "显存" if on_gpu else "内存"
    return RunFailed(
        f"{where}不够。请依次试：{'；'.join(_lowered(recipe, on_gpu=on_gpu))}。改好后重新开始；"
        "若是别的程序占着，关掉它，再用 --resume 从上一个存档接着练。"
    )


def _lowered(recipe: Recipe, *, on_gpu: bool) -> Iterator[str]:
    """What of this recipe takes memory, the cheapest to give up first."""
    batch, kind = recipe.batch, recipe.tuning.kind
    if batch > 1:
        fewer = batch // 2
        yield f"batch 从 {batch} 减到 {fewer}，accumulate 加到 {recipe.accumulate * batch // fewer}"
    if not recipe.checkpoint_activations:
        yield "checkpoint_activations: true"
    yield f"length 从 {recipe.length:,} 减小"
    if not recipe.makes_adapter:
        yield "改用 lora，不练全部参数"
    elif on_gpu and kind != "qlora":
        yield "改用 qlora"
    yield "换更小的底座"


def _disk(run: Path) -> RunFailed:
    free = shutil.disk_usage(run).free / 2**30
    return RunFailed(
        f"磁盘写不下了（{run} 所在的盘还剩 {free:.1f} GiB）。之前的存档完好："
        "请腾出空间，或把 keep 调小，再用 --resume 接着练。"
    )


def no_number(step: int, name: str, last_good: int | None) -> RunFailed:
    """A loss or a gradient that is not a number; what was trained since is worthless."""
    kept = f"第 {last_good} 步的存档完好" if last_good else "还没有存档"
    return RunFailed(
        f"第 {step} 步的{name}不是数（NaN 或无穷大），已停下；{kept}。"
        "多半是学习率太高：请把 learning_rate 降到三分之一再练；仍如此，请用 dtype: fp32。"
    )
