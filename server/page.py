"""The built page at `/`: files whose name holds their hash are kept by browsers for good, the
rest is asked for anew after an upgrade."""

from pathlib import Path

from starlette.responses import PlainTextResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from server.settings import ROOT

BUILT = ROOT / "webui" / "dist"
KEPT = "public, max-age=31536000, immutable"
MISSING = "网页还没有构建，请在砚池的目录里运行 make page，再刷新这里。接口照常可用，说明在 /docs。"


class Page:
    """`folder` as files; a sentence with the way out while nothing is built there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = _Files(directory=folder, html=True, check_dir=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (self._folder / "index.html").exists():
            await self._files(scope, receive, send)
        else:
            await PlainTextResponse(MISSING, status_code=503)(scope, receive, send)


class _Files(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        answer = await super().get_response(path, scope)
        if path.startswith("assets/"):
            answer.headers["cache-control"] = KEPT
        return answer
