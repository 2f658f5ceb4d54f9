"""Whether an adapter belongs to the model that is served: what training wrote down, checked.

Which model a folder holds is told by training's own program, run as a child, because the two
rooms may not import each other (`training/publishing/fingerprint.py`).
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from server.errors import EngineRefused

RECORD = "yanchi.json"
PROJECT = Path(__file__).resolve().parents[2]
SECONDS = 300
_PARTS = {"config": "结构", "tokenizer": "词表", "weights": "权重"}


def check_lineage(adapter: Path, model: Path) -> None:
    """Raises EngineRefused when `adapter` says that it was trained on another base than `model`.

    An adapter without a record, from elsewhere, is taken as it is. Blocks for about a second.
    """
    if not (adapter / RECORD).is_file():
        return
    trained, served = _record(adapter), _fingerprint(model)
    base = trained.get("base")
    if not isinstance(base, dict) or not base.get("sha256"):
        raise EngineRefused(f"适配器 {adapter.name} 的 {RECORD} 没有写明底座，请重新发布它。")
    if base["sha256"] != served["sha256"]:
        parts = [word for key, word in _PARTS.items() if base.get(key) != served[key]]
        raise EngineRefused(
            f"适配器 {adapter.name} 是在“{base.get('name')}”上训练的，现在服务的是“{served['name']}”"
            f"（{'、'.join(parts)}不同），请改为服务它的底座，或换一个适配器。"
        )
    if trained.get("template") and trained["template"] != served["template"]:
        raise EngineRefused(
            f"适配器 {adapter.name} 训练时的对话模板与“{served['name']}”现在的不同，"
            "请换回原来的 chat_template，或用现在的模板重新训练。"
        )


def _record(adapter: Path) -> dict[str, Any]:
    try:
        told = json.loads((adapter / RECORD).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise EngineRefused(f"适配器 {adapter.name} 的 {RECORD} 读不了，请重新发布它。") from error
    return told if isinstance(told, dict) else {}


def _fingerprint(model: Path) -> dict[str, str]:
    child = subprocess.run(
        [sys.executable, "-m", "training.publishing.fingerprint", str(model.resolve())],
        cwd=PROJECT,
        capture_output=True,
        encoding="utf-8",
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
        timeout=SECONDS,
        check=False,
    )
    if child.returncode:
        reason = child.stderr.strip().rpartition("\n")[2]
        raise EngineRefused(f"认不出现在服务的模型，适配器没有载入：{reason}")
    told: dict[str, str] = json.loads(child.stdout)
    return told
