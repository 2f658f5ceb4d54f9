"""Items into a file that other programs read: Alpaca, ShareGPT, OpenAI, bare texts."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from training.data.formats.fields import Row
from training.data.formats.rows import FormatName, write_row
from training.errors import BadInput
from training.types import Item, Kind, Refusal, Text

SUFFIXES = (".jsonl", ".json", ".txt")
FORMATS: tuple[FormatName, ...] = ("alpaca", "sharegpt", "openai", "text")


@dataclass(frozen=True, slots=True)
class Written:
    """`refusals`: items that the format cannot say, each with the way out."""

    rows: int
    refusals: tuple[Refusal, ...]


def usual_format(kind: Kind) -> FormatName:
    return "text" if kind == "text" else "sharegpt"


def export(
    items: Iterable[Item],
    path: Path,
    form: FormatName,
    *,
    apart: bool = True,
    uniform: bool = False,
) -> Written:
    """Write a file: `.json` an array, `.jsonl` an object a line, `.txt` texts with an empty line
    between them. See `write_row` for `apart` and `uniform`.

    The file is whole or not there. Raises BadInput for a suffix that is none of these, and
    where nothing could be written.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise BadInput(
            f"不知道怎么写成 {path.suffix or '没有后缀'} 的文件，请用 {'、'.join(SUFFIXES)}"
        )
    refusals: list[Refusal] = []

    def rows() -> Iterator[Row]:
        for number, item in enumerate(items, 1):
            try:
                yield write_row(item, form, apart=apart, uniform=uniform)
            except BadInput as error:
                refusals.append(Refusal(path.name, number, error.field, error.reason))

    with whole(path) as file:
        if path.suffix.lower() == ".txt":
            count = _write_texts(file, items, path)
        else:
            count = _write_rows(file, rows(), in_array=path.suffix.lower() == ".json")
        if not count:
            raise BadInput(refusals[0].reason if refusals else "没有一条可写", file=path)
    return Written(count, tuple(refusals))


@contextmanager
def whole(path: Path) -> Iterator[IO[str]]:
    """A file that takes its name only when it was written to the end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.part")
    try:
        with partial.open("w", encoding="utf-8", newline="\n") as file:
            yield file
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _write_rows(file: IO[str], rows: Iterator[Row], *, in_array: bool) -> int:
    count = 0
    before, after = ("[\n", "\n]\n") if in_array else ("", "")
    for count, row in enumerate(rows, 1):
        file.write(before if count == 1 else ",\n" if in_array else "")
        file.write(json.dumps(row, ensure_ascii=False))
        file.write("" if in_array else "\n")
    file.write(after if count else "")
    return count


def _write_texts(file: IO[str], items: Iterable[Item], path: Path) -> int:
    count = 0
    for count, item in enumerate(items, 1):
        if not isinstance(item, Text):
            raise BadInput("TXT 只写得下正文，这一条是对话；请用 .jsonl", file=path, row=count)
        file.write(("\n\n" if count > 1 else "") + item.text.strip("\n"))
    file.write("\n" if count else "")
    return count
