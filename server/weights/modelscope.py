"""ModelScope through its own hub client; `MODELSCOPE_ENDPOINT` and its token are honoured.

The client checks the SHA-256 of what it downloads and goes on from half-downloaded files.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import requests
from modelscope_hub import HubApi
from modelscope_hub.config import HubConfig
from modelscope_hub.errors import (
    AuthenticationError,
    FileDownloadError,
    FileIntegrityError,
    HubError,
    InvalidParameter,
    NetworkError,
    NotExistError,
    PermissionDeniedError,
)

from server.errors import BrokenDownload, DiskFull, NoHub, WeightsError, WrongDigest
from server.weights.hub import Hub, Listing, RemoteFile

REVISION = "master"


class ModelScope(Hub):
    source = "modelscope"
    title = "魔搭 ModelScope"

    def __init__(self, endpoint: str | None = None) -> None:
        self._endpoint = endpoint or str(HubConfig().endpoint)
        self._api = HubApi(endpoint=self._endpoint)

    @property
    def endpoint(self) -> str:
        return self._endpoint

    def listing(self, repo: str) -> Listing:
        with _translated(repo):
            found = self._api.list_repo_files(repo, "model", revision=REVISION, recursive=False)
        files = tuple(
            RemoteFile(each.path, each.size or 0, each.sha256 or None)
            for each in found
            if each.type != "tree"
        )
        return Listing(REVISION, files)

    def download(self, repo: str, revision: str, files: Sequence[RemoteFile], folder: Path) -> None:
        names = [file.path for file in files]
        with _translated(repo):
            self._api.download_repo(
                repo, "model", revision=revision, local_dir=folder, allow_patterns=names
            )


@contextmanager
def _translated(repo: str) -> Iterator[None]:
    try:
        yield
    except FileDownloadError as error:
        raise _first_cause(repo, error) from error
    except (HubError, requests.RequestException) as error:
        raise _as_ours(repo, error) from error


def _first_cause(repo: str, error: FileDownloadError) -> WeightsError:
    causes = list(error.failed_files.values())
    return _as_ours(repo, causes[0] if causes else error)


def _as_ours(repo: str, error: BaseException) -> WeightsError:
    if isinstance(error, NotExistError | InvalidParameter):
        return WeightsError(f"魔搭 ModelScope 上没有 {repo}，请检查名字。")
    if isinstance(error, AuthenticationError | PermissionDeniedError):
        return WeightsError(f"{repo} 不公开，请先用 modelscope login 登录再重试。")
    if isinstance(error, FileIntegrityError):
        return WrongDigest(f"{repo} 的文件与魔搭登记的 SHA-256 不符，已删除，请重新运行。")
    if isinstance(error, OSError) and error.errno == 28:
        return DiskFull("磁盘空间不够，请腾出空间后重新运行，已下好的部分会保留。")
    if isinstance(error, NetworkError | requests.ConnectionError):
        return NoHub(f"连不上魔搭 ModelScope，无法获取 {repo}，请检查网络后重试。")
    first = (str(error).splitlines() or [type(error).__name__])[0]
    return BrokenDownload(
        f"从魔搭 ModelScope 下载 {repo} 时中断（{first}），请重新运行，已下好的部分会保留。"
    )
