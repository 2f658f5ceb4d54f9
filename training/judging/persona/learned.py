"""Which scenes an adapter learned from, by the record that it carries."""

from dataclasses import dataclass
from pathlib import Path

from training.data.store import find, load
from training.errors import BadInput, BadRecipe
from training.publishing.given import find_adapter, lineage_of
from training.tuning.config import Recipe
from training.tuning.prepare import split


@dataclass(frozen=True, slots=True)
class Learned:
    """`served` is what the desk calls the adapter. A scene of which one row was learned from is
    no scene held out."""

    served: str
    scenes: frozenset[str] = frozenset()
    held_out: frozenset[str] = frozenset()
    doubt: str = ""
    """Why nobody knows what it learned from; empty where that is known."""


def learned_by(adapter: str, data_dir: Path) -> Learned:
    """Raises BadInput where there is no such adapter."""
    folder = find_adapter(adapter, data_dir)
    lineage = lineage_of(folder)
    if lineage is None or not lineage.recipe:
        return Learned(folder.name, doubt="它没有带着训练的记录")
    known = {used.digest for used in lineage.data}
    try:
        recipe = Recipe.parse(dict(lineage.recipe), where="适配器的配方")
        sets = [load(find(part.path, data_dir)) for part in recipe.data]
        if any(each.digest not in known for each in sets):
            return Learned(folder.name, doubt="它的数据集后来改过")
        train, held = split(recipe, sets, data_dir)
    except (BadInput, BadRecipe) as error:
        return Learned(folder.name, doubt=str(error).rstrip("。"))
    scenes, out = (
        frozenset(each.item.origin.work for each in part if each.item.origin.work)
        for part in (train, held)
    )
    return Learned(folder.name, scenes, out - scenes)
