"""Keys that are regular expressions: read, compiled and searched without ever hanging.

A key comes from an author or a downloaded file, so it is not to be trusted: it may be wrong, too
large to compile, or take for ever. Knows nothing of entries.
"""

import math
import re
from collections.abc import Iterable
from functools import lru_cache
from time import thread_time
from typing import Any

import regex  # type: ignore[import-untyped, unused-ignore]

SEARCH_SECONDS = 0.05
"""Processor time that one search of one turn may take."""
TOTAL_SECONDS = 0.2
"""Time that all searches of one activation may take together."""
MOST_REPEATS = 10_000
"""Product of a pattern's fixed repeats. `regex` unrolls them when it compiles: nested ones in a
pattern of thirty characters would take all of the machine's memory."""
LONGEST = 2_000

_KEY = re.compile(r"/(.+)/([dgimsuvy]*)", re.DOTALL)
_COUNT = re.compile(r"\{([\d,\s]+)\}")
_FLAGS = {"i": regex.IGNORECASE, "m": regex.MULTILINE, "s": regex.DOTALL}


class BrokenPattern(Exception):
    """`str(error)` is why it cannot be searched, for an author."""


def is_pattern(key: str) -> bool:
    """Whether the key is written `/…/flags`; `/home/user` is not, those are no flags."""
    return _KEY.fullmatch(key.strip()) is not None


@lru_cache(maxsize=4096)
def compiled(key: str) -> Any:
    """The pattern of a key for which `is_pattern` holds. Raises BrokenPattern."""
    told = _KEY.fullmatch(key.strip())
    assert told is not None
    source, flags = told.groups()
    if len(source) > LONGEST or _repeats(source) > MOST_REPEATS:
        raise BrokenPattern("正则表达式太大，请写得短一些、重复次数少一些")
    wanted = regex.VERSION0
    for flag in flags:
        wanted |= _FLAGS.get(flag, 0)
    try:
        return regex.compile(source, wanted)
    except (regex.error, RecursionError, OverflowError) as error:
        raise BrokenPattern(f"正则表达式写错了（{error}），请改正") from error


def key_faults(keys: Iterable[str]) -> list[str]:
    """What is wrong with those keys that are patterns, for an author."""
    faults = []
    for key in filter(is_pattern, keys):
        try:
            compiled(key)
        except BrokenPattern as error:
            faults.append(f"“{key}”：{error}")
    return faults


def _repeats(source: str) -> int:
    counts: Iterable[list[int]] = (
        [int(n) for n in told.group(1).replace(" ", "").split(",") if n.strip()]
        for told in _COUNT.finditer(source)
    )
    return math.prod(max(1, c[0]) for c in counts if c)


class Stopwatch:
    """What is left of the time for all searches of one activation; not shared."""

    def __init__(self, seconds: float = TOTAL_SECONDS) -> None:
        self._left = seconds

    def search(self, pattern: Any, text: str) -> bool:
        """Whether the pattern is in the text. Raises BrokenPattern when it takes too long.

        The interpreter's lock is kept: given up and asked for again at every search, it costs
        milliseconds each time another thread is busy, a hundred times what a search takes.
        """
        if self._left <= 0:
            raise BrokenPattern("别的正则表达式用完了时间，这一条没有来得及查")
        start = thread_time()
        try:
            return pattern.search(text, timeout=min(SEARCH_SECONDS, self._left)) is not None
        except TimeoutError as error:
            raise BrokenPattern("正则表达式太慢，已中止，请改写（避免重复里套重复）") from error
        finally:
            self._left -= thread_time() - start
