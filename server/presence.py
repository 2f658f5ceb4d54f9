"""Where the desk of a data directory is being served, for the command line to find it."""

import json
import os
from pathlib import Path

import httpx

NAME = "desk.json"


def announce(data_dir: Path, address: str) -> None:
    partial = data_dir / f"{NAME}.part"
    partial.write_text(json.dumps({"address": address, "pid": os.getpid()}), encoding="utf-8")
    partial.replace(data_dir / NAME)


def withdraw(data_dir: Path) -> None:
    (data_dir / NAME).unlink(missing_ok=True)


def find_desk(data_dir: Path) -> str | None:
    """The address of a desk that answers; a file left by a crash is no desk."""
    try:
        told = json.loads((data_dir / NAME).read_text(encoding="utf-8"))
        address = str(told["address"])
        answer = httpx.get(f"{address}/api/health", timeout=2.0, trust_env=False)
        answer.raise_for_status()
    except (OSError, ValueError, KeyError, httpx.HTTPError):
        return None
    return address
