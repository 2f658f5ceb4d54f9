"""Adapters as they lie in `<data-dir>/adapters/`, with what is known of each.

The layout is that of `training/publishing`: a folder a version, `yanchi.json` in it;
`current.json` says which version of a name is the current one. A folder without `yanchi.json`
is somebody else's adapter, and is served all the same.
"""

import json
import logging
from pathlib import Path
from typing import Any

from server.engines.base import Engine
from server.errors import EngineError
from server.jobs.folder import Folder, Job

log = logging.getLogger(__name__)


def published(adapters_dir: Path) -> list[dict[str, Any]]:
    """A mapping each: `folder`, `current`, and the fields of its `yanchi.json`; by name, the
    newest version first."""
    configs = adapters_dir.glob("*/adapter_config.json")
    found = sorted(map(_told, configs), key=lambda one: (one["name"], -int(one["version"] or 0)))
    there = [(one["name"], one["folder"]) for one in found]
    # As `training/publishing/shelf.py` has it: what is pointed at, else the newest.
    pointed = _read(adapters_dir / "current.json").items()
    current = dict(reversed(there)) | dict(each for each in pointed if each in there)
    return [one | {"current": current[one["name"]] == one["folder"]} for one in found]


def _told(config: Path) -> dict[str, Any]:
    folder = config.parent
    card = {"rank": _read(config).get("r"), "version": None, **_read(folder / "yanchi.json")}
    return {**card, "name": str(card.get("name") or folder.name), "folder": folder.name}


async def serve_what_was_published(
    engine: Engine, adapters_dir: Path, job: Job, folder: Folder
) -> None:
    """Into the running engine at once; one that is not ready loads it when somebody asks."""
    name = (folder.result() or {}).get("folder")
    if job.kind != "publish" or not isinstance(name, str):
        return
    path = adapters_dir / Path(name).name
    try:
        await engine.load_adapter(path.name, path)
    except EngineError as error:
        log.warning("%s is published but not loaded yet: %s", path.name, error.message)


def _read(path: Path) -> dict[str, Any]:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}
