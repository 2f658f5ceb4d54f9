"""What torch and the disk say when they cannot go on, as a sentence with the way out."""

import errno
import shutil
from pathlib import Path

from training.errors import RunFailed, TrainingError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DISK_WORDS = ("no space left", "disk quota", "file too large", "file write failed",
               "pytorchstreamwriter failed", "unexpected pos")  # fmt: skip
_MEMORY_WORDS = ("out of memory", "can't allocate memory", "not enough memory")


def explained(error: BaseException, run: Path) -> TrainingError | None:
    """What an author can do about `error`; None where nobody knows, which is our fault."""
    if isinstance(error, TrainingError):
        return error
    said = str(error).lower()
    if isinstance(error, MemoryError) or any(word in said for word in _MEMORY_WORDS):
        return _memory(error)
    if (isinstance(error, OSError) and error.errno in _FULL) or any(w in said for w in _DISK_WORDS):
        return _disk(run)
    return None


def _memory(error: BaseException) -> RunFailed:
    where = "显存" if "cuda" in str(error).lower() else "内存"
    return RunFailed(
        f"{where}不够。请依次试：batch 减半并把 accumulate 加倍；checkpoint_activations: true；"
        "减小 length；改用 qlora 或更小的底座。改好后重新开始，或用 --resume 从上一个存档接着练。"
    )


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
