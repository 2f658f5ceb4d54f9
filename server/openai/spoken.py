"""An engine that speaks no HTTP, spoken to in OpenAI's protocol: the scripted one.

Its tokens are characters and it is never in doubt, so every logprob is 0 and has no alternative.
It writes prose and nothing else: a request for JSON or for a call of a tool is refused.
"""

import json
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, replace
from typing import Any

from pydantic_core import to_json

from retrieval.types import Message, Role
from server.engines.base import Engine, EngineRequest, Piece, Sampling, Usage
from server.openai.errors import ApiError
from server.openai.schemas import Asked, ChatIn, CompletionIn, text_only
from server.openai.upstream import Answer, Upstream

MOST_TOKENS = 512
"""Where nobody says how much: such an engine has no end of its own."""
DONE = b"data: [DONE]\n\n"
_ROLES: dict[str, Role] = {"system": "system", "developer": "system", "assistant": "assistant"}


class Spoken(Upstream):
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def ask(self, path: str, body: bytes, request_id: str) -> Answer:
        told = json.loads(body)
        asked: ChatIn | CompletionIn
        if path == "/chat/completions":
            asked = ChatIn.model_validate(told)
            form: _Chat | _Text = _Chat(asked, f"chatcmpl-{request_id}")
            prompts = [_messages(asked)]
        else:
            asked = CompletionIn.model_validate(told)
            form = _Text(asked, f"cmpl-{request_id}", asked.texts or [])
            prompts = [(Message("user", text),) for text in _texts(asked)]
        adapters = {adapter.name for adapter in await self._engine.adapters()}
        requests = [
            self._request(asked, messages, asked.model if asked.model in adapters else None)
            for messages in prompts
        ]
        pieces = _joined(self._engine, requests)
        # What is refused is refused before anything is sent.
        first = await anext(pieces)
        if asked.stream:
            return _Streamed(form, first, pieces)
        async with aclosing(pieces):
            return await _whole(form, first, pieces)

    def _request(
        self, asked: Asked, messages: tuple[Message, ...], adapter: str | None
    ) -> EngineRequest:
        room = self._engine.status().window - self._engine.tokens.count_messages(messages)
        if room < (asked.most_tokens or 1):
            raise ApiError(
                f"This model's window holds {self._engine.status().window} tokens; the prompt"
                f" and the answer of {asked.most_tokens or 1} asked for are more.",
                param="messages", code="context_length_exceeded",
            )  # fmt: skip
        given = {
            name: value
            for name in ("temperature", "top_p", "frequency_penalty", "presence_penalty", "seed")
            if (value := getattr(asked, name)) is not None
        }
        return EngineRequest(
            messages=messages,
            max_tokens=asked.most_tokens or min(room, MOST_TOKENS),
            sampling=Sampling(**given, stop=tuple(asked.stop or ())),
            adapter=adapter,
            candidates=asked.n or 1,
        )


def _messages(asked: ChatIn) -> tuple[Message, ...]:
    text_only(asked.messages, asked.model)
    if (asked.response_format or {}).get("type", "text") != "text":
        raise _only_prose("response_format")
    if asked.tool_choice not in (None, "auto", "none"):
        raise _only_prose("tool_choice")
    return tuple(Message(_ROLES.get(m.role, "user"), m.text) for m in asked.messages)


def _texts(asked: CompletionIn) -> list[str]:
    if asked.texts is None:
        raise ApiError(
            "The scripted engine reads texts, not token ids.", param="prompt", code="invalid_type"
        )
    return asked.texts


def _only_prose(param: str) -> ApiError:
    told = f"The scripted engine writes prose only; '{param}' needs a real model."
    return ApiError(told, param=param, code="unsupported_parameter")


async def _joined(engine: Engine, requests: Sequence[EngineRequest]) -> AsyncGenerator[Piece]:
    """The prompts' answers after each other, their candidates counted on; the usage last."""
    prompt = completion = 0
    for number, request in enumerate(requests):
        async with aclosing(engine.stream(request)) as pieces:
            async for piece in pieces:
                if piece.usage is None:
                    yield replace(piece, index=number * request.candidates + piece.index)
                else:
                    prompt += piece.usage.prompt_tokens
                    completion += piece.usage.completion_tokens
    yield Piece(usage=Usage(prompt, completion))


@dataclass
class _Form:
    """One of the two shapes of an answer."""

    asked: Asked
    id: str

    def __post_init__(self) -> None:
        self.created = int(time.time())

    def frame(self, kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
        told = {"id": self.id, "object": kind, "created": self.created}
        return told | {"model": self.asked.model, "choices": choices}


@dataclass
class _Chat(_Form):
    asked: ChatIn

    def begin(self, indices: Sequence[int]) -> dict[str, Any]:
        delta = {"role": "assistant", "content": ""}
        choices = [{"index": n, "delta": delta, "finish_reason": None} for n in indices]
        return self.frame("chat.completion.chunk", choices)

    def chunk(self, piece: Piece) -> dict[str, Any]:
        choice: dict[str, Any] = {
            "index": piece.index, "delta": {"content": piece.text} if piece.text else {},
            "finish_reason": piece.finish_reason,
        }  # fmt: skip
        if self.asked.logprobs and piece.text:
            choice["logprobs"] = self._logprobs(piece.text)
        return self.frame("chat.completion.chunk", [choice])

    def empty(self) -> dict[str, Any]:
        return self.frame("chat.completion.chunk", [])

    def whole(self, texts: Sequence[str], reasons: Sequence[str | None]) -> dict[str, Any]:
        choices: list[dict[str, Any]] = [
            {
                "index": n, "message": {"role": "assistant", "content": text, "refusal": None},
                "logprobs": self._logprobs(text) if self.asked.logprobs else None,
                "finish_reason": reason,
            }
            for n, (text, reason) in enumerate(zip(texts, reasons, strict=True))
        ]  # fmt: skip
        return self.frame("chat.completion", choices)

    def _logprobs(self, text: str) -> dict[str, Any]:
        alone = [{"token": c, "logprob": 0.0, "bytes": list(c.encode())} for c in text]
        top = bool(self.asked.top_logprobs)
        content = [one | {"top_logprobs": [one] if top else []} for one in alone]
        return {"content": content, "refusal": None}


@dataclass
class _Text(_Form):
    asked: CompletionIn
    prompts: list[str]

    def begin(self, indices: Sequence[int]) -> dict[str, Any] | None:
        if not self.asked.echo:
            return None
        each = self.asked.n or 1
        choices = [self._choice(n, self.prompts[n // each], None) for n in indices]
        return self.frame("text_completion", choices)

    def chunk(self, piece: Piece) -> dict[str, Any]:
        choice = self._choice(piece.index, piece.text, piece.finish_reason)
        return self.frame("text_completion", [choice])

    def empty(self) -> dict[str, Any]:
        return self.frame("text_completion", [])

    def whole(self, texts: Sequence[str], reasons: Sequence[str | None]) -> dict[str, Any]:
        each = self.asked.n or 1
        choices = [
            self._choice(n, (self.prompts[n // each] if self.asked.echo else "") + text, reason)
            for n, (text, reason) in enumerate(zip(texts, reasons, strict=True))
        ]
        return self.frame("text_completion", choices)

    def _choice(self, index: int, text: str, reason: str | None) -> dict[str, Any]:
        logprobs = None if self.asked.logprobs is None else self._logprobs(text)
        return {"index": index, "text": text, "logprobs": logprobs, "finish_reason": reason}

    def _logprobs(self, text: str) -> dict[str, Any]:
        return {
            "tokens": list(text), "token_logprobs": [0.0] * len(text),
            "top_logprobs": [{c: 0.0} for c in text], "text_offset": list(range(len(text))),
        }  # fmt: skip


def _usage(usage: Usage) -> dict[str, Any]:
    told = asdict(usage)
    told.pop("cached_tokens")
    return told | {"total_tokens": usage.prompt_tokens + usage.completion_tokens}


class _Streamed(Answer):
    content_type = "text/event-stream; charset=utf-8"

    def __init__(self, form: "_Chat | _Text", first: Piece, rest: AsyncGenerator[Piece]) -> None:
        self._form = form
        self._first = first
        self._rest = rest

    async def chunks(self) -> AsyncGenerator[bytes]:
        form = self._form
        answers = (form.asked.n or 1) * (len(form.prompts) if isinstance(form, _Text) else 1)
        if (begun := form.begin(range(answers))) is not None:
            yield _event(begun)
        yield _event(form.chunk(self._first))
        async for piece in self._rest:
            if piece.usage is None:
                yield _event(form.chunk(piece))
            elif form.asked.wants_usage:
                yield _event(form.empty() | {"usage": _usage(piece.usage)})
        yield DONE

    async def close(self) -> None:
        await self._rest.aclose()


class _Whole(Answer):
    def __init__(self, body: bytes) -> None:
        self._body = body

    async def chunks(self) -> AsyncGenerator[bytes]:
        yield self._body


async def _whole(form: "_Chat | _Text", first: Piece, rest: AsyncGenerator[Piece]) -> Answer:
    texts: dict[int, str] = {first.index: first.text}
    reasons: dict[int, str | None] = {first.index: first.finish_reason}
    usage: Usage = Usage()
    async for piece in rest:
        usage = piece.usage or usage
        if piece.usage is None:
            texts[piece.index] = texts.get(piece.index, "") + piece.text
            reasons[piece.index] = piece.finish_reason or reasons.get(piece.index)
    order = sorted(texts)
    told = form.whole([texts[n] for n in order], [reasons.get(n) for n in order])
    return _Whole(to_json(told | {"usage": _usage(usage)}))


def _event(told: dict[str, Any]) -> bytes:
    return b"data: " + to_json(told) + b"\n\n"
