"""`/v1`: OpenAI's protocol, an application of its own below the desk's, so that every answer, a
404 or a 500 too, has its shape.
"""

import asyncio
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic.json_schema import models_json_schema
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from server.desk import Desk
from server.errors import YanchiError
from server.openai import models, usage
from server.openai.answers import CHAT, TEXT, Answers
from server.openai.door import Door, refused
from server.openai.embeddings import embed
from server.openai.errors import ApiError, from_validation, from_yanchi
from server.openai.limits import Limits
from server.openai.schemas import (
    ChatIn,
    CompletionIn,
    EmbeddingsIn,
    body_of,
    read,
)
from server.openai.usage import Use


def v1_app(desk: Desk) -> FastAPI:
    """To be mounted at /v1; `app.state.answers` has to be stopped with the desk."""
    app = FastAPI(title="砚池 Yanchi: OpenAI-compatible", docs_url=None, redoc_url=None)
    limits = Limits()
    answers = app.state.answers = Answers(desk, limits)
    app.add_middleware(Door, desk=desk, limits=limits)

    @app.post("/chat/completions", openapi_extra=_body(ChatIn))
    async def chat_completions(request: Request) -> Response:
        return await answers.answer(request, await body_of(request), CHAT)

    @app.post("/completions", openapi_extra=_body(CompletionIn))
    async def completions(request: Request) -> Response:
        return await answers.answer(request, await body_of(request), TEXT)

    @app.post("/embeddings", openapi_extra=_body(EmbeddingsIn))
    async def embeddings(request: Request) -> Response:
        _, asked = read(await body_of(request), EmbeddingsIn)
        use = Use(request.state.guest.id, models.embedding_name(desk), "embeddings")
        try:
            told = await asyncio.to_thread(embed, desk, asked, use)
            use.failed = False
        finally:
            limits.spend(request.state.guest, use.tokens)
            await asyncio.to_thread(_keep, desk, use)
        return JSONResponse(told)

    @app.get("/models")
    async def list_models() -> JSONResponse:
        loaded = await models.loaded_adapters(desk)
        return JSONResponse(
            {"object": "list", "data": await asyncio.to_thread(_cards, desk, loaded)}
        )

    @app.get("/models/{model:path}")
    async def get_model(model: str) -> JSONResponse:
        loaded = await models.loaded_adapters(desk)
        return JSONResponse(await asyncio.to_thread(_card, desk, model, loaded))

    app.add_exception_handler(ApiError, _told)
    app.add_exception_handler(YanchiError, _told)
    app.add_exception_handler(RequestValidationError, _told)
    app.add_exception_handler(HTTPException, _http)
    told = app.openapi

    def openapi() -> dict[str, Any]:
        schema = told()
        schema.setdefault("components", {}).setdefault("schemas", {}).update(_BODIES)
        return schema

    app.openapi = openapi  # type: ignore[method-assign]
    return app


_COMPONENT = "#/components/schemas/{model}"
_BODIES: dict[str, Any] = models_json_schema(
    [(shape, "validation") for shape in (ChatIn, CompletionIn, EmbeddingsIn)],
    ref_template=_COMPONENT,
)[1]["$defs"]


def _body(shape: type[ChatIn] | type[CompletionIn] | type[EmbeddingsIn]) -> dict[str, object]:
    """The body's schema, for the routes that read it themselves."""
    schema = {"$ref": _COMPONENT.format(model=shape.__name__)}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def _keep(desk: Desk, use: Use) -> None:
    with desk.database.session() as session:
        usage.add(session, use)


def _cards(desk: Desk, loaded: set[str]) -> list[dict[str, object]]:
    with desk.database.reading() as session:
        return [model.card() for model in models.list_models(session, desk, loaded)]


def _card(desk: Desk, name: str, loaded: set[str]) -> dict[str, object]:
    with desk.database.reading() as session:
        return models.find_model(session, desk, name, loaded).card()


async def _told(_request: Request, error: Exception) -> JSONResponse:
    if isinstance(error, RequestValidationError):
        return refused(from_validation(error.errors()))
    if isinstance(error, YanchiError):
        return refused(from_yanchi(error))
    assert isinstance(error, ApiError)
    return refused(error)


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    where = f"{request.method} {request.url.path}"
    known = {404: ("There is no such endpoint", "unknown_url"),
             405: ("This endpoint takes another method", "method_not_allowed")}  # fmt: skip
    told, code = known.get(error.status_code, (str(error.detail), "http_error"))
    headers = dict(error.headers or {})
    return refused(
        ApiError(f"{told}: {where}.", status=error.status_code, code=code, headers=headers)
    )
