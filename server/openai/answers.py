"""One request from bytes to bytes: who answers it, with what, and what is noted of it.

A name of the engine's own is passed through: its body is read to be checked and goes on as it
came, and so does what comes back. A persona or a work brings its prompt along first.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from pydantic_core import from_json, to_json
from starlette.requests import Request
from starlette.responses import Response

from server.departures import unless_gone
from server.desk import Desk
from server.engines.openai_client import OpenAIEngine
from server.engines.vllm import VllmEngine
from server.openai import personas, usage, works
from server.openai.errors import ApiError
from server.openai.events import Named, Tap, unlabelled
from server.openai.keys import Guest
from server.openai.limits import Limits
from server.openai.models import Model, find_model, loaded_adapters, need_adapter
from server.openai.prepared import Prepared, account, wire
from server.openai.relay import Looks, Relay, whole
from server.openai.schemas import Asked, ChatIn, CompletionIn, YanchiIn, read, text_only
from server.openai.spoken import Spoken
from server.openai.upstream import HttpUpstream, Upstream
from server.openai.usage import Use
from server.openai.window import within
from server.personas.cards import get_persona
from server.tuning.shipped import adapter_of

CHAT, TEXT = "/chat/completions", "/completions"
RUNNING = "v1"
"""Under what an answer stands among those that are being written; no chapter is called so."""


class Answers:
    """One desk's answers below `/v1`."""

    def __init__(self, desk: Desk, limits: Limits) -> None:
        self._desk = desk
        self._limits = limits
        self._spoken = Spoken(desk.engine)
        self._http: HttpUpstream | None = None

    async def stop(self) -> None:
        if self._http is not None:
            await self._http.stop()
            self._http = None

    async def answer(self, request: Request, raw: bytes, path: str) -> Response:
        """Raises ApiError, YanchiError."""
        told, asked = read(raw, ChatIn) if path == CHAT else read(raw, CompletionIn)
        self._desk.writer.require_engine()
        model, loaded = await self._model(asked.model)
        guest: Guest = request.state.guest
        use = Use(guest.id, model.id, path.strip("/"))
        try:
            return await self._answered(request, raw, path, told, asked, model, loaded, use)
        except BaseException:
            await asyncio.shield(self._note(guest, use))
            raise

    async def _model(self, name: str) -> tuple[Model, set[str]]:
        """(what is asked, which adapters are loaded). The base is known without asking anybody."""
        if name == self._desk.engine.status().model:
            return Model(name, "base"), set()
        loaded = await loaded_adapters(self._desk)
        return await asyncio.to_thread(self._find, name, loaded), loaded

    def _find(self, name: str, loaded: set[str]) -> Model:
        with self._desk.database.reading() as session:
            return find_model(session, self._desk, name, loaded)

    async def _answered(
        self, request: Request, raw: bytes, path: str, told: dict[str, Any], asked: Asked,
        model: Model, loaded: set[str], use: Use,
    ) -> Response:  # fmt: skip
        prepared: Prepared | None = None
        yanchi: dict[str, Any] | None = None
        if model.kind in ("base", "adapter"):
            if model.kind == "adapter":
                await need_adapter(self._desk, model.id, loaded)
            body, yanchi = await self._plain(raw, told, asked)
        else:
            prepared = await unless_gone(request, self._prepared(model, asked, loaded))
            body = to_json(wire(self._desk.engine, prepared, asked, told))
            yanchi = account(prepared, whole=(asked.yanchi or YanchiIn()).prompt)
        upstream, id = await self._upstream(), request.state.request_id
        ticket = self._desk.writer.running.ticket(id, RUNNING)
        char = prepared.char if prepared else ""
        guest: Guest = request.state.guest
        if not asked.stream:
            with ticket:
                got = await unless_gone(request, _all(upstream, path, body, id))
            body = _named(got, use, model.id, yanchi, char)
            use.failed = False
            await self._note(guest, use)
            return Response(body, media_type="application/json")
        answer = await unless_gone(request, upstream.ask(path, body, id))
        hidden = not asked.wants_usage
        looks: Looks = (
            Tap(use, hidden=hidden)
            if yanchi is None
            else Named(use, model.id, yanchi, char, hidden=hidden)
        )
        return Relay(answer, looks, use, lambda used: self._note(guest, used), ticket)

    async def _prepared(self, model: Model, asked: Asked, loaded: set[str]) -> Prepared:
        if model.kind == "embedding":
            raise _elsewhere(model, "/v1/embeddings")
        if not isinstance(asked, ChatIn):
            raise _elsewhere(model, "/v1/chat/completions")
        text_only(asked.messages, model.id)
        if model.kind == "work":
            adapter = await asyncio.to_thread(works.adapter_of, self._desk, model.row)
            if adapter is not None:
                await need_adapter(self._desk, adapter, loaded)
            return await works.prepare_work(self._desk, model.row, asked, adapter)
        adapter = await asyncio.to_thread(self._adapter_of_persona, model.row, loaded)
        if adapter is not None:
            await need_adapter(self._desk, adapter, loaded)
        return await asyncio.to_thread(self._prepare_persona, model.row, asked, adapter)

    def _adapter_of_persona(self, row: str, loaded: set[str]) -> str | None:
        with self._desk.database.reading() as session:
            return adapter_of(get_persona(session, row), loaded)

    def _prepare_persona(self, row: str, asked: ChatIn, adapter: str | None) -> Prepared:
        with self._desk.database.reading() as session:
            return personas.prepare_persona(session, self._desk, row, asked, adapter)

    async def _plain(
        self, raw: bytes, told: dict[str, Any], asked: Asked
    ) -> tuple[bytes, dict[str, Any] | None]:
        """(the body that goes on, what `yanchi` has to tell of it)."""
        if isinstance(asked, ChatIn) and not self._sees():
            text_only(asked.messages, asked.model)
        changed: dict[str, Any] = {}
        account: dict[str, Any] | None = None
        if isinstance(asked, ChatIn) and asked.yanchi and asked.yanchi.overflow:
            drop = asked.yanchi.overflow == "drop"
            changed["messages"], gone = await asyncio.to_thread(
                within, self._desk, asked, told["messages"], drop=drop
            )
            account = {"dropped_turns": gone}
        if asked.stream and not asked.wants_usage:
            options = told.get("stream_options") or {}
            changed["stream_options"] = options | {"include_usage": True}
        if not changed and "yanchi" not in told:
            return raw, account
        kept = {name: value for name, value in told.items() if name != "yanchi"}
        return to_json(kept | changed), account

    def _sees(self) -> bool:
        """Whether it may be more than a text model: our own vLLM serves none, elsewhere may."""
        engine = self._desk.engine
        return isinstance(engine, OpenAIEngine) and not isinstance(engine, VllmEngine)

    async def _upstream(self) -> Upstream:
        endpoint = self._desk.engine.endpoint()
        if endpoint is None:
            return self._spoken
        if self._http is None or self._http.endpoint != endpoint:
            old, self._http = self._http, HttpUpstream(endpoint)
            if old is not None:
                # What it still answers ends, as its engine has.
                await old.stop()
        return self._http

    async def _note(self, guest: Guest, use: Use) -> None:
        self._limits.spend(guest, use.tokens)
        await asyncio.to_thread(self._keep, use)

    def _keep(self, use: Use) -> None:
        with self._desk.database.session() as session:
            usage.add(session, use)


async def _all(upstream: Upstream, path: str, body: bytes, id: str) -> bytes:
    return await whole(await upstream.ask(path, body, id))


def _elsewhere(model: Model, endpoint: str) -> ApiError:
    told = f"The model '{model.id}' answers at {endpoint} only."
    return ApiError(told, param="model", code="unsupported_endpoint")


def _named(got: bytes, use: Use, model: str, yanchi: Mapping[str, Any] | None, char: str) -> bytes:
    """A whole answer; the engine's own bytes where there is nothing of ours to say."""
    try:
        told = from_json(got)
        use.take(told.get("usage") or {})
    except (ValueError, AttributeError, TypeError) as error:
        raise ApiError(
            "The engine's answer could not be understood.", status=502, type="server_error",
            code="engine_error",
        ) from error  # fmt: skip
    if yanchi is None:
        return got
    for choice in told.get("choices") or ():
        message = choice.get("message") or {}
        if isinstance(message.get("content"), str):
            message["content"] = unlabelled(message["content"], char)
    return to_json(told | {"model": model, "yanchi": yanchi})
