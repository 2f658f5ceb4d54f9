"""The adapters that are published: versions side by side, one of each name current.

    adapters/
      <name>-v<N>-<8 hex of the content>/   adapter_config.json, adapter_model.safetensors,
                                            README.md, yanchi.json
      current.json                          {name: folder}; rolling back points it elsewhere
      .bin/                                 what was removed, for the author to take back
      .lock, .partial-*                     one writer at a time; what it has not finished

A folder appears whole, by being renamed, and never changes afterwards: vLLM keys its prefix
cache by name and path.
"""

import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock

from training.errors import BadInput

RECORD = "yanchi.json"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_FOLDER = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9_-]*)-v(?P<version>\d+)-[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class Published:
    """One version; `record` is its yanchi.json."""

    folder: Path
    name: str
    version: int
    record: dict[str, Any] = field(default_factory=dict, compare=False)

    @property
    def title(self) -> str:
        return str(self.record.get("title") or self.name)


class Shelf:
    def __init__(self, root: Path) -> None:
        self.root = root

    def all(self) -> list[Published]:
        """By name, oldest version first."""
        return sorted(_published(self.root), key=lambda each: (each.name, each.version))

    def versions(self, name: str) -> list[Published]:
        return [each for each in self.all() if each.name == name]

    def find(self, wanted: str) -> Published:
        """By folder, by `name-vN`, or the current version by name. Raises BadInput."""
        for each in self.all():
            if wanted in (each.folder.name, f"{each.name}-v{each.version}"):
                return each
        current = self.current(wanted)
        if current is None:
            known = "、".join(sorted({each.name for each in self.all()})) or "还没有"
            raise BadInput(f"没有名为“{wanted}”的适配器；已发布的：{known}")
        return current

    def current(self, name: str) -> Published | None:
        """What current.json says, if it is still there; else the newest version."""
        versions = self.versions(name)
        told = self._pointers().get(name)
        newest = versions[-1] if versions else None
        return next((each for each in versions if each.folder.name == told), newest)

    def is_current(self, published: Published) -> bool:
        return self.current(published.name) == published

    def point(self, published: Published) -> None:
        """Make it the current version of its name."""
        with self._alone():
            self._point(published)

    def roll_back(self, name: str) -> Published:
        """The version before the current one becomes current. Raises BadInput without one."""
        with self._alone():
            current = self.find(name)
            before = [v for v in self.versions(current.name) if v.version < current.version]
            if not before:
                raise BadInput(f"{current.name} 没有比 v{current.version} 更早的版本可以退回")
            self._point(before[-1])
            return before[-1]

    def remove(self, published: Published) -> Path:
        """Into the bin; its name's next older version, else the newest, becomes current."""
        with self._alone():
            was_current = self.is_current(published)
            target = self.root / ".bin" / published.folder.name
            target.parent.mkdir(exist_ok=True)
            shutil.rmtree(target, ignore_errors=True)
            published.folder.rename(target)
            left = self.versions(published.name)
            older = [each for each in left if each.version < published.version]
            if was_current and left:
                self._point((older or left)[-1])
            elif not left:
                self._forget(published.name)
            return target

    def put(
        self, name: str, make: Callable[[Path], None], finish: Callable[[Path, int], str]
    ) -> Published:
        """A new version of `name`, current at once.

        `make` fills an empty folder, for as long as it takes. `finish` is told the folder and the
        version, writes what depends on it and gives the content's 8 hex; nobody else publishes
        meanwhile. Whatever they raise, nothing is left behind.
        """
        if not NAME.fullmatch(name):
            raise BadInput(
                f"适配器的名字“{name}”只能用英文字母、数字、- 和 _，以字母或数字开头，至多 64 个"
            )
        self.root.mkdir(parents=True, exist_ok=True)
        partial = self.root / f".partial-{secrets.token_hex(4)}"
        try:
            partial.mkdir()
            make(partial)
            with self._alone():
                version = self._next_version(name)
                content = finish(partial, version)
                _flush(partial)
                folder = self.root / f"{name}-v{version}-{content}"
                partial.rename(folder)
                published = Published(folder, name, version, _record(folder))
                self._point(published)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        return published

    def _next_version(self, name: str) -> int:
        """Numbers are not given twice, also after a removal."""
        known = [*_published(self.root), *_published(self.root / ".bin")]
        return 1 + max((each.version for each in known if each.name == name), default=0)

    def _pointers(self) -> dict[str, str]:
        try:
            told = json.loads((self.root / "current.json").read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return told if isinstance(told, dict) else {}

    def _point(self, published: Published) -> None:
        self._write_pointers(self._pointers() | {published.name: published.folder.name})

    def _forget(self, name: str) -> None:
        self._write_pointers({k: v for k, v in self._pointers().items() if k != name})

    def _write_pointers(self, pointers: dict[str, str]) -> None:
        beside = self.root / f".current.{os.getpid()}"
        beside.write_text(json.dumps(pointers, ensure_ascii=False, indent=2) + "\n", "utf-8")
        beside.replace(self.root / "current.json")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with FileLock(self.root / ".lock"):
            yield


def _published(root: Path) -> list[Published]:
    found = []
    for folder in root.glob("*/adapter_config.json"):
        match = _FOLDER.fullmatch(folder.parent.name)
        if match:
            version = int(match["version"])
            found.append(Published(folder.parent, match["name"], version, _record(folder.parent)))
    return found


def _record(folder: Path) -> dict[str, Any]:
    try:
        told = json.loads((folder / RECORD).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _flush(folder: Path) -> None:
    """On the disk before the rename is: a power cut leaves all of it or none."""
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
