"""A real Chromium before the real application; the scripted engine writes."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn
from playwright.sync_api import Browser as PlaywrightBrowser
from playwright.sync_api import sync_playwright

from server.app import PAGE, create_app
from server.desk import open_desk
from server.engines.scripted import ScriptedEngine
from server.settings import ROOT, Settings
from tests.e2e.cdp import Browser, chromium, until
from tests.e2e.served import Served
from tests.e2e.visit import FLAGS, Visit, visiting

sys.path.insert(0, str(ROOT / "scripts"))

from build_page import build


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> ScriptedEngine:
    """Quick, unless a test brings its own: `@plays(…)`."""
    own: ScriptedEngine | None = getattr(request, "param", None)
    return own or ScriptedEngine(tokens_per_second=2000)


@pytest.fixture
def served(tmp_path: Path, engine: ScriptedEngine) -> Iterator[Served]:
    with serving(tmp_path / "desk", engine, PAGE) as found:
        yield found


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
        until(lambda: server.started or not thread.is_alive(), "the server")
        port = server.servers[0].sockets[0].getsockname()[1]
        address = f"http://127.0.0.1:{port}"
        with httpx.Client(base_url=address, trust_env=False) as http:
            yield Served(address, desk, engine, http)
    finally:
        server.should_exit = True
        thread.join(20)
    assert not thread.is_alive()


@pytest.fixture(scope="session")
def built() -> Path:
    """The new page as it is in the sources now."""
    return build(ROOT)


@pytest.fixture
def web(tmp_path: Path, engine: ScriptedEngine, built: Path) -> Iterator[Served]:
    """A desk that serves the new page."""
    with serving(tmp_path / "desk", engine, built) as found:
        yield found


@pytest.fixture(scope="session")
def chrome() -> Iterator[PlaywrightBrowser]:
    """Debian's Chromium, driven by playwright-core."""
    path = chromium()
    if path is None:
        pytest.skip("no chromium here: run scripts/e2e-deps.sh as root")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(chrome: PlaywrightBrowser, web: Served) -> Iterator[Visit]:
    """Somebody at a desk of their own, before the new page."""
    with visiting(chrome, web) as somebody:
        yield somebody


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if chromium() is None:
        pytest.skip("no chromium here: run scripts/e2e-deps.sh as root")
    browser = Browser(tmp_path_factory.mktemp("chromium"))
    try:
        yield browser
    finally:
        browser.close()


@pytest.fixture
def page(browser: Browser, served: Served) -> Iterator[Browser]:
    """The browser, at a desk of its own. Whatever the page does wrong fails the test, and so
    does a request to anybody but the application."""
    browser.block()
    browser.view(1440, 900)
    browser.open(served.address)
    browser.faults.clear()
    browser.requests.clear()
    yield browser
    asked = list(browser.requests)
    browser.open("about:blank")
    assert browser.faults == []
    assert [r for r in asked if not r.startswith((served.address, "data:"))] == []
