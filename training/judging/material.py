"""What is judged with what: from the names that a person gives to weights and items."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from training.data.store import DataSet, find, load
from training.errors import BadInput
from training.publishing.bases import find_base
from training.publishing.given import base_of, find_adapter, find_run, lineage_of
from training.publishing.shelf import RECORD
from training.tuning.config import Recipe
from training.tuning.prepare import split
from training.tuning.run_folder import RunFolder
from training.types import Item

LENGTH = 2048
"""Tokens of the longest example where no recipe says how long they were."""


@dataclass(frozen=True)
class Material:
    """`train` is what was learned, as far as it is there; `run` gives curves where there is one."""

    base: Path
    tuned: Path | None
    name: str
    recipe: Recipe
    run: Path | None
    train: Sequence[Item]
    held_out: Sequence[Item]
    data: str
    digest: str

    @property
    def given(self) -> dict[str, Any]:
        """By name, as a `Plan` takes them."""
        return {each.name: getattr(self, each.name) for each in fields(self)}


def material(
    data_dir: Path,
    *,
    run: str | None = None,
    adapter: str | None = None,
    base: str | None = None,
    data: Sequence[str] = (),
) -> Material:
    """Of a run, of an adapter, or of a base alone.

    Held out is what `data` hold out, all of a set that holds out nothing; without `data`, what
    the run's recipe held out. Raises BadInput, BadRecipe, MissingBase.
    """
    sets = [load(find(name, data_dir)) for name in data]
    if run is not None:
        return _of_run(_run(run, data_dir), base, sets, data_dir)
    if adapter is not None:
        return _of_adapter(find_adapter(adapter, data_dir), base, sets, data_dir)
    if base is None:
        raise BadInput("要评什么？请给出 --run、--adapter，或用 --base 只评底座。")
    folder = find_base(base, data_dir)
    return _material(folder, None, folder.name, _bare_recipe(folder), None, [], sets)


def _run(wanted: str, data_dir: Path) -> Path:
    folder = find_run(wanted, data_dir)
    if folder is None:
        raise BadInput(f"没有训练“{wanted}”，请给出它的编号或目录。")
    return folder


def _of_run(run: Path, base: str | None, sets: Sequence[DataSet], data_dir: Path) -> Material:
    folder = RunFolder.open(run)
    recipe = Recipe.read(folder.recipe)
    tuned = next((each for each in (folder.adapter, folder.model) if each.is_dir()), None)
    if tuned is None:
        raise BadInput("这次训练还没有练出东西（缺 adapter 或 model）", file=run)
    own = [load(find(part.path, data_dir)) for part in recipe.data]
    train, held_out = split(recipe, own, data_dir)
    return _material(
        find_base(base or recipe.base, data_dir), tuned, recipe.name, recipe, run,
        [each.item for each in train], sets or own, None if sets else [p.item for p in held_out],
    )  # fmt: skip


def _of_adapter(
    adapter: Path, base: str | None, sets: Sequence[DataSet], data_dir: Path
) -> Material:
    folder, lineage = base_of(adapter, base, data_dir), lineage_of(adapter)
    own = [found for used in (lineage.data if lineage else ())
           if (found := _same(used.name, used.digest, data_dir))]  # fmt: skip
    recipe = _recipe(lineage.recipe if lineage else {}, folder)
    name = adapter.name if (adapter / RECORD).is_file() else adapter.parent.name
    train = [item for each in own or sets for item in each.train]
    return _material(folder, adapter, name, recipe, None, train, sets or own)


def _same(name: str, digest: str, data_dir: Path) -> DataSet | None:
    """The data set of this name, if it still is the one that was learned from."""
    try:
        found = load(find(name, data_dir))
    except BadInput:
        return None
    return found if found.digest == digest else None


def _recipe(given: Any, base: Path) -> Recipe:
    return Recipe.parse(given, where="适配器的配方") if given else _bare_recipe(base)


def _bare_recipe(base: Path) -> Recipe:
    return Recipe.parse({"name": "judged", "base": str(base), "data": "-", "length": LENGTH})


def _material(
    base: Path, tuned: Path | None, name: str, recipe: Recipe, run: Path | None,
    train: Sequence[Item], sets: Sequence[DataSet], held_out: Sequence[Item] | None = None,
) -> Material:  # fmt: skip
    if held_out is None:
        held_out = [item for each in sets for item in each.held_out or each.train]
    return Material(
        base, tuned, name, recipe, run, train, held_out,
        "、".join(each.card.name for each in sets), "+".join(each.digest for each in sets),
    )  # fmt: skip
