"""What this desk is made of: where its data lies, what it is built from, what may be loaded."""

import re
from dataclasses import dataclass
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution, requires
from pathlib import Path
from typing import Literal

from sqlalchemy import make_url

from server.engines.base import Engine
from server.engines.vllm import OpenAIEngine, VllmEngine
from server.hardware import Hardware, detect
from server.settings import Settings

Kind = Literal["vllm", "endpoint", "scripted"]


@dataclass(frozen=True, slots=True)
class Component:
    """A library that the desk is built from."""

    name: str
    version: str
    license: str


def engine_kind(engine: Engine) -> Kind:
    if isinstance(engine, VllmEngine):
        return "vllm"
    return "endpoint" if isinstance(engine, OpenAIEngine) else "scripted"


@cache
def hardware() -> Hardware:
    """This machine; read once, because asking a GPU takes a moment."""
    return detect()


def adapters_on_disk(settings: Settings) -> list[str]:
    """Folders of the data directory's `adapters/` that hold a LoRA adapter."""
    found = settings.adapters_dir.glob("*/adapter_config.json")
    return sorted(path.parent.name for path in found)


def database_place(settings: Settings) -> str:
    """The database without its password: a file's path, or a server's URL."""
    url = make_url(settings.database)
    is_file = url.get_backend_name() == "sqlite" and url.database
    return url.database if is_file and url.database else url.render_as_string(hide_password=True)


def text_bytes(settings: Settings) -> int:
    """Size of the database where it is a file, with what is not yet written back; else 0."""
    place = Path(database_place(settings))
    parts = (place, place.with_name(f"{place.name}-wal"))
    return sum(part.stat().st_size for part in parts if part.is_file())


@cache
def components() -> tuple[Component, ...]:
    """The libraries that the desk asks for itself, as they are installed here."""
    names = {re.split(r"[^A-Za-z0-9._-]", wanted, maxsplit=1)[0] for wanted in _wanted()}
    found = (_component(name) for name in sorted(names, key=str.lower))
    return tuple(component for component in found if component)


def _wanted() -> list[str]:
    try:
        return [w for w in requires("yanchi") or [] if "extra ==" not in w]
    except PackageNotFoundError:
        return []


def _component(name: str) -> Component | None:
    try:
        installed = distribution(name)
    except PackageNotFoundError:
        return None
    return Component(installed.metadata["Name"], installed.version, license_of(installed))


def license_of(installed: Distribution) -> str:
    """By its SPDX expression, else its classifier, else the first line of what it says."""
    told = installed.metadata

    def said(header: str) -> list[str]:
        return [str(value) for value in told.get_all(header) or []]

    if expression := said("License-Expression"):
        return expression[0]
    if classifiers := [c for c in said("Classifier") if c.startswith("License ::")]:
        return classifiers[0].rsplit(" :: ", 1)[-1]
    return "".join(said("License")[:1]).strip().split("\n", 1)[0][:60]
