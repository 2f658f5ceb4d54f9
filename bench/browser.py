"""The browser, and the peer's page."""

import shutil
import sys
from pathlib import Path

from server.settings import ROOT

sys.path.insert(0, str(ROOT / "scripts"))

from build_page import node, run


def chromium() -> str:
    """Raises FileNotFoundError where no Chromium is installed."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        raise FileNotFoundError("no chromium: run scripts/e2e-deps.sh as root")
    return found


def plain_page(folder: Path) -> None:
    """TipTap's own starting point, built into `folder`."""
    webui = ROOT / "webui"
    tools = node(ROOT)
    vite = webui / "node_modules" / "vite" / "bin" / "vite.js"
    wanted = ["build", "--config", "bench/vite.config.ts", "--logLevel", "warn", "--outDir"]
    run([tools["node"], vite, *wanted, folder], webui, tools)
