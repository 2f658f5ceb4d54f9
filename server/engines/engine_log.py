"""What the engine's log says: how far it is, and why it died, in an author's words."""

import re
from dataclasses import dataclass
from pathlib import Path

TAIL_BYTES = 256 * 1024
KEPT_LOGS = 3

# Later lines of a start-up stand later here; the last one found in the log is where it is.
_PHASES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), phrase)
    for pattern, phrase in (
        (r"non-default args", "正在读取模型的配置"),
        (r"Initializing a V1 LLM engine", "正在启动计算进程"),
        (r"Starting to load model", "正在载入权重"),
        (r"checkpoint shards:\s+(\d+)% Completed", "正在载入权重（{}%）"),
        (r"Loading weights took", "权重已载入"),
        (r"KV cache size", "正在分配缓存"),
        (r"Warming up|Capturing CUDA graph|torch\.compile takes", "正在预热"),
        (r"Starting vLLM server|Application startup complete", "即将就绪"),
    )
)


@dataclass(frozen=True, slots=True)
class Cause:
    """Why an engine cannot run; `final` when starting it again cannot help."""

    phrase: str
    final: bool


_CAUSES: tuple[tuple[re.Pattern[str], Cause], ...] = tuple(
    (re.compile(pattern), Cause(phrase, final))
    for pattern, phrase, final in (
        (
            r"No module named '?vllm",
            "没有安装 vLLM，请先运行 make serve 完成安装",
            True,
        ),
        (
            r"derived max_model_len|max_position_embeddings.*VLLM_ALLOW_LONG_MAX_MODEL_LEN",
            "所设窗口超过了模型支持的长度，请把 YANCHI_WINDOW 调小",
            True,
        ),
        (
            r"To serve at least one request with the model",
            "键值缓存装不下所设的窗口，请调大 YANCHI_KV_CACHE_GIB 或调小 YANCHI_WINDOW",
            True,
        ),
        (
            r"(?i)out of memory|outofmemory|cannot allocate memory|MemoryError"
            r"|less than (requested memory|desired)|No available memory for the cache",
            "内存或显存不够，请关掉别的程序、换更小的模型或调小键值缓存",
            False,
        ),
        (
            r"SafetensorError|HeaderTooLarge|MetadataIncompleteBuffer|InvalidHeader"
            r"|Cannot find any model weights|size mismatch for",
            "模型的权重文件不完整或已损坏，请运行 yanchi model verify 检查后重新下载",
            True,
        ),
        (
            r"Invalid repository ID|does not appear to have a file named|Can't load the config"
            r"|Unrecognized model|are not supported for now|no `?config\.json|not a valid JSON"
            r"|Can't load tokenizer|should have a `?model_type",
            "模型目录不是 vLLM 能读的模型，请检查 YANCHI_MODEL",
            True,
        ),
        (r"Address already in use", "引擎的地址已被占用", False),
        (r"Permission denied", "没有权限读取模型或写入目录", True),
        (r"CUDA driver|no kernel image|No CUDA GPUs", "显卡驱动不可用，请检查驱动", True),
    )
)


def rotate(path: Path) -> None:
    """Keep the last few logs: engine.log → engine.1.log → engine.2.log."""
    path.parent.mkdir(parents=True, exist_ok=True)
    names = [path, *(path.with_suffix(f".{n}.log") for n in range(1, KEPT_LOGS))]
    for older, newer in zip(reversed(names), reversed(names[:-1]), strict=False):
        if newer.exists():
            newer.replace(older)


def size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def tail(path: Path, since: int = 0) -> str:
    """The log from byte `since` on, its end if that is long; empty when there is none yet."""
    try:
        with path.open("rb") as file:
            file.seek(max(since, size(path) - TAIL_BYTES))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


def last_lines(text: str, count: int = 5, width: int = 200) -> str:
    lines = [line.strip()[:width] for line in text.splitlines() if line.strip()]
    return "\n".join(lines[-count:])


def phase(text: str) -> str | None:
    """What a starting engine is doing, from its log so far; None before the first sign."""
    for pattern, phrase in reversed(_PHASES):
        if found := pattern.findall(text):
            return phrase.format(found[-1])
    return None


def cause(text: str, exit_status: int | None = None, *, served: bool = False) -> Cause:
    """Why the engine died, from its log and its exit status (128 + n for signal n).

    What is final keeps an engine from starting; one that has `served` can only have logged
    such words about something smaller, a broken adapter say.
    """
    for pattern, known in _CAUSES:
        if not (served and known.final) and pattern.search(text):
            return known
    if exit_status == 137:
        return Cause("引擎进程被强行结束，多半是内存不够", False)
    return Cause("引擎进程意外退出", False)
