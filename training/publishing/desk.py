"""The desk that is being served, over its HTTP API: told which adapters to load, and read."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from training.errors import EngineUnreachable, NotServable

LOAD_SECONDS = 300.0
"""vLLM reads a large adapter, and may be busy with a prompt."""


class Desk:
    """`http` has the desk's address as its base. Raises EngineUnreachable and NotServable."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    @classmethod
    def at(cls, url: str) -> "Desk":
        # The desk is on this machine; a proxy for the world outside would not find it.
        return cls(httpx.Client(base_url=url.rstrip("/"), timeout=LOAD_SECONDS, trust_env=False))

    def __enter__(self) -> "Desk":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    @property
    def url(self) -> str:
        return str(self._http.base_url)

    def read(self, path: str, **parameters: Any) -> Any:
        """What the desk answers to GET."""
        return self._ask("GET", path, params=parameters)

    def loaded(self) -> list[str]:
        """Names of the adapters that the engine serves now."""
        return [str(each["name"]) for each in self._ask("GET", "/api/adapters")]

    def load(self, folder: str) -> None:
        """`folder` lies in the desk's own `adapters/`; it is served under this very name."""
        self._ask("POST", "/api/adapters", json={"name": folder})

    def unload(self, folder: str) -> None:
        if folder in self.loaded():
            self._ask("DELETE", f"/api/adapters/{folder}")

    def _ask(self, method: str, path: str, **how: Any) -> Any:
        try:
            answer = self._http.request(method, path, **how)
        except httpx.HTTPError as error:
            raise EngineUnreachable(
                f"连不上书桌 {self.url}（{error}），请确认它正开着。"
            ) from error
        if answer.is_success:
            return answer.json() if answer.content else None
        raise _refusal(answer)


def _refusal(answer: httpx.Response) -> EngineUnreachable | NotServable:
    try:
        told = answer.json()["error"]
        sentence, retryable = str(told["message"]), bool(told.get("retryable"))
    except (ValueError, KeyError, TypeError):
        sentence, retryable = f"书桌答了 HTTP {answer.status_code}", answer.status_code >= 500
    unreachable = retryable or answer.status_code >= 500
    return EngineUnreachable(sentence) if unreachable else NotServable(sentence)


@contextmanager
def open_desk(url: str | None, data_dir: Path) -> Iterator[Desk | None]:
    """The desk at `url`, else the one that is open on this data directory; None for none."""
    address = url or find_desk(data_dir)
    if address is None:
        yield None
        return
    with Desk.at(address) as desk:
        yield desk


def serve(folder: str, url: str | None, data_dir: Path) -> bool:
    """Whether a desk serves the adapter now.

    What a desk says against it is an error; that none is open is not, unless one was named.
    """
    with open_desk(url, data_dir) as desk:
        if desk is not None:
            desk.load(folder)
        return desk is not None


def find_desk(data_dir: Path) -> str | None:
    """The address of the desk that serves this data directory, if one answers there.

    The server writes desk.json (`server/presence.py`) and takes it away when it closes.
    """
    try:
        address = str(json.loads((data_dir / "desk.json").read_text("utf-8"))["address"])
        httpx.get(f"{address}/api/health", timeout=2.0, trust_env=False).raise_for_status()
    except (OSError, ValueError, KeyError, TypeError, httpx.HTTPError):
        return None
    return address
