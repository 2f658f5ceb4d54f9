"""A run's log as curves."""

from pathlib import Path
from typing import Any

from training.judging.report import Curves
from training.tuning.run_folder import RunFolder


def curves_of(run: Path) -> Curves:
    """Raises BadInput for a folder that is no run."""
    entries = list(RunFolder.open(run).entries())
    steps = [each for each in entries if each["type"] == "step"]
    return Curves(
        loss=_values(steps, "loss"),
        evaluated=_values([each for each in entries if each["type"] == "eval"], "loss"),
        learning_rate=_values(steps, "lr"),
    )


def _values(entries: list[dict[str, Any]], name: str) -> tuple[tuple[int, float], ...]:
    """Where there is a number: a loss that was none is null."""
    return tuple((each["step"], each[name]) for each in entries if each.get(name) is not None)
