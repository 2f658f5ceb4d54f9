"""The body of a chat completion request, in the dialect that the endpoint understands."""

from typing import Any

from retrieval.types import continues
from server.engines.base import EngineRequest, Sampling

DRY_PROMPT_TOKENS = 400
"""How much of the prompt's end counts as written: about the text before the caret, whose loops
would otherwise be gone on with."""


def request_body(
    request: EngineRequest, model: str, vllm_fields: dict[str, Any] | None
) -> dict[str, Any]:
    """`vllm_fields` are joined in for vLLM; None is any other endpoint, which may reject them.

    Fields at their neutral value are left out: services refuse some of them by model.
    """
    body: dict[str, Any] = {
        "model": request.adapter or model,
        "messages": [{"role": m.role, "content": m.content} for m in request.messages],
        "max_tokens": request.max_tokens,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if request.candidates > 1:
        body["n"] = request.candidates
    body |= _standard(request.sampling)
    if vllm_fields is not None:
        body |= _vllm_only(request.sampling) | vllm_fields
        if request.sampling.dry:
            body["vllm_xargs"] = _dry(request)
        if request.min_tokens:
            body["min_tokens"] = min(request.min_tokens, request.max_tokens)
        if continues(request.messages):
            body |= {"add_generation_prompt": False, "continue_final_message": True}
    return body


def _dry(request: EngineRequest) -> dict[str, Any]:
    """What `engines/dry.py` takes; a vLLM that has no such processor does not look."""
    return {
        "dry_multiplier": request.sampling.dry,
        "dry_names": list(request.names),
        "dry_prompt_tokens": DRY_PROMPT_TOKENS,
    }


def _standard(sampling: Sampling) -> dict[str, Any]:
    """The fields that every endpoint knows; those at their neutral value are left out."""
    fields: dict[str, Any] = {"temperature": sampling.temperature, "top_p": sampling.top_p}
    if sampling.frequency_penalty:
        fields["frequency_penalty"] = sampling.frequency_penalty
    if sampling.presence_penalty:
        fields["presence_penalty"] = sampling.presence_penalty
    if sampling.seed is not None:
        fields["seed"] = sampling.seed
    if sampling.stop:
        fields["stop"] = list(sampling.stop)
    return fields


def _vllm_only(sampling: Sampling) -> dict[str, Any]:
    fields = {
        "top_k": sampling.top_k,
        "min_p": sampling.min_p,
        "repetition_penalty": sampling.repetition_penalty,
    }
    return {name: value for name, value in fields.items() if value is not None}
