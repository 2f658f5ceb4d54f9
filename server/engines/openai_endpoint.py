"""What an endpoint says of itself: which models, how long a window, whether it is vLLM."""

from dataclasses import dataclass
from typing import Any

import httpx

from server.engines import openai_errors
from server.errors import EngineFailed

ASSUMED_WINDOW = 8192
MODELS_SECONDS = 15.0
# Where endpoints say how long a conversation may be: vLLM, OpenRouter, Groq, LM Studio.
_WINDOW_FIELDS = ("max_model_len", "context_length", "context_window", "max_context_length")


@dataclass(frozen=True, slots=True)
class Endpoint:
    model: str
    window: int
    is_vllm: bool


async def fetch_models(client: httpx.AsyncClient, base_url: str) -> list[dict[str, Any]]:
    """The endpoint's model cards; empty where it has no such list. Raises EngineError."""
    try:
        response = await client.get(f"{base_url}/models", timeout=MODELS_SECONDS)
    except httpx.HTTPError as error:
        raise openai_errors.from_transport(error) from error
    if response.status_code in (404, 405):
        return []
    if response.is_error:
        raise openai_errors.from_status(response.status_code, response.text)
    try:
        data = response.json()["data"]
    except (ValueError, KeyError, TypeError) as error:
        raise EngineFailed(
            "引擎地址上不是 OpenAI 兼容的接口，请检查 YANCHI_ENGINE_URL。"
        ) from error
    return [card for card in data if isinstance(card, dict)]


def describe(cards: list[dict[str, Any]], model: str | None) -> Endpoint:
    """The chosen model, or the endpoint's first; raises EngineFailed when there is none."""
    if model is None:
        if not cards:
            raise EngineFailed("引擎没有说它有哪些模型，请用 YANCHI_MODEL 指明一个。")
        model = str(cards[0].get("id"))
    card = next((card for card in cards if card.get("id") == model), {})
    told = (card.get(field) for field in _WINDOW_FIELDS)
    window = next((tokens for tokens in told if isinstance(tokens, int)), ASSUMED_WINDOW)
    return Endpoint(model, window, card.get("owned_by") == "vllm")
