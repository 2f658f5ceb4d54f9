"""A blend published as an adapter of its own, with both parents in its lineage."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from training.errors import BadInput
from training.publishing import lora
from training.publishing.blend import Part, blend
from training.publishing.given import base_of, find_adapter, lineage_of, shelf_of
from training.publishing.lineage import Lineage, trace
from training.publishing.publish import Checks, Draft, publish
from training.publishing.shelf import Published


def publish_blend(
    wanted: Sequence[tuple[str, float]],
    data_dir: Path,
    *,
    name: str,
    title: str = "",
    rank: int | None = None,
    base: str | None = None,
    checks: Checks | None = None,
) -> tuple[Published, float]:
    """The new version, and the share of its change that `rank` cut off.

    Raises BadInput for fewer than two adapters, MissingBase when they have not one base.
    """
    if len(wanted) < 2:
        raise BadInput("混合至少要两个适配器")
    folders = [find_adapter(each, data_dir) for each, _ in wanted]
    bases = {base_of(folder, base, data_dir) for folder in folders}
    if len(bases) > 1:
        raise BadInput(f"这些适配器的底座不同（{'、'.join(b.name for b in bases)}），不能混合")
    own_base = bases.pop()
    parts = [Part(lora.read(f), weight) for f, (_, weight) in zip(folders, wanted, strict=True)]
    told = blend(parts, rank)
    weights = {f.name: weight for f, (_, weight) in zip(folders, wanted, strict=True)}
    lineage = _both(own_base, [lineage_of(folder) for folder in folders], weights, name)
    with TemporaryDirectory() as workshop:
        lora.write(Path(workshop), told.adapter, "float32")
        draft = Draft(Path(workshop), name, lineage, title=title)
        return publish(draft, shelf_of(data_dir), own_base, checks), told.lost


def _both(
    base: Path, parents: Sequence[Lineage | None], weights: dict[str, float], name: str
) -> Lineage:
    """All that the parents learned from; the recipe says of whom it is blended."""
    data = {used.digest: used for each in parents if each for used in each.data}
    recipe = {"name": name, "blend": weights}
    return replace(trace(base, recipe=recipe), data=tuple(data.values()))
