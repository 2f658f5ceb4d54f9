"""An adapter of a persona's data set: a recipe run on it, and the outcome published."""

from pathlib import Path

from training.errors import BadRecipe, RunFailed
from training.tuning.config import DataPart, Recipe
from training.types import Progress

HELD_OUT = 0.1
"""The share of the scenes that is kept to judge by, where the recipe says nothing."""


def recipe_for(recipe: Recipe, data: Path, slug: str) -> Recipe:
    """The recipe with this data set in place of its own. Raises BadRecipe for one that makes no
    adapter or learns from something else than conversations."""
    if recipe.method != "sft" or not recipe.makes_adapter:
        raise BadRecipe(f"配方 {recipe.name} 练不出对话的适配器，请换一个 method 是 sft 的。")
    changes = {
        "name": slug,
        "data": (DataPart(path=str(data)),),
        "held_out": recipe.held_out if isinstance(recipe.held_out, float) else HELD_OUT,
        "system": "keep",
    }
    return recipe.model_copy(update=changes)


def learned(recipe: Recipe, title: str, data_dir: Path, progress: Progress) -> str:
    """Train and publish; the name that the desk serves the adapter under.

    Raises TrainingError; RunFailed where the run was stopped before its end.
    """
    # Seconds to import: who trains nothing does not wait for them.
    from training.publishing.desk import serve
    from training.publishing.given import draft_of
    from training.publishing.identity import Tokenizing
    from training.publishing.publish import Checks, publish
    from training.publishing.shelf import Shelf
    from training.tuning.run import start

    run = start(recipe, data_dir, progress=progress)
    if run.status().state != "done":
        raise RunFailed(
            f"训练 {run.path.name} 停下了：用 yanchi train --resume {run.path.name} 练完、"
            f"用 yanchi adapters publish {run.path.name} 发布，再在人物卡里选它。"
        )
    draft, base = draft_of(run.path.name, data_dir, name=recipe.name, title=title)
    checks = Checks(engine=Tokenizing.known(""))
    published = publish(draft, Shelf(data_dir / "adapters"), base, checks, progress)
    serve(published.folder.name, None, data_dir)
    return published.folder.name
