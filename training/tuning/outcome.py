"""What a run leaves to be published: its best checkpoint, as the server takes it."""

import json
import shutil
from pathlib import Path

from training.errors import NotServable
from training.publishing.convert import servable
from training.tuning.config import Recipe
from training.tuning.run_folder import Checkpoint, RunFolder


def best_checkpoint(run: RunFolder, best_step: int | None) -> Checkpoint | None:
    """The best by held-out loss, else the last; None before the first one."""
    whole = run.checkpoints()
    return next((each for each in whole if each.step == best_step), whole[-1] if whole else None)


def leave(run: RunFolder, recipe: Recipe, best: Checkpoint, base: Path, base_name: str) -> str:
    """Writes `adapter/` or `model/` anew; what there is to tell of it."""
    if recipe.makes_adapter:
        return _adapter(run, best, base, base_name)
    return _model(run, best, base)


def _adapter(run: RunFolder, best: Checkpoint, base: Path, base_name: str) -> str:
    initial = run.initial_adapter if run.initial_adapter.is_dir() else None
    new = _emptied(run.adapter)
    try:
        told = servable(best.path, new, initial=initial, base=base, base_name=base_name)
        notes = "".join(told.notes)
    except NotServable as error:
        # DoRA: merged later, or kept as it is.
        shutil.copytree(best.path, new, dirs_exist_ok=True, ignore=_only_the_adapter)
        notes = str(error)
    new.rename(run.adapter)
    return notes


def _model(run: RunFolder, best: Checkpoint, base: Path) -> str:
    """In the precision the base has on disk."""
    import torch
    from transformers import AutoModelForCausalLM

    dtype = json.loads((base / "config.json").read_text("utf-8")).get("dtype") or "float32"
    whole = AutoModelForCausalLM.from_pretrained(best.path, dtype=getattr(torch, dtype))
    new = _emptied(run.model)
    whole.save_pretrained(new)
    for file in base.iterdir():
        is_small = file.suffix in (".json", ".jinja", ".txt", ".model") and file.is_file()
        if is_small and not (new / file.name).exists() and "index" not in file.name:
            shutil.copy2(file, new / file.name)
    new.rename(run.model)
    return ""


def _emptied(place: Path) -> Path:
    """An empty folder beside `place`, which is gone."""
    new = place.with_name(f".{place.name}")
    for old in (new, place):
        shutil.rmtree(old, ignore_errors=True)
    new.mkdir()
    return new


def _only_the_adapter(_: str, names: list[str]) -> list[str]:
    return [name for name in names if not name.startswith("adapter_")]
