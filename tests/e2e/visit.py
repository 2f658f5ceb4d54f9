"""A person before the page: one browser context of their own, at a desk of their own.

What the page does wrong is a fault: an exception, an error in the console (a refused policy is
one), a request to anybody but the desk.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, BrowserContext, CDPSession, ConsoleMessage, Page, Request

from tests.e2e.served import Served

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--font-render-hinting=none",
]  # fmt: skip


def chromium() -> str | None:
    """The browser's path, or None where none is installed."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


@dataclass
class Visit:
    """`expected` are words of console errors that a test provokes on purpose."""

    page: Page
    context: BrowserContext
    served: Served
    faults: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def open(self, place: str = "#/") -> None:
        """A room by its address behind `#`."""
        self.page.goto(f"{self.served.address}/{place}")

    def tab(self) -> Page:
        """Another tab of the same browser, watched like the first."""
        page = self.context.new_page()
        self._watch(page)
        return page

    def cdp(self) -> CDPSession:
        return self.context.new_cdp_session(self.page)

    def until(self, true: Callable[[], Any], what: str, seconds: float = 60) -> Any:
        """Waits while the page goes on; raises AssertionError with `what` when it never is."""
        for _ in range(int(seconds * 20)):
            found = true()
            if found:
                return found
            self.page.wait_for_timeout(50)
        raise AssertionError(f"never: {what}")

    def _watch(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", self._told)

    def _told(self, told: ConsoleMessage) -> None:
        if told.type == "error":
            self.faults.append(told.text)

    def _foreign(self, request: Request) -> None:
        if not request.url.startswith((self.served.address, "data:", "blob:", "about:")):
            self.faults.append(f"asked somebody else: {request.url}")

    def unexpected(self) -> list[str]:
        return [f for f in self.faults if not any(word in f for word in self.expected)]


@contextmanager
def visiting(browser: Browser, served: Served, **how: Any) -> Iterator[Visit]:
    """A fresh context (storage, cache) of 1440 × 900, unless `how` says otherwise."""
    wanted: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}, "locale": "zh-CN"}
    context = browser.new_context(**{**wanted, **how})
    context.set_default_timeout(60_000)
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=served.address)
    page = context.new_page()
    visit = Visit(page, context, served)
    visit._watch(page)
    context.on("request", visit._foreign)
    try:
        yield visit
    finally:
        context.close()
    wrong = visit.unexpected()
    assert not wrong, wrong
