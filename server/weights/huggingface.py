"""Hugging Face through its own library.

`HF_ENDPOINT`, `HF_TOKEN` and `HF_HUB_OFFLINE` are honoured.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx2
from huggingface_hub import HfApi, constants, hf_hub_url
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    RepositoryNotFoundError,
)
from huggingface_hub.file_download import http_get
from huggingface_hub.utils._headers import build_hf_headers
from huggingface_hub.utils.tqdm import (
    are_progress_bars_disabled,
    disable_progress_bars,
    enable_progress_bars,
)

from server.errors import BrokenDownload, NoHub, WeightsError
from server.weights.hub import PROBE_SECONDS, Hub, Listing, RemoteFile


class HuggingFace(Hub):
    source = "huggingface"
    title = "Hugging Face"

    def __init__(self, endpoint: str | None = None) -> None:
        self._endpoint = endpoint or constants.ENDPOINT

    @property
    def endpoint(self) -> str:
        return self._endpoint

    def answers(self) -> bool:
        return not constants.is_offline_mode() and super().answers()

    def listing(self, repo: str) -> Listing:
        with _translated(repo):
            info = HfApi(endpoint=self.endpoint).model_info(
                repo, files_metadata=True, timeout=PROBE_SECONDS * 2
            )
        files = tuple(
            RemoteFile(each.rfilename, each.size or 0, each.lfs.sha256 if each.lfs else None)
            for each in info.siblings or ()
        )
        return Listing(info.sha or "main", files)

    def download(self, repo: str, revision: str, files: Sequence[RemoteFile], folder: Path) -> None:
        with _translated(repo), _without_bars():
            for file in files:
                url = hf_hub_url(repo, file.path, revision=revision, endpoint=self.endpoint)
                _download(url, file.bytes, folder / file.path)


def _download(url: str, size: int, target: Path) -> None:
    """Goes on from the half that an earlier run left.

    `snapshot_download` would not: it keeps whole files only and begins a cut one anew, and the
    files here have gigabytes.
    """
    if target.exists() and target.stat().st_size == size:
        return
    half = target.with_name(f".{target.name}.half")
    if half.exists() and half.stat().st_size > size:
        half.unlink()
    with half.open("ab") as file:
        headers = build_hf_headers()
        http_get(url, file, resume_size=file.tell(), headers=headers, expected_size=size)
    half.rename(target)


@contextmanager
def _translated(repo: str) -> Iterator[None]:
    try:
        yield
    except HFValidationError as error:
        raise WeightsError(f"{repo} 不是合法的模型名，应写作“作者/模型”。") from error
    except GatedRepoError as error:
        raise WeightsError(
            f"{repo} 需要先在 Hugging Face 上申请访问，再设置 HF_TOKEN 后重试。"
        ) from error
    except RepositoryNotFoundError as error:
        raise WeightsError(
            f"Hugging Face 上没有 {repo}（或它不公开），请检查名字，或设置 HF_TOKEN。"
        ) from error
    except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
        raise NoHub(f"连不上 Hugging Face，无法获取 {repo}，请检查网络后重试。") from error
    except (HfHubHTTPError, httpx2.HTTPError, ValueError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the system's own, a full disk for one; the library's have no number
        raise BrokenDownload(
            f"从 Hugging Face 下载 {repo} 时中断（{_first_line(error)}），"
            "请重新运行，已下好的部分会保留。"
        ) from error


@contextmanager
def _without_bars() -> Iterator[None]:
    """The library's own bars would write across ours."""
    were_off = are_progress_bars_disabled()
    disable_progress_bars()
    try:
        yield
    finally:
        if not were_off:
            enable_progress_bars()


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
