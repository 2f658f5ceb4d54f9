"""A data set on disk: a folder with `dataset.json`, `train.jsonl` and `held_out.jsonl`.

A folder is written beside its place and renamed, so that readers find it whole or not at all;
only the card is replaced later, when statistics or an audit join it. What was learned from is
known by `digest`, which the two files of items alone decide.
"""

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO

from training.data.items import flaw, item_from_json, item_to_json, kind_of
from training.data.lines import ItemLines
from training.data.statistics import BATCH, Tally
from training.errors import BadInput
from training.types import Item, Kind, Refusal

__all__ = [
    "Card", "DataSet", "Source", "all_sets", "find", "item_from_json", "item_to_json", "load",
    "made_by", "new_folder", "read_card", "save", "update_card",
]  # fmt: skip

FORMAT = 1
CARD, TRAIN, HELD_OUT = "dataset.json", "train.jsonl", "held_out.jsonl"
FIRST_REFUSALS = 50
_NAME = re.compile(r"[^/\\\x00-\x1f.][^/\\\x00-\x1f]{0,99}")


@dataclass(frozen=True, slots=True)
class Source:
    """A file or a data set that this one was made from; `sha256` is its content's."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Card:
    """What `dataset.json` says."""

    name: str
    kind: Kind
    rows: int
    held_out_rows: int
    made: Mapping[str, Any]
    """{command, options, version}: how it can be made again."""
    digest: str
    sources: tuple[Source, ...] = ()
    refusals: Mapping[str, Any] = field(default_factory=lambda: {"count": 0, "first": []})
    statistics: Mapping[str, Any] = field(default_factory=dict)
    """{"train": …, "held_out": …} of `training.data.statistics`."""
    audit: Mapping[str, Any] | None = None
    report: Mapping[str, Any] = field(default_factory=dict)
    """What the command that made it removed, repeated or left out."""
    created: str = ""

    def to_json(self) -> dict[str, Any]:
        return {"format": FORMAT, **asdict(self)}


class DataSet:
    """`train` and `held_out` read their items from disk when they are asked for."""

    def __init__(self, folder: Path, card: Card) -> None:
        self.folder, self.card = folder, card
        self.train: Sequence[Item] = ItemLines(folder / TRAIN)
        self.held_out: Sequence[Item] = ItemLines(folder / HELD_OUT)

    @cached_property
    def digest(self) -> str:
        """Of the files as they are now, whatever the card says."""
        return _digest(_sha256(self.folder / TRAIN), _sha256(self.folder / HELD_OUT))


def made_by(command: str, **options: Any) -> dict[str, Any]:
    """For `Card.made`: the command and those of its options that were given."""
    given = {key: value for key, value in options.items() if value not in (None, (), [])}
    return {"command": command, "options": given, "version": version("yanchi")}


def find(name: str | Path, data_dir: Path) -> Path:
    """The folder of a data set: a path, or a bare name under `<data_dir>/datasets/`.

    Raises BadInput where there is none.
    """
    for folder in (Path(name).expanduser(), data_dir / "datasets" / str(name)):
        if (folder / CARD).is_file():
            return folder
    raise BadInput(f"没有数据集“{name}”，请用 yanchi data show 看看有哪些，或者给出它的目录。")


def new_folder(name: str | Path, data_dir: Path) -> Path:
    """Where a new data set of this name or path goes. Raises BadInput for an unfit name."""
    text = str(name)
    if "/" in text or "\\" in text:
        return Path(text).expanduser().absolute()
    if not _NAME.fullmatch(text):
        raise BadInput(f"“{text}”不能作数据集的名字：不要以点开头，不要有斜杠，最多 100 个字。")
    return data_dir / "datasets" / text


def all_sets(data_dir: Path) -> list[tuple[Path, Card]]:
    """The data sets under `<data_dir>/datasets/`, newest first; what cannot be read is left out."""
    found = []
    for path in (data_dir / "datasets").glob(f"*/{CARD}"):
        with suppress(BadInput):
            found.append((path.parent, read_card(path.parent)))
    return sorted(found, key=lambda each: each[1].created, reverse=True)


def load(folder: Path) -> DataSet:
    """Raises BadInput for a folder that is no data set."""
    card = read_card(folder)
    if missing := [name for name in (TRAIN, HELD_OUT) if not (folder / name).is_file()]:
        raise BadInput(f"{folder} 不完整：缺 {missing[0]}")
    return DataSet(folder, card)


def read_card(folder: Path) -> Card:
    """Raises BadInput for a folder that is no data set."""
    try:
        row = json.loads((folder / CARD).read_text("utf-8"))
        if row.get("format") != FORMAT:
            raise BadInput(f"格式是第 {row.get('format')} 版，这里只认第 {FORMAT} 版", file=CARD)
        return _card(row)
    except FileNotFoundError as error:
        raise BadInput(f"{folder} 不是数据集：缺 {CARD}") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadInput("卡片坏了，请重新导入这份数据", file=folder / CARD) from error


def save(
    folder: Path,
    items: Iterable[Item],
    held_out: Iterable[Item] = (),
    *,
    name: str,
    made: Mapping[str, Any],
    sources: Iterable[Source] = (),
    refusals: Iterable[Refusal] = (),
    audit: Mapping[str, Any] | None = None,
    report: Mapping[str, Any] | None = None,
    replace_old: bool = False,
) -> Card:
    """Write a data set and return its card.

    `items` and `held_out` may be streams; `sources`, `refusals` and `report` are looked at only
    when the streams have ended. Raises BadInput: a folder that is there already (unless
    `replace_old`), an item that cannot be learned from, kinds that differ, nothing at all.
    """
    if folder.exists() and not (replace_old and (folder / CARD).is_file()):
        way = "加 --replace 可以替换它" if (folder / CARD).is_file() else "它不是数据集"
        raise BadInput(f"{folder} 已经存在，{way}；或者换一个名字。")
    with _beside(folder) as new:
        writer = _Writer()
        train = writer.write(new / TRAIN, items)
        held = writer.write(new / HELD_OUT, held_out)
        if writer.kind is None:
            raise BadInput(f"没有一条可用的数据，“{name}”没有建立{_first(refusals)}")
        refused = list(refusals)
        card = Card(
            name=name,
            kind=writer.kind,
            rows=train.statistics["rows"],
            held_out_rows=held.statistics["rows"],
            made=made,
            digest=_digest(train.sha256, held.sha256),
            sources=tuple(sources),
            refusals={
                "count": len(refused),
                "first": [asdict(each) for each in refused[:FIRST_REFUSALS]],
            },
            statistics={"train": train.statistics, "held_out": held.statistics},
            audit=audit,
            report=report or {},
            created=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        _write_card(new, card)
    return card


def update_card(folder: Path, **changes: Any) -> Card:
    """Replace the card with one that says more: `statistics`, `audit`."""
    card = replace(read_card(folder), **changes)
    _write_card(folder, card)
    return card


@dataclass(frozen=True, slots=True)
class _Written:
    sha256: str
    statistics: dict[str, Any]


class _Writer:
    """Writes files of items of one kind, looking at each item once."""

    def __init__(self) -> None:
        self.kind: Kind | None = None

    def write(self, path: Path, items: Iterable[Item]) -> _Written:
        tally, digest, batch = Tally(), hashlib.sha256(), []
        with path.open("wb") as file:
            for number, item in enumerate(items, 1):
                self._check(item, path.name, number)
                line = _line(item, path.name, number)
                file.write(line)
                digest.update(line)
                batch.append(item)
                if len(batch) == BATCH:
                    tally.add(batch)
                    batch = []
            _flush(file)
        tally.add(batch)
        return _Written(digest.hexdigest(), tally.result())

    def _check(self, item: Item, file: str, number: int) -> None:
        kind = kind_of(item)
        self.kind = self.kind or kind
        if kind != self.kind:
            raise BadInput(
                f"这一条是 {kind}，前面的是 {self.kind}，不能放在一个数据集里",
                file=file,
                row=number,
            )
        if found := flaw(item):
            raise BadInput(found[1], file=file, row=number, field=found[0])


def _line(item: Item, file: str, number: int) -> bytes:
    try:
        return json.dumps(item_to_json(item), ensure_ascii=False).encode() + b"\n"
    except UnicodeEncodeError as error:
        raise BadInput("有不成对的代理字符，存不成 UTF-8", file=file, row=number) from error


@contextmanager
def _beside(folder: Path) -> Iterator[Path]:
    """A new folder that takes the place of `folder` when all went well, and goes otherwise."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield new
        new.chmod(0o755)
        if folder.exists():
            former = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
            folder.rename(former / "former")
            new.rename(folder)
            shutil.rmtree(former)
        else:
            new.rename(folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _write_card(folder: Path, card: Card) -> None:
    text = json.dumps(card.to_json(), ensure_ascii=False, indent=1)
    handle, path = tempfile.mkstemp(dir=folder, prefix=f".{CARD}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
            _flush(file)
        Path(path).chmod(0o644)
        Path(path).replace(folder / CARD)
    except BaseException:
        Path(path).unlink(missing_ok=True)
        raise


def _flush(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _card(row: Mapping[str, Any]) -> Card:
    rest = {key: value for key, value in row.items() if key != "format"}
    sources = tuple(Source(**each) for each in rest.pop("sources", ()))
    return Card(**rest, sources=sources)


def _digest(train: str, held_out: str) -> str:
    return hashlib.sha256(f"{train}\n{held_out}\n".encode()).hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _first(refusals: Iterable[Refusal]) -> str:
    """“：第一处问题是 …” to say why nothing was left."""
    first = next(iter(refusals), None)
    if first is None:
        return "。"
    where = BadInput(first.reason, file=first.source, row=first.row, field=first.field)
    return f"。第一处问题：{where}"
