"""A tiny base and an adapter on it, made once."""

from pathlib import Path

import pytest

from tests.training.tiny import make_adapter, make_base
from training.judging.model import Model, load_pair


@pytest.fixture(scope="session")
def base_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_base(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="session")
def adapter_folder(base_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_adapter(base_folder, tmp_path_factory.mktemp("adapter"))


@pytest.fixture(scope="session")
def pair(base_folder: Path, adapter_folder: Path) -> tuple[Model, Model]:
    base, tuned = load_pair(base_folder, adapter_folder, "fp32")
    assert tuned is not None
    return base, tuned
