"""What a person names on the command line: an adapter by any of its names, and its base."""

import json
import os
from dataclasses import replace
from pathlib import Path

from training.errors import BadInput, MissingBase
from training.publishing import lora
from training.publishing.bases import find_base
from training.publishing.lineage import NAME as LINEAGE
from training.publishing.lineage import Lineage, check_base, trace
from training.publishing.publish import Draft, draft_of_run
from training.publishing.shelf import RECORD, Shelf


def shelf_of(data_dir: Path) -> Shelf:
    return Shelf(data_dir / "adapters")


def find_run(wanted: str, data_dir: Path) -> Path | None:
    """A run's folder, by path or by its id under `runs/`."""
    for folder in (Path(wanted).expanduser(), data_dir / "runs" / wanted):
        if (folder / "status.json").is_file() or (folder / LINEAGE).is_file():
            return folder
    return None


def find_adapter(wanted: str, data_dir: Path) -> Path:
    """A folder with adapter_config.json: a path, a run's outcome, or a published version.

    Raises BadInput.
    """
    folder = Path(wanted).expanduser()
    if (folder / lora.CONFIG).is_file():
        return folder
    run = find_run(wanted, data_dir)
    if run is not None and (run / "adapter" / lora.CONFIG).is_file():
        return run / "adapter"
    return shelf_of(data_dir).find(wanted).folder


def lineage_of(adapter: Path) -> Lineage | None:
    """From yanchi.json, or from the run that it lies in; None for one from elsewhere."""
    for place in (adapter / RECORD, adapter / LINEAGE, adapter.parent / LINEAGE):
        if place.is_file():
            try:
                return Lineage.from_json(json.loads(place.read_text("utf-8")))
            except ValueError as error:
                raise BadInput(f"{place.name} 读不了：{error}", file=place) from error
    return None


def base_of(adapter: Path, given: str | None, data_dir: Path) -> Path:
    """The adapter's own base, checked against its lineage where it has one. Raises MissingBase.

    `given` is what the person says; else the recipe's and the lineage's own names are tried,
    what PEFT wrote down for an adapter from elsewhere, and what the desk serves that started us.
    """
    lineage = lineage_of(adapter)
    if given is not None:
        base = find_base(given, data_dir)
        if lineage is not None:
            check_base(adapter.name, lineage, base)
        return base
    names = [str(lora.read_config(adapter).get("base_model_name_or_path") or "")]
    if lineage is not None:
        names = [str(lineage.recipe.get("base") or ""), lineage.base.name, *names]
        names.append(os.environ.get("YANCHI_SERVED_PATH", ""))
    told: MissingBase | None = None
    for name in filter(None, names):
        try:
            base = find_base(name, data_dir)
            if lineage is not None:
                check_base(adapter.name, lineage, base)
        except MissingBase as error:
            # A base that is there and is another one says more than a name that is not there.
            told = error if told is None or "不同" in str(error) else told
            continue
        return base
    raise told or MissingBase(f"不知道适配器 {adapter.name} 的底座，请用 --base 指明。")


def draft_of(
    wanted: str,
    data_dir: Path,
    *,
    base: str | None = None,
    name: str = "",
    title: str = "",
    step: int | None = None,
    initial: Path | None = None,
) -> tuple[Draft, Path]:
    """What is to be published, and its base: a run, or any folder with an adapter.

    An adapter without a lineage is taken for one of the base that the person names.
    """
    run = find_run(wanted, data_dir)
    if run is not None:
        draft = draft_of_run(run, name=name, title=title, step=step)
        draft = replace(draft, initial=initial or draft.initial)
        return draft, base_of(draft.source, base, data_dir)
    if step is not None:
        raise BadInput(f"{wanted} 不是一次训练，没有 --step {step} 可选")
    folder = find_adapter(wanted, data_dir)
    found, lineage = base_of(folder, base, data_dir), lineage_of(folder)
    draft = Draft(
        folder, name or folder.name, lineage or trace(found), title=title, initial=initial
    )
    return draft, found
