"""Errors below `/v1`: OpenAI's shape and codes, English sentences.

Ours (`server.errors`) and the engine's own are translated here and nowhere else. What is wrong
with a request is always 400, as with OpenAI, never 422.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from server.engines.openai_errors import TOO_LONG
from server.errors import YanchiError

REQUEST, SERVER, LIMIT = "invalid_request_error", "server_error", "rate_limit_error"
RETRY_SECONDS = 5

ENGLISH: Mapping[str, str] = {
    "engine_starting": "The model is still starting. Try again in a moment.",
    "engine_lost": "The engine stopped before it had answered. Try again in a moment.",
    "engine_busy": "The engine is busy. Try again in a moment.",
    "engine_failed": "The engine cannot run. The desk's own page says why.",
    "engine_error": "The engine's answer could not be understood.",
    "engine_refused": "The engine refused this request; look at its parameters and its length.",
    "unknown_adapter": "The adapter that this model needs is not in the desk's adapters folder.",
    "prompt_too_large": "What has to stand in the prompt is larger than the model's window.",
    "length_too_large": "The answer asked for leaves no room for a prompt; lower 'max_tokens'.",
    "broken_template": "The desk's prompt template does not work; mend it in the editor.",
    "chapter_not_found": "There is no such chapter; look at 'yanchi.position.chapter'.",
    "character_not_found": "There is no such character; look at 'yanchi.viewpoint'.",
    "work_not_found": "There is no such work any more.",
    "persona_not_found": "There is no such persona any more.",
    "offset_out_of_range": "'yanchi.position.offset' lies outside the chapter.",
    "embedder_unavailable": "The embedding model cannot be loaded.",
    "index_failed": "The work's index cannot be used; the desk is building it anew.",
    "foreign_origin": "This request comes from another web page and was refused.",
    "foreign_host": "The Host header names another machine; reach the desk as 127.0.0.1 or localhost.",
}
_CODES = {
    "prompt_too_large": "context_length_exceeded",
    "length_too_large": "context_length_exceeded",
}
_PARAMS = {
    "context_length_exceeded": "messages", "chapter_not_found": "yanchi.position.chapter",
    "character_not_found": "yanchi.viewpoint", "offset_out_of_range": "yanchi.position.offset",
}  # fmt: skip


class ApiError(Exception):
    """An answer that is an error."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        type: str = REQUEST,
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.type = type
        self.param = param
        self.code = code
        self.headers = dict(headers or {})

    def body(self) -> dict[str, Any]:
        fields = {"message": self.message, "type": self.type, "param": self.param}
        return {"error": {**fields, "code": self.code}}

    def event(self) -> bytes:
        """As it stands in a stream that has begun."""
        return b"data: " + json.dumps(self.body()).encode() + b"\n\n"


def from_yanchi(error: YanchiError) -> ApiError:
    """A YanchiError's code stays, but for what the protocol has a word of its own for."""
    code = _CODES.get(error.code, error.code)
    status = 400 if error.status == 422 else error.status
    return ApiError(
        ENGLISH.get(error.code, f"The desk could not do this ({error.code})."),
        status=status,
        type=REQUEST if status < 500 else SERVER,
        param=_PARAMS.get(code),
        code=code,
        headers={"retry-after": str(RETRY_SECONDS)} if error.retryable else None,
    )


def internal() -> ApiError:
    return ApiError(
        "The desk failed at this. Nothing was lost; try again, and report the request id if it"
        " happens again.",
        status=500, type=SERVER, code="internal_error",
    )  # fmt: skip


def from_upstream(status: int, body: bytes) -> ApiError:
    """What an endpoint answered in place of a completion; its own sentence where it has one."""
    if status in (401, 403):
        told = "The engine does not accept the desk's key; look at YANCHI_ENGINE_API_KEY."
        return ApiError(told, status=503, type=SERVER, code="engine_failed")
    reason, param = _reason(body)
    if status in (408, 429, 503):
        return ApiError(
            reason or ENGLISH["engine_busy"], status=503, type=SERVER, code="engine_busy",
            headers={"retry-after": str(RETRY_SECONDS)},
        )  # fmt: skip
    if not 400 <= status < 500:
        told = ENGLISH["engine_lost"]
        return ApiError(told, status=502, type=SERVER, code="engine_error")
    if any(sign in reason for sign in TOO_LONG):
        return ApiError(reason, param=param or "messages", code="context_length_exceeded")
    code = "model_not_found" if status == 404 else "engine_refused"
    told = reason or ENGLISH["engine_refused"]
    return ApiError(told, status=404 if status == 404 else 400, param=param, code=code)


def _reason(body: bytes) -> tuple[str, str | None]:
    try:
        told = json.loads(body)
    except ValueError:
        return "", None
    error = told.get("error", told) if isinstance(told, dict) else None
    if isinstance(error, str):
        return error, None
    if not isinstance(error, dict):
        return "", None
    message, param = error.get("message"), error.get("param")
    return str(message or ""), param if isinstance(param, str) else None


def from_validation(faults: Sequence[Mapping[str, Any]]) -> ApiError:
    """The first fault that pydantic found, in OpenAI's words."""
    fault = faults[0]
    param = _where(fault["loc"])
    kind, limits = str(fault["type"]), fault.get("ctx", {})
    if kind == "missing":
        told = f"Missing required parameter: '{param}'."
        return ApiError(told, param=param, code="missing_required_parameter")
    if kind == "too_long":
        told = (
            f"Invalid '{param}': array too long. At most {limits['max_length']} entries are"
            f" taken, not {limits['actual_length']}."
        )
        return ApiError(told, param=param, code="array_above_max_length")
    if kind == "extra_forbidden":
        told = f"Unknown parameter: '{param}'."
        return ApiError(told, param=param, code="unknown_parameter")
    code = _code(kind, fault.get("input"))
    said = str(fault["msg"]).removeprefix("Value error, ").rstrip(".")
    if not param:
        return ApiError(f"Invalid request: {said}.", code=code)
    noun = "type for" if code == "invalid_type" else "value for"
    told = f"Invalid {noun} '{param}': {said[:1].lower()}{said[1:]}."
    return ApiError(told, param=param, code=code)


def _code(kind: str, value: object) -> str:
    number = "integer" if isinstance(value, int) else "decimal"
    if kind.startswith("greater_than"):
        return f"{number}_below_min_value"
    if kind.startswith("less_than"):
        return f"{number}_above_max_value"
    if kind == "string_too_long":
        return "string_above_max_length"
    return "invalid_type" if kind.endswith(("_type", "_parsing")) else "invalid_value"


def _where(loc: Sequence[str | int]) -> str:
    """`messages[3].role`; "" of the whole."""
    path = ""
    for part in loc:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return path
