"""A prompt of ours in the protocol: the engine's own dialect, with what the asker chose laid over.

What the asker gave besides (logprobs, tools, response_format, n, …) reaches the engine as it came.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from retrieval.types import Prompt
from server.engines.base import Engine, EngineRequest
from server.engines.openai_client import OpenAIEngine
from server.engines.openai_request import request_body
from server.openai.schemas import Asked
from server.writing.explain import describe

OURS = frozenset(
    {"model", "messages", "yanchi", "stop", "stream", "stream_options", "max_tokens",
     "max_completion_tokens"}
)  # fmt: skip
TEXTS = ("text", "messages")
"""Of a prompt's account: what is told only when it is asked for."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a persona or a work is asked with."""

    request: EngineRequest
    prompt: Prompt
    char: str = ""
    """Whose name an answer may begin with by mistake."""


def wire(
    engine: Engine, prepared: Prepared, asked: Asked, told: Mapping[str, Any]
) -> dict[str, Any]:
    """The body that the engine gets. Raises EngineError."""
    request = prepared.request
    body = (
        engine.body(request)
        if isinstance(engine, OpenAIEngine)
        else request_body(request, engine.status().model, None)
    )
    body |= {name: value for name, value in told.items() if name not in OURS and value is not None}
    stops = tuple(dict.fromkeys((*request.sampling.stop, *(asked.stop or ()))))
    if stops:
        body["stop"] = list(stops)
    if not asked.stream:
        body["stream"] = False
        body.pop("stream_options")
    return body


def account(prepared: Prepared, *, whole: bool) -> dict[str, Any]:
    """What went into the prompt and what did not, each with its reason: `yanchi` of an answer."""
    told = describe(prepared.prompt)
    if whole:
        return told
    return {
        **{name: value for name, value in told.items() if name not in TEXTS},
        "kept": _short(told["kept"]),
        "dropped": _short(told["dropped"]),
    }


def _short(items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in item.items() if name not in TEXTS} for item in items]
