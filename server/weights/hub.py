"""A model from a hub, whole or not at all: the part that is the same for every hub."""

import fnmatch
import shutil
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from server.errors import NoHub, WeightsError, WrongDigest
from server.weights.disk import full_disk_named, require_space
from server.weights.local import check_directory
from server.weights.store import Installed, Manifest, Store, digests, record_files
from server.weights.types import Progress, Source
from server.weights.watch import folder_bytes, watching

SERVED = ("*.safetensors", "*.json", "*.jinja", "*.txt", "*.model", "LICENSE*")
"""Weights, configuration and tokenizer; nothing that could be executed."""
PROBE_SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class RemoteFile:
    path: str
    bytes: int
    sha256: str | None
    """None where the hub does not say (small text files)."""


@dataclass(frozen=True, slots=True)
class Listing:
    revision: str
    files: tuple[RemoteFile, ...]


class Hub(ABC):
    """Where models are published by `owner/name`. Errors are `WeightsError`s."""

    source: Source
    title: str
    """What an author calls it."""

    @property
    @abstractmethod
    def endpoint(self) -> str: ...

    @abstractmethod
    def listing(self, repo: str) -> Listing:
        """Raises NoHub where the hub does not answer, WeightsError where it says no."""

    @abstractmethod
    def download(self, repo: str, revision: str, files: Sequence[RemoteFile], folder: Path) -> None:
        """Puts the files there, going on from what is there. Raises BrokenDownload, WrongDigest."""

    def answers(self) -> bool:
        """Whether anything at all comes back within a few seconds."""
        try:
            httpx.head(self.endpoint, timeout=PROBE_SECONDS)
        except (httpx.HTTPError, httpx.InvalidURL):
            return False
        return True


def fetch(hub: Hub, repo: str, store: Store, progress: Progress) -> Installed:
    """`repo` from `hub`, unless it is already here.

    Raises NoHub, BrokenDownload (what arrived is kept), WrongDigest, DiskFull, WeightsError.
    """
    if found := store.get(repo):
        return found
    progress(f"连接 {hub.title}", 0, 0)
    if not hub.answers():
        raise NoHub(
            f"连不上 {hub.title}，无法获取 {repo}；请检查网络，或用 --model 指定一个本地模型目录。"
        )
    listing = hub.listing(repo)
    files = choose(repo, listing)
    with store.locked(repo, progress), full_disk_named(store.root):
        if found := store.get(repo):
            return found
        folder = store.workshop(repo) / "files"
        folder.mkdir(exist_ok=True)
        total = sum(file.bytes for file in files)
        require_space(folder, total - folder_bytes(folder))
        with watching(folder, f"下载 {repo}", total, progress):
            hub.download(repo, listing.revision, files, folder)
        _check(files, folder, progress)
        origin = {"repository": repo, "revision": listing.revision}
        records = record_files(folder, progress)
        return store.publish(folder, Manifest(repo, hub.source, origin, records))


def choose(repo: str, listing: Listing) -> tuple[RemoteFile, ...]:
    """The files that serving needs: those at the top of the repository, of harmless kinds."""
    files = tuple(
        file
        for file in listing.files
        if "/" not in file.path and any(fnmatch.fnmatch(file.path, each) for each in SERVED)
    )
    if not any(file.path.endswith(".safetensors") for file in files):
        raise WeightsError(f"{repo} 没有 safetensors 权重，请换一个模型。")
    return files


def _check(files: tuple[RemoteFile, ...], folder: Path, progress: Progress) -> None:
    """Against what the hub said of each file; then whether it is a model at all."""
    expected = {file.path: file.sha256 for file in files if file.sha256}
    for name, found in digests(folder, expected, "校验下载的文件", progress).items():
        if found != expected[name]:
            (folder / name).unlink(missing_ok=True)
            raise WrongDigest(f"{name} 的内容与 SHA-256 不符，已删除，请重新运行。")
    for path in folder.iterdir():
        if path.name.startswith("."):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    check_directory(folder)
