"""Weights: from a model's name to a checked directory that an engine can serve.

Knows hubs, the package index, disks and digests; knows nothing of engines, requests or works.
"""

from pathlib import Path

from server.weights.plan import Plan, Shape, default_model, dtype, plan
from server.weights.resolve import resolve
from server.weights.store import Installed, Manifest, Store
from server.weights.types import Progress, Source, Weights, silent

__all__ = [
    "Installed",
    "Manifest",
    "Plan",
    "Progress",
    "Shape",
    "Source",
    "Store",
    "Weights",
    "default_model",
    "dtype",
    "installed",
    "plan",
    "resolve",
    "verify",
]


def installed(root: Path) -> list[Installed]:
    """Every model that is whole under `root`, by name."""
    return Store(root).all()


def verify(root: Path, name: str, progress: Progress = silent) -> Installed:
    """Hashes every file of `name` again. Raises NotFound, or WrongDigest naming the files."""
    return Store(root).verify(name, progress)
