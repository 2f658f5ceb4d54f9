"""The rows of a JSON or JSON-lines file, one at a time, whatever its name says it is.

A file of any size is read in pieces. What one row has broken does not cost the others: in JSON
lines the next line goes on; in an array, the next object that begins a line where the objects
of the array begin.
"""

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from retrieval.encoding import decode

HEAD = 256 * 1024
"""Bytes looked at to tell what a file is."""
PIECE = 1 << 20
LARGEST = 1 << 24
"""Characters of the largest row; an element of an array that does not end sooner is broken."""
WRAPPERS = ("data", "rows", "train", "items", "examples", "instances")
"""Keys under which files keep their rows when the file is one object."""

_WHOLE = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]|"', re.DOTALL)
_SCALAR = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[^\s,\]\["{}]+', re.DOTALL)
_BETWEEN = re.compile(r"[\s,]*")
_ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


@dataclass(frozen=True, slots=True)
class JsonRow:
    """`number` from 1: the line, or the place in the array. A broken row has a `problem`."""

    number: int
    value: Any = None
    problem: str = ""


def looks_like_json(path: Path) -> bool:
    """Whether the content is JSON or JSON lines, broken rows or not."""
    with _opened(path) as file:
        head = file.read(HEAD)
    start = head.lstrip()
    if re.match(r'\[\s*(?:[\[{"\]]|\Z)', start) or re.match(r'\{\s*(?:["}]|\Z)', start):
        return True
    return any(_is_object(line) for line in head.split("\n"))


def json_rows(path: Path) -> Iterator[JsonRow]:
    with _opened(path) as file:
        head = file.read(HEAD)
        file.seek(0)
        if head.lstrip().startswith("["):
            yield from _values(_Pieces(file), in_array=True)
        elif _is_lines(head):
            yield from _lines(file)
        else:
            yield from _unwrapped(_values(_Pieces(file), in_array=False))


def _opened(path: Path) -> TextIO:
    """Broken bytes become surrogates, which are found again in the row that has them."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    return path.open(encoding=_encoding(head), errors="surrogateescape")


def _encoding(head: bytes) -> str:
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        # A bad line among good ones is a bad line, not another encoding.
        lines = [line for line in head.split(b"\n")[:-1] if not line.isascii()]
        if not any(_is_utf8(line) for line in lines):
            return decode(head[: head.rfind(b"\n") + 1] or head).encoding
    return "utf-8"


def _is_lines(head: str) -> bool:
    """Whether each line is a row, from how the first ones begin and end."""
    lines = [line for line in head.split("\n") if line.strip()]
    if len(lines) < 2 or _is_object(lines[0]):
        return True
    if lines[0].rstrip().endswith(("{", "[", ",", ":")):
        return False
    return any(_is_object(line) for line in lines)


def _lines(file: TextIO) -> Iterator[JsonRow]:
    for number, line in enumerate(file, 1):
        text = line.strip()
        if text:
            yield from _unwrapped(iter([_parsed(number, text.removesuffix(","))]))


def _values(pieces: "_Pieces", *, in_array: bool) -> Iterator[JsonRow]:
    """The elements of an array, or values that stand one after another."""
    if in_array:
        pieces.skip(1)
    number = 0
    while (sign := pieces.next_sign()) not in ("", "]"):
        number += 1
        element = pieces.element(sign)
        row = _parsed(number, element) if element else JsonRow(number, problem="没有结束")
        if row.problem and not pieces.resynchronize():
            yield JsonRow(number, problem=f"{row.problem}，从这里起读不下去")
            return
        if not row.problem:
            pieces.skip(len(element))
        yield row
    if in_array and sign != "]":
        yield JsonRow(number + 1, problem="文件到这里就断了，数组没有结束")


class _Pieces:
    """A text in hand, from `_at` on, that grows as the file is read."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._text = file.read(PIECE).lstrip()
        self._at = 0
        self._ended = False
        self._indent = ""

    def skip(self, count: int) -> None:
        self._at += count

    def next_sign(self) -> str:
        """The first character of the next value, `]`, or nothing at the end."""
        while True:
            end = _BETWEEN.match(self._text, self._at).end()  # type: ignore[union-attr]
            if end < len(self._text):
                line = self._text.rfind("\n", self._at, end)
                if line >= 0:
                    self._indent = self._text[line + 1 : end]
                self._at = end
                return self._text[end]
            if not self._grow():
                return ""

    def element(self, sign: str) -> str:
        """The text of the value in hand; empty where it does not end."""
        while True:
            end = self._end_of_brackets() if sign in "{[" else self._end_of_scalar()
            if end:
                return self._text[self._at : end]
            if len(self._text) - self._at > LARGEST or not self._grow():
                return ""

    def resynchronize(self) -> bool:
        """Go on to the next object that begins a line as deep as the others did."""
        begin = f"\n{self._indent}{{"
        while True:
            found = self._text.find(begin, self._at + 1)
            if found >= 0:
                self._at = found
                return True
            self._at = max(self._at, len(self._text) - len(begin))
            if not self._grow():
                return False

    def _end_of_brackets(self) -> int:
        depth = 0
        for match in _WHOLE.finditer(self._text, self._at):
            sign = match.group()
            if sign == '"':
                return 0
            if sign in "[{":
                depth += 1
            elif sign in "]}":
                depth -= 1
                if depth == 0:
                    return match.end()
        return 0

    def _end_of_scalar(self) -> int:
        match = _SCALAR.match(self._text, self._at)
        if match is None:
            return self._at + 1 if self._text[self._at] == "}" else 0
        return match.end() if match.end() < len(self._text) or self._ended else 0

    def _grow(self) -> bool:
        self._text, self._at = self._text[self._at :], 0
        piece = self._file.read(max(PIECE, len(self._text)))
        self._text += piece
        self._ended = not piece
        return not self._ended


def _parsed(number: int, text: str) -> JsonRow:
    try:
        value = json.loads(text, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        return JsonRow(number, problem=f"不是合格的 JSON（第 {error.pos + 1} 个字符附近）")
    except (ValueError, RecursionError) as error:
        return JsonRow(number, problem=f"不是合格的 JSON（{error}）")
    if not _encodable(text) or (
        _ESCAPED_SURROGATE.search(text) and not _encodable(json.dumps(value, ensure_ascii=False))
    ):
        return JsonRow(number, problem="有坏字节或不成对的代理字符（编码损坏）")
    return JsonRow(number, value)


def _unwrapped(rows: Iterator[JsonRow]) -> Iterator[JsonRow]:
    """Rows that one object keeps under a name of `WRAPPERS`."""
    for row in rows:
        inner = _wrapped(row.value)
        if inner is None:
            yield row
        else:
            yield from (JsonRow(number, value) for number, value in enumerate(inner, 1))


def _wrapped(value: Any) -> list[Any] | None:
    if not isinstance(value, dict):
        return None
    lists: list[list[Any]] = [v for key in WRAPPERS if isinstance(v := value.get(key), list)]
    if len(lists) == 1 and lists[0] and all(isinstance(each, dict) for each in lists[0]):
        return lists[0]
    return None


def _is_object(line: str) -> bool:
    text = line.strip().removesuffix(",")
    if not (text.startswith("{") and text.endswith("}")):
        return False
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _no_number(name: str) -> None:
    raise ValueError(f"{name} 不是数")


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
