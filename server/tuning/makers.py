"""The commands that make data sets: which files go in, and how options become words.

Every option is typed by `server.schemas.building`; each becomes one word `--flag=value`, so that
nothing an author writes can be taken for an option. Files are named by their absolute paths.
"""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from server.errors import Conflict, Invalid
from server.jobs import child
from server.schemas.building import (
    Asked,
    BuildIn,
    ContextIn,
    MixIn,
    NovelIn,
    OfSet,
    OfTexts,
    SummariesIn,
    TrialIn,
    Variant,
)
from server.tuning.datasets import Datasets
from server.tuning.summaries import Summaries

ROLES_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Place:
    """What a command reads and writes: texts by their files, all else by name; `input` is the
    job's own folder."""

    data_dir: Path
    input: Path
    texts: Sequence[Path] = ()


def command(wanted: BuildIn, place: Place) -> list[str]:
    """What follows `yanchi`; `texts` are for makers that read texts."""
    summaries = Summaries(place.data_dir)
    options = wanted.options.model_dump()
    if made := options.get("made"):
        options["made"] = summaries.get(made)
    if isinstance(wanted, SummariesIn):
        to = [f"--to={summaries.place(wanted.name)}"]
    else:
        to = [f"--name={wanted.name}", *(["--replace"] if wanted.replace else [])]
    variant = wanted.variant if isinstance(wanted, Asked) else None
    return [
        "data", wanted.maker, *_inputs(wanted, place.texts), *to,
        *_words(options), *_asked([variant] if variant else [], place.input),
        "--json", "--progress-json",
    ]  # fmt: skip


def trial(wanted: TrialIn, place: Place) -> list[str]:
    """As `command`, for ways of asking that are tried on a sample."""
    return [
        "data", wanted.maker, *_paths(place.texts), f"--sample={wanted.sample}",
        *_words(wanted.options.model_dump()), *_asked(wanted.variants, place.input),
        "--json", "--progress-json",
    ]  # fmt: skip


def check(wanted: BuildIn, data_dir: Path) -> list[Path]:
    """The uploads that go in. Raises NotFound for what is gone, Invalid where a maker of texts
    has none, Conflict for a name that is taken."""
    datasets = Datasets(data_dir)
    if isinstance(wanted, SummariesIn):
        return texts(wanted, datasets)
    if not wanted.replace and (datasets.root / wanted.name).exists():
        raise Conflict(f"已经有叫“{wanted.name}”的数据集，请换一个名字，或者选择替换它。")
    for name in _sets(wanted):
        datasets.folder(name)
    if isinstance(wanted, NovelIn | ContextIn) and wanted.options.made:
        Summaries(data_dir).get(wanted.options.made)
    return texts(wanted, datasets) if isinstance(wanted, OfTexts) else []


def texts(wanted: OfTexts | TrialIn, datasets: Datasets) -> list[Path]:
    """The uploads; a work of the desk joins them. Raises Invalid where there is neither."""
    if not wanted.uploads and wanted.work_id is None:
        raise Invalid("还没有文本：请先上传文件，或选书架上的一部作品。")
    return [datasets.upload(ident) for ident in wanted.uploads]


def _sets(wanted: BuildIn) -> list[str]:
    if isinstance(wanted, MixIn):
        return [part.name for part in wanted.parts]
    return [wanted.data] if isinstance(wanted, OfSet) else []


def _inputs(wanted: BuildIn, texts: Sequence[Path]) -> list[str]:
    if isinstance(wanted, MixIn):
        return [f"{part.name}:{part.weight:g}" for part in wanted.parts]
    return _sets(wanted) or _paths(texts)


def _paths(texts: Sequence[Path]) -> list[str]:
    return [str(path.absolute()) for path in texts]


def _asked(variants: Sequence[Variant], folder: Path) -> Iterator[str]:
    """An author's own way of asking goes by a file, and is called by the file's name."""
    for variant in variants:
        told = variant.name
        if variant.template is not None:
            path = folder / f"{variant.name}.jinja"
            path.write_text(variant.template, encoding="utf-8")
            told = str(path.absolute())
        yield f"--variant={told}"


def _words(options: Mapping[str, Any]) -> Iterator[str]:
    for name, value in options.items():
        flag = f"--{name.replace('_', '-')}"
        if value is None or value == "":
            continue
        if isinstance(value, bool):
            yield from _switch(flag, value)
        elif isinstance(value, list):
            yield from (f"{flag}={each}" for each in value)
        else:
            yield f"{flag}={value}"


ON_BY_ITSELF = frozenset({"--directions", "--events", "--spam", "--damage", "--near"})
"""Switches of the commands that are on when nothing is said; the others are off."""


def _switch(flag: str, on: bool) -> Iterator[str]:
    if flag in ON_BY_ITSELF and not on:
        yield f"--no-{flag.removeprefix('--')}"
    elif flag not in ON_BY_ITSELF and on:
        yield flag


async def roles(path: Path) -> dict[str, Any]:
    """Who speaks in a script. `path` is absolute. Raises Invalid with the command's own sentence."""
    process = await asyncio.create_subprocess_exec(
        *child.YANCHI, "data", "roles", str(path), "--json",
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(ROLES_SECONDS):
            out, _ = await process.communicate()
    except TimeoutError:
        raise _unreadable("这个文件读得太久，没有读完；请拆成几个再试。") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    try:
        told: dict[str, Any] = json.loads(out)
    except ValueError:
        raise _unreadable("这个文件没有读出来，请换一个试试。") from None
    if isinstance(error := told.get("error"), dict):
        raise _unreadable(str(error.get("message", "")))
    return told


def _unreadable(sentence: str) -> Invalid:
    return Invalid(sentence, code="unreadable_file")
