"""One tiny base for all tests of tuning."""

from pathlib import Path

import pytest

from tests.training.tiny import make_base


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_base(tmp_path_factory.mktemp("tiny-base"))
