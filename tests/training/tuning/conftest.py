"""One tiny base for all tests of tuning."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.training.tiny import make_base


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_base(tmp_path_factory.mktemp("tiny-base"))


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """As in the processes that a test starts: sums in one order, so that runs can be compared.

    The variable that tests/training sets comes too late where other tests imported torch."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
