"""The short form of an evaluation that an adapter carries along: its findings, not its texts."""

import json
from pathlib import Path
from typing import Any

from training.errors import BadInput


def short_report(report: Path) -> dict[str, Any]:
    """From a `report.json` of `yanchi evaluate`. Raises BadInput."""
    try:
        told = json.loads(report.read_text("utf-8"))
        return {
            "created": str(told["created"]),
            "data": str(told["subject"]["data"]),
            "cases": int(told["subject"]["cases"]),
            "outcomes": [
                {key: str(each[key]) for key in ("code", "verdict", "sentence")}
                for each in told["outcomes"]
            ],
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput("这不是 yanchi evaluate 写的 report.json", file=report) from error
