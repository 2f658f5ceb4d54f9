"""The application: routes, errors and the lifespan around one desk."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from server.desk import Desk, close_desk, run_desk
from server.errors import Invalid, NotFound, YanchiError, as_body
from server.guards import KnownHost, SameOrigin, SecureHeaders
from server.page import BUILT, Page
from server.routes import (
    adapters,
    chapters,
    characters,
    conversations,
    datasets,
    days,
    documents,
    evaluations,
    files,
    generation,
    health,
    jobs,
    keys,
    lore,
    memory,
    outlines,
    personas,
    recaps,
    recipes,
    relations,
    replacing,
    revisions,
    runs,
    search,
    story,
    templates,
    threads,
    timeline,
    v1,
    volumes,
    works,
)

log = logging.getLogger(__name__)


def create_app(
    desk: Desk, *, on_ready: Callable[[], Awaitable[None]] | None = None, page: Path = BUILT
) -> FastAPI:
    """The application around `desk`, which it starts and closes with its own life; the files in
    `page` are what a browser gets."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await run_desk(desk)
        if on_ready is not None:
            await on_ready()
        try:
            yield
        finally:
            await api.state.answers.stop()
            await close_desk(desk)

    api = v1.v1_app(desk)
    app = FastAPI(title="砚池 Yanchi", version=version("yanchi"), lifespan=lifespan)
    app.state.desk = desk
    app.add_middleware(SameOrigin)
    app.add_middleware(KnownHost)
    app.add_middleware(SecureHeaders)
    for module in (
        works, volumes, chapters, revisions, replacing, days, characters, outlines, lore,
        generation, recaps, story, relations, threads, timeline, search, files, adapters,
        personas, conversations, memory, documents, templates, jobs, datasets,
        recipes, runs, evaluations, keys, health,
    ):  # fmt: skip
        app.include_router(module.router)
    app.add_exception_handler(YanchiError, _known)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unknown)
    app.mount("/v1", api, name="v1")
    app.mount("/", Page(page), name="page")
    return app


async def _known(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, YanchiError)
    headers = {"retry-after": "5"} if error.retryable else None
    return JSONResponse(as_body(error), status_code=error.status, headers=headers)


async def _malformed(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    faults = [_fault(e) for e in error.errors()]
    told = Invalid(f"请求有误：{'；'.join(faults[:3])}。请改正后再试。")
    return JSONResponse(as_body(told), status_code=told.status)


def _fault(error: dict[str, Any]) -> str:
    """`length：应小于等于 20000`, from pydantic's English."""
    where = ".".join(str(p) for p in error["loc"] if p not in ("body", "query", "path"))
    limits = error.get("ctx", {})
    told = {
        "less_than_equal": f"应不大于 {limits.get('le')}",
        "greater_than_equal": f"应不小于 {limits.get('ge')}",
        "greater_than": f"应大于 {limits.get('gt')}",
        "missing": "不能缺",
        "extra_forbidden": "没有这个字段",
        "string_too_long": f"最多 {limits.get('max_length')} 字符",
        "string_too_short": f"最少 {limits.get('min_length')} 字符",
        "too_long": f"最多 {limits.get('max_length')} 项",
        "json_invalid": "不是合法的 JSON",
        "int_parsing": "应是整数",
        "int_type": "应是整数",
        "string_type": "应是文字",
        "string_pattern_mismatch": "格式不对",
    }.get(error["type"], error["msg"])
    return f"{where or '正文'} {told}"


async def _http(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    told: YanchiError
    if error.status_code == 404:
        told = NotFound("没有这个地址，请看 /docs 里的接口说明。")
    else:
        told = Invalid(f"{error.detail}。", code="http_error")
    return JSONResponse(as_body(told), status_code=error.status_code)


async def _unknown(request: Request, error: Exception) -> JSONResponse:
    log.exception("unexpected error in %s %s", request.method, request.url.path, exc_info=error)
    told = YanchiError("服务内部出错了，您的文字没有受影响，请再试一次；若总这样，请附上日志反馈。")
    return JSONResponse(as_body(told), status_code=told.status)
