"""The one border where an endpoint's errors become ours (the tree in server/errors.py)."""

import json
from typing import Any

import httpx

from server.errors import (
    EngineBusy,
    EngineError,
    EngineFailed,
    EngineLost,
    EngineRefused,
    UnknownAdapter,
)

REASON_CHARACTERS = 200
TOO_LONG = (
    "max_model_len",
    "context length",
    "context_length",
    "maximum context",
    "max_tokens",
    "longer than the maximum",
    "too many tokens",
)


def _reason(payload: Any) -> tuple[str, int | None]:
    """The message and the code of `{"error": {...}}`, `{"error": "…"}` or anything else."""
    error = payload.get("error", payload) if isinstance(payload, dict) else payload
    if isinstance(error, dict):
        code = error.get("code")
        return str(error.get("message") or ""), code if isinstance(code, int) else None
    return (error if isinstance(error, str) else ""), None


def _short(reason: str) -> str:
    """Enough to understand, too little to echo a prompt into a log."""
    return reason.strip().partition("\n")[0][:REASON_CHARACTERS]


def _refused(reason: str) -> EngineRefused:
    if any(sign in reason for sign in TOO_LONG):
        return EngineRefused(
            f"提示与所求长度超过了模型的窗口，请缩短其一（引擎说：{_short(reason)}）。"
        )
    return EngineRefused(f"引擎不接受这次请求，请检查参数（引擎说：{_short(reason)}）。")


def from_status(
    status: int, payload: Any, adapter: str | None = None
) -> EngineError | UnknownAdapter:
    """The error that an HTTP status stands for, with the endpoint's own reason."""
    reason, _ = _reason(payload)
    if status in (401, 403):
        return EngineFailed("引擎不接受所设的密钥，请检查 YANCHI_ENGINE_API_KEY。")
    if status == 404:
        if adapter is not None:
            return UnknownAdapter(f"引擎里没有名为「{adapter}」的适配器，请先载入它。")
        return EngineFailed(f"引擎里没有所选的模型，请检查 YANCHI_MODEL（{_short(reason)}）。")
    if status in (408, 429, 503):
        return EngineBusy("引擎正忙，请稍候再试。")
    if status >= 500:
        return EngineLost("引擎内部出错，请稍候再试。")
    return _refused(reason)


def from_payload(payload: Any) -> EngineError:
    """The error that stands in mid-stream, after HTTP 200."""
    reason, code = _reason(payload)
    if code is not None and 400 <= code < 500 and code not in (408, 429):
        return _refused(reason)
    if code in (408, 429, 503):
        return EngineBusy("引擎正忙，请稍候再试。")
    return EngineLost("引擎在生成途中出错，请重试。")


async def from_response(
    response: httpx.Response, adapter: str | None = None
) -> EngineError | UnknownAdapter:
    """Reads what is left of an answer that is no success."""
    body = await response.aread()
    try:
        payload = json.loads(body)
    except ValueError:
        payload = body.decode("utf-8", "replace")
    return from_status(response.status_code, payload, adapter)


def from_transport(error: httpx.HTTPError) -> EngineError:
    """A connection that could not be made, or broke, or said nothing for too long."""
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return EngineLost("连不上引擎，请确认它在运行后重试。")
    if isinstance(error, httpx.TimeoutException):
        return EngineLost("引擎太久没有回答，请稍候再试。")
    if isinstance(error, httpx.UnsupportedProtocol):
        return EngineFailed("引擎地址不是 http 或 https 地址，请检查 YANCHI_ENGINE_URL。")
    return EngineLost("与引擎的连接断了，请重试。")


def check_is_stream(response: httpx.Response) -> None:
    """Raises EngineError when a success is a page or a plain JSON answer, not a stream."""
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in ("text/html", "application/json"):
        raise EngineError("引擎地址上不是支持流式输出的 OpenAI 兼容接口，请检查引擎地址。")


def adapter_refused(name: str, response: httpx.Response) -> EngineRefused:
    """Why vLLM would not load or unload an adapter; it says so with 400, 404 or 500."""
    try:
        reason, _ = _reason(response.json())
    except ValueError:
        reason = response.text
    return EngineRefused(f"引擎没有接受适配器「{name}」（引擎说：{_short(reason)}）。")
