"""The commands that make data sets: which files go in, and how options become words.

Every option is typed by `server.schemas.building`; each becomes one word `--flag=value`, so that
nothing an author writes can be taken for an option. Files are named by their absolute paths.
"""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from server.errors import Invalid
from server.jobs import child
from server.schemas.building import BuildIn
from server.tuning.datasets import Datasets

ROLES_SECONDS = 120


def refuse_nothing(wanted: BuildIn, uploads: Sequence[Path], work: object | None) -> None:
    """Raises Invalid where a maker of texts has none."""
    if hasattr(wanted, "uploads") and not uploads and work is None:
        raise Invalid("还没有文本：请先上传文件，或选书架上的一部作品。")


def command(wanted: BuildIn, files: Sequence[Path]) -> list[str]:
    """What follows `yanchi`."""
    flags = wanted.options.model_dump()
    return [
        "data", wanted.maker, *(str(path.absolute()) for path in files),
        f"--name={wanted.name}", *_words(flags), *(["--replace"] if wanted.replace else []),
        "--json", "--progress-json",
    ]  # fmt: skip


def sources(wanted: BuildIn, datasets: Datasets) -> list[Path]:
    """The uploads that are asked for. Raises NotFound for one that has gone."""
    return [datasets.upload(ident) for ident in getattr(wanted, "uploads", [])]


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


ON_BY_ITSELF = frozenset({"--directions", "--events"})
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
