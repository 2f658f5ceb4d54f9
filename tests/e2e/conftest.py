"""A real Chromium before the real application; the scripted engine writes."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn
from playwright.sync_api import Browser, expect, sync_playwright

from server.app import create_app
from server.desk import open_desk
from server.engines.scripted import ScriptedEngine
from server.settings import ROOT, Settings
from tests.e2e.served import Served
from tests.e2e.visit import FLAGS, Visit, chromium, visiting

sys.path.insert(0, str(ROOT / "scripts"))

from build_page import build

# Nobody waits for what comes at once; a busy machine may take its time.
expect.set_options(timeout=20_000)


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> ScriptedEngine:
    """Quick, unless a test brings its own: `@plays(…)`."""
    own: ScriptedEngine | None = getattr(request, "param", None)
    return own or ScriptedEngine(tokens_per_second=2000)


@contextmanager
def serving(data: Path, engine: ScriptedEngine, folder: Path, port: int = 0) -> Iterator[Served]:
    desk = open_desk(Settings(data_dir=data, sample=False), engine, prompt_tokens=4000)
    app = create_app(desk, page=folder)
    server = uvicorn.Server(
        uvicorn.Config(app, port=port, log_level="warning", timeout_graceful_shutdown=2)
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        address = f"http://127.0.0.1:{port}"
        with httpx.Client(base_url=address, trust_env=False, timeout=60) as http:
            yield Served(address, desk, engine, http)
    finally:
        server.should_exit = True
        thread.join(90)
    assert not thread.is_alive()


@pytest.fixture(scope="session")
def built() -> Path:
    """The page as it is in the sources now."""
    return build(ROOT)


@pytest.fixture
def web(tmp_path: Path, engine: ScriptedEngine, built: Path) -> Iterator[Served]:
    """A desk that serves the page."""
    with serving(tmp_path / "desk", engine, built) as found:
        yield found


@pytest.fixture(scope="session")
def chrome() -> Iterator[Browser]:
    """Debian's Chromium, driven by playwright-core."""
    path = chromium()
    if path is None:
        pytest.skip("no chromium here: run scripts/e2e-deps.sh as root")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(chrome: Browser, web: Served) -> Iterator[Visit]:
    """Somebody at a desk of their own, before the page."""
    with visiting(chrome, web) as somebody:
        yield somebody
