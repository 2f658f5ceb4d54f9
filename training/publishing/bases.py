"""Where a base model lies: by path, or by the name under which it was fetched."""

import json
from pathlib import Path

from training.errors import MissingBase


def find_base(name: str, data_dir: Path) -> Path:
    """The folder of a base: a path, or a name of `yanchi model list`. Raises MissingBase.

    Nothing is fetched: a model that is not there yet is `yanchi model pull`'s business.
    """
    given = Path(name).expanduser()
    if (given / "config.json").is_file():
        return given.resolve()
    wanted = name.removeprefix("ms:")
    models = data_dir / "models"
    for manifest in sorted(models.glob("*/manifest.json")):
        if wanted in (manifest.parent.name, _name_in(manifest)):
            return manifest.parent
    raise MissingBase(
        f"找不到底座“{name}”：它不是一个模型目录，{models} 里也没有它。"
        f"请先运行 yanchi model pull {name}，或写明目录。"
    )


def _name_in(manifest: Path) -> str:
    try:
        return str(json.loads(manifest.read_text("utf-8"))["name"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
