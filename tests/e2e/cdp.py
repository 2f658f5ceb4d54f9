"""A real Chromium, driven over the Chrome DevTools protocol.

Synchronous: one command at a time, events kept aside. Knows nothing of the desk.
Protocol: https://chromedevtools.github.io/devtools-protocol/
"""

import base64
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

from websockets.sync.client import ClientConnection, connect

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
)
KEYS = {
    "Enter": ("Enter", 13, "\r"),
    "Tab": ("Tab", 9, ""),
    "Escape": ("Escape", 27, ""),
    "r": ("KeyR", 82, ""),
    "k": ("KeyK", 75, ""),
    "z": ("KeyZ", 90, ""),
}
ALT, CONTROL = 1, 2
WAIT = 60.0
"""Patience for a busy machine, seconds; nothing waits that long where all is well."""


def chromium() -> str | None:
    """The browser's path, or None where none is installed."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


class Browser:
    """One browser with one page; `faults` are the page's exceptions and console errors."""

    def __init__(self, profile: Path) -> None:
        binary = chromium()
        assert binary is not None
        # Files of the browser and its libraries stay out of the developer's home.
        home = {"HOME": str(profile), "XDG_CONFIG_HOME": str(profile), "TZ": "Asia/Shanghai"}
        self._process = subprocess.Popen(
            [binary, *FLAGS, f"--user-data-dir={profile / 'profile'}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **home},
            start_new_session=True,
        )
        self._last = 0
        self.faults: list[str] = []
        self.requests: list[str] = []
        try:
            self._page = self._connect(profile / "profile" / "DevToolsActivePort")
            for domain in ("Page", "Runtime", "Network", "DOM", "Log"):
                self.send(f"{domain}.enable")
        except BaseException:
            self.close()
            raise

    def _connect(self, port_file: Path) -> ClientConnection:
        until(lambda: port_file.is_file() and port_file.read_text().count("\n") >= 1, "port")
        port = int(port_file.read_text().split()[0])
        plain = build_opener(ProxyHandler({}))  # loopback, whatever the environment says
        with plain.open(f"http://127.0.0.1:{port}/json/list", timeout=WAIT) as answer:
            pages = [t for t in json.load(answer) if t["type"] == "page"]
        return connect(pages[0]["webSocketDebuggerUrl"], max_size=None, proxy=None)

    def close(self) -> None:
        """End this browser and its children, and nothing else."""
        if hasattr(self, "_page"):
            self._page.close()
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(WAIT)

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        self._last += 1
        self._page.send(json.dumps({"id": self._last, "method": method, "params": params}))
        while True:
            told = json.loads(self._page.recv(timeout=WAIT))
            if told.get("id") == self._last:
                assert "error" not in told, f"{method}: {told['error']}"
                result: dict[str, Any] = told["result"]
                return result
            self._note(told)

    def _note(self, event: dict[str, Any]) -> None:
        params = event.get("params", {})
        match event.get("method"):
            case "Runtime.exceptionThrown":
                details = params["exceptionDetails"]
                self.faults.append(details.get("exception", {}).get("description", str(details)))
            case "Log.entryAdded" if params["entry"]["level"] == "error":
                self.faults.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
            case "Network.requestWillBeSent":
                self.requests.append(params["request"]["url"])

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression; a promise is awaited."""
        told = self.send(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def wait(self, expression: str, seconds: float = WAIT) -> None:
        """Until the expression is true."""
        until(lambda: self.evaluate(f"Boolean({expression})"), expression, seconds)

    def open(self, address: str) -> None:
        self.send("Page.navigate", url=address)
        self.wait("document.readyState === 'complete'")

    def click(self, selector: str) -> None:
        """A real click in the middle of the element, which must be what a finger would hit."""
        found = json.dumps(selector)
        self.wait(f"document.querySelector({found})?.checkVisibility()")
        x, y = self.evaluate(
            f"(() => {{ const e = document.querySelector({found});"
            " e.scrollIntoView({block: 'nearest'}); const b = e.getBoundingClientRect();"
            " return [b.x + b.width / 2, b.y + b.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def press(self, key: str, modifiers: int = 0) -> None:
        code, number, text = KEYS[key]
        same = {"key": key, "code": code, "windowsVirtualKeyCode": number, "modifiers": modifiers}
        typed = {"text": text} if text and not modifiers else {}
        self.send("Input.dispatchKeyEvent", type="keyDown", **same, **typed)
        self.send("Input.dispatchKeyEvent", type="keyUp", **same)

    def type(self, text: str) -> None:
        self.send("Input.insertText", text=text)

    def choose_file(self, selector: str, file: Path) -> None:
        root = self.send("DOM.getDocument")["root"]["nodeId"]
        node = self.send("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.send("DOM.setFileInputFiles", nodeId=node, files=[str(file)])

    def view(self, width: int, height: int, **features: str) -> None:
        """The window's size in CSS pixels, and media features such as prefers_color_scheme."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip
        told = [{"name": n.replace("_", "-"), "value": v} for n, v in features.items()]
        self.send("Emulation.setEmulatedMedia", features=told)

    def block(self, *addresses: str) -> None:
        """Requests to these (`*` is anything) fail, as if nobody were there; none: all pass."""
        self.send("Network.setBlockedURLs", urls=list(addresses))

    def screenshot(self, file: Path) -> None:
        file.write_bytes(base64.b64decode(self.send("Page.captureScreenshot")["data"]))


def until(ready: Callable[[], Any], what: str, seconds: float = WAIT) -> None:
    """Wait for `ready` to be true; an AssertionError that says `what` after `seconds`."""
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, f"{seconds:.0f} s passed without: {what}"
        time.sleep(0.03)
