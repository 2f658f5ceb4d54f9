"""Running tiny recipes, and dying in the middle of them."""

from pathlib import Path
from typing import Any

from tests.training.tiny import chats, make_data, preferences, texts
from training.tuning.config import Recipe
from training.tuning.run_folder import RunFolder

DATA_OF = {"sft": "talk", "pretrain": "prose", "dpo": "prefs", "kto": "prefs"}


class Died(BaseException):
    """No `Exception`: nothing on the way may think that it can be mended."""


def make_sets(data_dir: Path) -> None:
    make_data(data_dir, "talk", chats(12), chats(3))
    make_data(data_dir, "prose", texts(6), texts(1))
    make_data(data_dir, "prefs", preferences(8), preferences(2))


def recipe(base: Path, **changes: Any) -> Recipe:
    """Six or so optimizer steps."""
    method = changes.get("method", "sft")
    given = {
        "name": "tiny", "base": str(base), "data": DATA_OF[method], "epochs": 2, "batch": 2,
        "accumulate": 2, "learning_rate": 5e-3, "evaluate_every": 3, "save_every": 2,
        "length": 160, "dtype": "fp32",
    }  # fmt: skip
    return Recipe.parse(given | changes)


def losses(run: RunFolder) -> dict[int, float]:
    """By step; a step logged twice is a fault."""
    steps = [each for each in run.entries() if each["type"] == "step"]
    found = {each["step"]: each["loss"] for each in steps}
    assert len(found) == len(steps)
    return found


def evaluations(run: RunFolder) -> dict[int, float]:
    return {each["step"]: each["loss"] for each in run.entries() if each["type"] == "eval"}


def dying_at(step: int) -> Any:
    """A progress that is the end of its process's patience."""

    def progress(done: int, total: int, note: str = "") -> None:
        del total
        if done >= step and note.startswith("损失"):
            raise Died

    return progress
