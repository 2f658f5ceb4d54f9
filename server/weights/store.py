"""Where fetched weights live: one folder a model, complete or absent.

    <root>/<owner>--<name>/     config, safetensors, tokenizer and, last, manifest.json
    <root>/.partial/<name>/     work in progress: what a later run can go on from
    <root>/.locks/              one lock a model, so that two processes never build it twice

A model is built under `.partial`, gets its manifest as its last file, and is renamed into
place as a whole; so a folder with a manifest is complete, however the process ended.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from server.errors import NotFound, WrongDigest
from server.weights.types import Progress, Source, silent

MANIFEST = "manifest.json"
DAMAGED = "manifest.damaged.json"
BLOCK = 2**22


@dataclass(frozen=True, slots=True)
class FileRecord:
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a folder holds and where it came from."""

    name: str
    source: Source
    origin: dict[str, str]
    """Where it came from: repository and revision, or packages and the digest of the whole."""
    files: dict[str, FileRecord] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        return sum(record.bytes for record in self.files.values())

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Manifest":
        """Raises ValueError, KeyError or TypeError on anything but a manifest."""
        data: dict[str, Any] = json.loads(text)
        files = {name: FileRecord(**record) for name, record in data.pop("files").items()}
        return cls(files=files, **data)


@dataclass(frozen=True, slots=True)
class Installed:
    manifest: Manifest
    path: Path


class Store:
    """The folder of all fetched models."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, name: str) -> Path:
        return self.root / name.replace("/", "--")

    def workshop(self, name: str) -> Path:
        """The folder for work in progress on `name`, made if need be."""
        folder = self.root / ".partial" / name.replace("/", "--")
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def get(self, name: str) -> Installed | None:
        """`name` if it is here, whole: its manifest reads and each file has its size."""
        path = self.folder(name)
        try:
            manifest = Manifest.from_json((path / MANIFEST).read_text(encoding="utf-8"))
            sizes = {file: (path / file).stat().st_size for file in manifest.files}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        if sizes != {file: record.bytes for file, record in manifest.files.items()}:
            return None
        return Installed(manifest, path)

    def names(self) -> list[str]:
        """Of every folder here, whole or damaged."""
        if not self.root.is_dir():
            return []
        folders = [path for path in self.root.iterdir() if path.is_dir()]
        names = [path.name for path in folders if not path.name.startswith(".")]
        return sorted(name.replace("--", "/", 1) for name in names)

    def all(self) -> list[Installed]:
        return [found for name in self.names() if (found := self.get(name)) is not None]

    def publish(self, built: Path, manifest: Manifest) -> Installed:
        """Moves `built` into place as `manifest.name`; an older folder gives way."""
        (built / MANIFEST).write_text(manifest.to_json(), encoding="utf-8")
        flush_to_disk(built)
        target = self.folder(manifest.name)
        if target.exists():
            aside = self.workshop(manifest.name) / "replaced"
            shutil.rmtree(aside, ignore_errors=True)
            target.rename(aside)
        built.rename(target)
        shutil.rmtree(self.workshop(manifest.name))
        return Installed(manifest, target)

    @contextmanager
    def locked(self, name: str, progress: Progress = silent) -> Iterator[None]:
        """Alone with `name`, among all processes; waits as long as another one works on it."""
        folder = self.root / ".locks"
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / f"{name.replace('/', '--')}.lock")
        while not lock.is_locked:
            try:
                lock.acquire(timeout=1)
            except Timeout:
                progress("等待另一个正在准备该模型的进程", 0, 0)
        try:
            yield
        finally:
            lock.release()

    def verify(self, name: str, progress: Progress = silent) -> Installed:
        """Hashes every file again; what is damaged is no longer offered, and `pull` mends it.

        Raises NotFound, or WrongDigest naming the files.
        """
        found = self.get(name)
        if found is None:
            raise self._absent(name)
        files = found.manifest.files
        sums = digests(found.path, files, f"校验 {name}", progress)
        bad = [file for file, record in files.items() if sums[file] != record.sha256]
        if bad:
            (found.path / MANIFEST).rename(found.path / DAMAGED)
            again = ("ms:" if found.manifest.source == "modelscope" else "") + name
            raise WrongDigest(
                f"{name} 的 {'、'.join(bad)} 与清单不符，已停用，"
                f"请运行 yanchi model pull {again} 重新获取。"
            )
        return found

    def _absent(self, name: str) -> NotFound | WrongDigest:
        if self.folder(name).is_dir():
            return WrongDigest(
                f"{name} 的文件不全或已损坏，请运行 yanchi model pull {name} 重新获取。"
            )
        return NotFound(f"没有名为 {name} 的本地模型，请用 yanchi model list 查看已有的。")


def record_files(folder: Path, progress: Progress = silent) -> dict[str, FileRecord]:
    """Digest and size of every file under `folder`, by its path there; hidden ones left out."""
    names = sorted(
        relative.as_posix()
        for path in folder.rglob("*")
        if path.is_file()
        and (relative := path.relative_to(folder)).name not in (MANIFEST, DAMAGED)
        and not any(part.startswith(".") for part in relative.parts)
    )
    sums = digests(folder, names, "计算 SHA-256", progress)
    return {name: FileRecord(sums[name], (folder / name).stat().st_size) for name in names}


def digests(
    folder: Path, names: Iterable[str], step: str, progress: Progress = silent
) -> dict[str, str]:
    """SHA-256 of each file, in hexadecimal; "" for one that cannot be read."""
    paths = {name: folder / name for name in names}
    total = sum(path.stat().st_size for path in paths.values() if path.is_file())
    done = 0

    def read(count: int) -> None:
        nonlocal done
        done += count
        progress(step, done, total)

    return {name: digest(path, read) for name, path in paths.items()}


def digest(path: Path, read: Callable[[int], None] = lambda _: None) -> str:
    """SHA-256 of a file, in hexadecimal; "" where it cannot be read. `read` is told of bytes."""
    sha = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                sha.update(block)
                read(len(block))
    except OSError:
        return ""
    return sha.hexdigest()


def flush_to_disk(folder: Path) -> None:
    """So that a power cut after the rename finds the files' contents too."""
    for path in [*folder.rglob("*"), folder]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
