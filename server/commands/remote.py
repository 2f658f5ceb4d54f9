"""The desk that is being served, over its own HTTP API, for the commands that need its engine."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from server.errors import EngineLost, Invalid, NotFound, YanchiError
from server.presence import find_desk
from server.sse import Event

LIMITS = httpx.Timeout(30.0, read=None)
"""An answer may be long in coming."""


class NoDesk(YanchiError):
    code = "no_desk"


class RemoteDesk:
    """`http` has the desk's address as its base. What the desk refuses is raised."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def ask(self, method: str, path: str, **how: Any) -> Any:
        """The answer's JSON; None where it has none."""
        answer = self._sent(method, path, **how)
        return answer.json() if answer.content else None

    def text(self, method: str, path: str, **how: Any) -> str:
        return self._sent(method, path, **how).text

    def stream(self, path: str, body: Any = None) -> Iterator[Event]:
        """The events of an answer; an `error` among them is raised. Closing it stops the desk."""
        try:
            with self._http.stream("POST", path, json=body) as answer:
                if not answer.is_success:
                    answer.read()
                    raise refusal(answer)
                lines = EventLines()
                for line in answer.iter_lines():
                    event = lines.take(line)
                    if event is not None and event.name == "error":
                        raise told(event.data["error"])
                    if event is not None:
                        yield event
        except httpx.HTTPError as error:
            raise _gone() from error

    def persona(self, who: str) -> dict[str, Any]:
        """By `persona/slug`, slug, id or name. Raises NotFound, naming those that are there."""
        rows = self.ask("GET", "/api/personas")
        wanted = who.removeprefix("persona/")
        for row in rows:
            if wanted in (row["slug"], row["id"], row["name"]):
                return dict(row)
        known = "、".join(f"persona/{row['slug']}（{row['name']}）" for row in rows) or "还没有人"
        raise NotFound(f"没有人物“{who}”；可以聊的是{known}。", code="persona_not_found")

    def work(self, name: str) -> dict[str, Any]:
        """By id, the id's beginning or title. Raises NotFound, or Invalid where several fit."""
        rows = self.ask("GET", "/api/works")
        found = [row for row in rows if name in (row["id"], row["title"])] or [
            row for row in rows if len(name) >= 4 and row["id"].startswith(name)
        ]
        if not found:
            raise NotFound(
                f"没有名为“{name}”的作品，可用 yanchi works 查看。", code="work_not_found"
            )
        if len(found) > 1:
            raise Invalid(f"有几部作品叫“{name}”，请用编号。", code="ambiguous_work")
        return dict(found[0])

    def _sent(self, method: str, path: str, **how: Any) -> httpx.Response:
        try:
            answer = self._http.request(method, path, **how)
        except httpx.HTTPError as error:
            raise _gone() from error
        if not answer.is_success:
            raise refusal(answer)
        return answer


class EventLines:
    """Server-sent events out of the lines of an answer, as `server.sse` writes them."""

    def __init__(self) -> None:
        self._name = ""

    def take(self, line: str) -> Event | None:
        if line.startswith("event: "):
            self._name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            return Event(self._name, json.loads(line.removeprefix("data: ")))
        return None


@contextmanager
def open_remote(data_dir: Path) -> Iterator[RemoteDesk]:
    """Raises NoDesk where none is open on this data directory: none is started."""
    address = find_desk(data_dir)
    if address is None:
        raise NoDesk("书桌没有打开：请先在另一个终端运行 yanchi serve，等它说出地址，再来一次。")
    # The desk is on this machine; a proxy for the world outside would not find it.
    with httpx.Client(base_url=address, timeout=LIMITS, trust_env=False) as http:
        yield RemoteDesk(http)


def refusal(answer: httpx.Response) -> YanchiError:
    try:
        return told(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        return EngineLost(f"书桌答了 HTTP {answer.status_code}，请看它的日志。")


def told(fault: dict[str, Any]) -> YanchiError:
    """An error that already has its wire shape."""
    error = YanchiError(fault["message"], code=fault["code"])
    error.retryable = fault.get("retryable", False)
    return error


def _gone() -> EngineLost:
    return EngineLost("和书桌的连接断了，请看它是不是还开着，再试一次。")
