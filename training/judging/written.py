"""A report on disk: plain JSON and a page, each replaced whole."""

import json
import math
import os
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from retrieval.evaluate import Interval


def write_report(folder: Path, told: Mapping[str, Any], page: str) -> tuple[Path, Path]:
    """`report.json` of what is told and `report.html`; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(told, ensure_ascii=False, indent=1, allow_nan=False)
    return (
        _replace(folder / "report.json", text + "\n"),
        _replace(folder / "report.html", page),
    )


def plain(value: Any) -> Any:
    """As JSON has it: data classes and named tuples as objects, no NaN and no infinity."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Interval):
        return {name: plain(each) for name, each in value._asdict().items()}
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value


def _replace(path: Path, text: str) -> Path:
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return path
