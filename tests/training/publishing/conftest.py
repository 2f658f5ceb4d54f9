"""A tiny base for all tests of publishing."""

from pathlib import Path

import pytest

from tests.engine.tiny_qwen import make_model


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("tiny"))
