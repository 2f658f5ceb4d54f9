"""What a recipe can begin with: the shipped ones, and the models that are installed."""

import json
from pathlib import Path
from typing import Any

import yaml
from fastapi import APIRouter

from server.deps import TheDesk
from server.errors import WeightsError
from server.schemas.tuning import BaseOut, RecipeOut
from server.settings import ROOT
from server.weights.local import check_directory
from server.weights.store import MANIFEST

router = APIRouter(prefix="/api", tags=["training"])
RECIPES = ROOT / "training" / "recipes"


@router.get("/recipes")
def list_recipes() -> list[RecipeOut]:
    """In the order of their file names."""
    found = ((path.stem, _read(path.read_text("utf-8"))) for path in sorted(RECIPES.glob("*.yaml")))
    return [RecipeOut(name=name, recipe=recipe) for name, recipe in found]


def _read(text: str) -> dict[str, Any]:
    told: dict[str, Any] = yaml.safe_load(text)
    return told


@router.get("/bases")
def list_bases(desk: TheDesk) -> list[BaseOut]:
    """Models that can be tuned here, the one that writes first."""
    endpoint = desk.engine.endpoint()
    served = endpoint.weights if endpoint is not None else None
    folders = {folder.absolute() for folder in desk.settings.weights_dir.glob("*")}
    if served is not None:
        folders.add(served.absolute())
    found = [
        BaseOut(name=_name(folder), served=served is not None and folder == served.absolute())
        for folder in sorted(folders)
        if _whole(folder)
    ]
    return sorted(found, key=lambda base: not base.served)


def _name(folder: Path) -> str:
    """What was fetched goes by its own name, anything else by its place."""
    try:
        return str(json.loads((folder / MANIFEST).read_text("utf-8"))["name"])
    except (OSError, ValueError, KeyError):
        return str(folder)


def _whole(folder: Path) -> bool:
    try:
        check_directory(folder)
    except WeightsError:
        return False
    return True
