"""Damage that encodings do to a text: what can be read again is mended, the rest is found.

Four ways a Chinese text is misread and can be read again, run by run: UTF-8 taken for Latin,
UTF-8 taken for GBK, GBK taken for Latin, and signs that nobody sees. What was replaced when it
was misread (U+FFFD, 锟斤拷) is lost.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from retrieval.written_chinese import CONTROL, score

_LATIN = re.compile(
    "[\x80-\xff\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013\u2014"
    "\u2018-\u201a\u201c-\u201e\u2020-\u2022\u2026\u2030\u2039\u203a\u20ac\u2122]{6,}"
)
"""Runs of what Windows shows for bytes above ASCII."""
_WIDE = re.compile("[^\x00-\x7f]{6,}")
_INVISIBLE = re.compile(f"{CONTROL.pattern}|[\ufeff\u200b\u2060]")
_LOST = re.compile("\ufffd+|锟斤拷(?:[锟斤拷]*)|烫{8,}|屯{8,}")
_IDEOGRAPH = re.compile("[\u3400-\u9fff]")
BETTER = 3.0
"""By how much what was read again must look more like Chinese than what stood there."""
FINE = 2.0
"""A line that looks so much like Chinese needs no second reading."""
GARBLED = -0.5
"""Hardly a line of any book scores so low; what does may have lost some of its bytes."""


@dataclass(frozen=True, slots=True)
class Mended:
    """`text` is what `before` was meant to be."""

    text: str
    before: str
    reason: str


def mend(text: str) -> tuple[str, list[Mended]]:
    """The text with what can be read again, line by line, and each place where that was done."""
    done: list[Mended] = []

    def reread(match: re.Match[str]) -> str:
        run = match.group()
        better = _as_utf8(run) or _as_gbk(run)
        if better is None:
            return run
        done.append(Mended(better, run, "mojibake"))
        return better

    def mended(line: str) -> str:
        line = _LATIN.sub(reread, line)
        return _WIDE.sub(reread, line) if score(line) < FINE else line

    if found := _INVISIBLE.findall(text):
        done += [Mended("", sign, "invisible") for sign in found]
        text = _INVISIBLE.sub("", text)
    return "\n".join(map(mended, text.split("\n"))), done


def lost(line: str) -> Iterator[str]:
    """The places of a line whose text nobody can read again."""
    yield from (match.group() for match in _LOST.finditer(line))
    for runs, bytes_of in ((_WIDE, _gbk_bytes), (_LATIN, _latin_bytes)):
        for match in runs.finditer(line):
            run = match.group()
            if score(run) < GARBLED and _is_half_utf8(run, bytes_of(run)):
                yield run


def _as_utf8(run: str) -> str | None:
    """The run's bytes as UTF-8 Chinese, where they were taken for Latin or for GBK."""
    for data in (_latin_bytes(run), _gbk_bytes(run)):
        try:
            read = data.decode("utf-8")
        except UnicodeDecodeError:
            continue
        if _IDEOGRAPH.search(read) and score(read) > score(run) + BETTER:
            return read
    return None


def _as_gbk(run: str) -> str | None:
    """The run's bytes as GBK Chinese, where they were taken for Latin."""
    data = _latin_bytes(run)
    try:
        read = data.decode("gbk")
    except UnicodeDecodeError:
        return None
    whole = len(_IDEOGRAPH.findall(read)) * 2 >= len(read)
    return read if data and whole and score(read) > max(0.0, score(run) + BETTER) else None


def _is_half_utf8(run: str, data: bytes) -> bool:
    """Whether most of the run's bytes are UTF-8 Chinese, but not all of them."""
    read = data.decode("utf-8", "ignore")
    whole = 3 * len(_IDEOGRAPH.findall(read)) * 2 > len(data)
    return whole and score(read) > score(run) + BETTER


def _latin_bytes(run: str) -> bytes:
    """The bytes that Windows showed as these signs; none where it shows no such signs."""
    try:
        return b"".join(
            bytes([ord(sign)]) if ord(sign) < 0x100 else sign.encode("cp1252") for sign in run
        )
    except UnicodeEncodeError:
        return b""


def _gbk_bytes(run: str) -> bytes:
    try:
        return run.encode("gb18030")
    except UnicodeEncodeError:
        return b""
