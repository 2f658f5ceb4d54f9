"""The commands that make data sets: which files go in, and how options become words.

Every option is typed by `server.schemas.building`; each becomes one word `--flag=value`, so that
nothing an author writes can be taken for an option. Files are named by their absolute paths.
"""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from server.errors import Conflict, Invalid
from server.jobs import child
from server.schemas.building import BuildIn, MixIn, OfSet, OfTexts
from server.tuning.datasets import Datasets

ROLES_SECONDS = 120


def command(wanted: BuildIn, texts: Sequence[Path]) -> list[str]:
    """What follows `yanchi`; `texts` are for makers that read texts."""
    return [
        "data", wanted.maker, *_inputs(wanted, texts),
        f"--name={wanted.name}", *_words(wanted.options.model_dump()),
        *(["--replace"] if wanted.replace else []),
        "--json", "--progress-json",
    ]  # fmt: skip


def check(wanted: BuildIn, datasets: Datasets) -> list[Path]:
    """The uploads that go in. Raises NotFound for what is gone, Invalid where a maker of texts
    has none, Conflict for a name that is taken."""
    if not wanted.replace and (datasets.root / wanted.name).exists():
        raise Conflict(f"已经有叫“{wanted.name}”的数据集，请换一个名字，或者选择替换它。")
    for name in _sets(wanted):
        datasets.folder(name)
    if not isinstance(wanted, OfTexts):
        return []
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
    return _sets(wanted) or [str(path.absolute()) for path in texts]


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
