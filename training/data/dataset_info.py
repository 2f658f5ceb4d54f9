"""LLaMA-Factory's `dataset_info.json`: which files hold which rows, read and written.

Its loader (0.9) takes a file's column types from the beginning of the file, drops rows whose
roles do not alternate without a word, and knows nothing of a data set's origin; so what is
written here has the same columns of the same types in every row, leaves out nothing silently,
and keeps the rest as text in a column that the loader ignores.
"""

import hashlib
import json
import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from training.data.formats.layout import COLUMNS, LAYOUTS, TAGS, Layout
from training.data.formats.rows import FormatName
from training.data.reading import files_in
from training.data.store import DataSet
from training.data.writing import Written, export, usual_format, whole
from training.errors import BadInput
from training.types import Item, Preference, Text

INFO = "dataset_info.json"
_ONLINE = ("hf_hub_url", "ms_hub_url", "om_hub_url", "cloud_file_name")
_FILES = {".json", ".jsonl", ".txt"}
_NAME = re.compile(r"[^,\s/\\]+")


@dataclass(frozen=True, slots=True)
class Entry:
    """One data set of the file; `problem` says why it cannot be read here, empty where it can."""

    name: str
    layout: Layout
    files: tuple[Path, ...] = ()
    sha1: str = ""
    num_samples: int | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Exported:
    name: str
    file: Path
    sha1: str
    written: Written


def read_info(path: Path) -> dict[str, Entry]:
    """The entries of a `dataset_info.json` (or of the folder that holds one), checked.

    Raises BadInput for a file that is no such thing.
    """
    file = path / INFO if path.is_dir() else path
    return {name: _entry(name, raw, file.parent) for name, raw in _load(file).items()}


def entry_of(path: Path, name: str | None) -> Entry:
    """The named entry, or the only one. Raises BadInput: none, several, or one with a problem."""
    entries = read_info(path)
    if name is None and len(entries) > 1:
        raise BadInput(f"里面有 {len(entries)} 个数据集，请用 --entry 指明一个", file=path)
    entry = next(iter(entries.values()), None) if name is None else entries.get(name)
    if entry is None:
        raise BadInput(f"没有“{name}”，只有 {'、'.join(entries) or '空的'}", file=path)
    if entry.problem:
        raise BadInput(entry.problem, file=path, field=entry.name)
    return entry


def sampled(items: Iterable[Item], count: int | None, seed: int) -> Iterable[Item]:
    """`num_samples` of an entry: so many of the items, drawn again where there are fewer."""
    if count is None:
        return items
    every, chance = list(items), random.Random(seed)
    if not every:
        return every
    drawn = chance.sample(range(len(every)), min(count, len(every)))
    drawn += chance.choices(range(len(every)), k=count - len(drawn))
    return [every[i] for i in drawn]


def export_set(
    dataset: DataSet, folder: Path, name: str, form: FormatName | None = None, *, apart: bool = True
) -> list[Exported]:
    """Write a data set into `folder` and enter it into its `dataset_info.json`.

    What is held out becomes `<name>_held_out`, and where some preferences are pairs and some
    answers judged alone, the latter `<name>_kto`: the loader wants them apart. Other entries stay
    as they are. Raises BadInput for a name that the loader would split.
    """
    if not _NAME.fullmatch(name):
        raise BadInput(f"“{name}”里不能有逗号、空白和斜杠，LLaMA-Factory 用它们分隔名字。")
    form = form or usual_format(dataset.card.kind)
    if form == "openai":
        raise BadInput("LLaMA-Factory 的 openai 读法会改动系统提示，请用 sharegpt 或 alpaca。")
    file = folder / INFO
    entries = _load(file) if file.is_file() else {}
    made = []
    for part, items in chain(
        _parts(name, dataset.train), _parts(f"{name}_held_out", dataset.held_out)
    ):
        path = folder / f"{part}.jsonl"
        ordered = _history_first(items) if form == "alpaca" else items
        written = export(ordered, path, form, apart=apart, uniform=True)
        exported = Exported(part, path, _sha1(path), written)
        entries[part] = _raw_entry(exported, form, items[0])
        made.append(exported)
    with whole(file) as out:
        # ASCII alone: the loader opens the file in whatever encoding the machine prefers.
        json.dump(entries, out, indent=2)
        out.write("\n")
    return made


def _load(file: Path) -> dict[str, Any]:
    try:
        entries = json.loads(file.read_text("utf-8-sig"))
    except FileNotFoundError as error:
        raise BadInput("没有这个文件", file=file) from error
    except ValueError as error:
        raise BadInput(f"不是合格的 JSON（{error}）", file=file) from error
    if not (isinstance(entries, dict) and all(isinstance(e, dict) for e in entries.values())):
        raise BadInput("应是“名字: 说明”的对象", file=file)
    return entries


def _entry(name: str, raw: Mapping[str, Any], folder: Path) -> Entry:
    layout = _layout(raw)
    if layout is None:
        return Entry(name, Layout(), problem=f"不认识 formatting“{raw.get('formatting')}”")
    samples = raw.get("num_samples")
    if not (samples is None or (isinstance(samples, int) and samples > 0)):
        return Entry(name, layout, problem="num_samples 应是正整数")
    if any(key in raw for key in _ONLINE):
        return Entry(name, layout, problem="数据在网上的仓库里，请先下载成文件，再写 file_name")
    if not isinstance(raw.get("file_name"), str):
        return Entry(name, layout, problem="没有 file_name")
    path, sha1 = folder / raw["file_name"], str(raw.get("file_sha1") or "")
    if not path.resolve().is_relative_to(folder.resolve()):
        return Entry(name, layout, problem=f"file_name“{raw['file_name']}”指到了目录之外")
    if not path.exists():
        return Entry(name, layout, problem=f"没有文件 {raw['file_name']}")
    files = tuple(files_in([path]))
    return Entry(name, layout, files, sha1, samples, _files_problem(files, sha1))


def _files_problem(files: Sequence[Path], sha1: str) -> str:
    if other := next((f for f in files if f.suffix.lower() not in _FILES), None):
        return f"还读不了 {other.suffix or '没有后缀'} 文件（{other.name}），请转成 JSON Lines"
    if sha1 and len(files) == 1 and (found := _sha1(files[0])) != sha1.lower():
        return (
            f"{files[0].name} 的 SHA-1 是 {found[:12]}…，说明里却是 {sha1[:12]}…："
            "文件改动过或没有下载完"
        )
    return ""


def _layout(raw: Mapping[str, Any]) -> Layout | None:
    """As the loader understands it: naming one column leaves all the others unnamed."""
    formatting = raw.get("formatting", "alpaca")
    if formatting not in LAYOUTS:
        return None
    named: dict[str, Any] = {"formatting": formatting, "ranking": bool(raw.get("ranking"))}
    for key, names in (("columns", COLUMNS), ("tags", TAGS)):
        if isinstance(given := raw.get(key), dict):
            named |= {name: given.get(name) for name in names}
    return Layout(**named)


def _parts(name: str, items: Sequence[Item]) -> Iterator[tuple[str, Sequence[Item]]]:
    """The items under the name, judged single answers apart from pairs."""
    alone = [i for i, item in enumerate(items) if isinstance(item, Preference) and _is_alone(item)]
    if not alone or len(alone) == len(items):
        yield from [(name, items)] if len(items) else []
        return
    apart = set(alone)
    yield name, [items[i] for i in range(len(items)) if i not in apart]
    yield f"{name}_kto", [items[i] for i in alone]


def _is_alone(item: Preference) -> bool:
    return item.chosen is None or item.rejected is None


def _history_first(items: Sequence[Item]) -> Iterator[Item]:
    """A row with a history stands first if there is any: an empty list would tell the loader
    nothing of what the column holds, and a later one would not fit."""
    first = next((i for i, item in enumerate(items) if _has_history(item)), None)
    if first is not None:
        yield items[first]
    for i, item in enumerate(items):
        if i != first:
            yield item


def _has_history(item: Item) -> bool:
    return not isinstance(item, Text) and sum(turn.role == "user" for turn in item.turns) > 1


def _raw_entry(exported: Exported, form: FormatName, first: Item) -> dict[str, Any]:
    columns = {
        "alpaca": {"prompt": "instruction", "query": "input", "history": "history"},
        "sharegpt": {"messages": "conversations"},
        "text": {"prompt": "text"},
    }[form]
    entry: dict[str, Any] = {"file_name": exported.file.name, "file_sha1": exported.sha1}
    if form != "text":
        entry["formatting"] = form
        columns |= {"system": "system", "tools": "tools"}
    if isinstance(first, Preference) and not _is_alone(first):
        entry["ranking"] = True
        columns |= {"chosen": "chosen", "rejected": "rejected"}
    elif form == "alpaca":
        columns["response"] = "output"
    if isinstance(first, Preference) and _is_alone(first):
        columns["kto_tag"] = "kto_tag"
    return entry | {"columns": columns}


def _sha1(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha1").hexdigest()
