"""Both rooms find the same folder, although neither may ask the other."""

from pathlib import Path

import pytest

from server.settings import Settings
from training.commands.common import data_dir_for


@pytest.mark.parametrize(
    "said",
    [
        {"YANCHI_DATA_DIR": "/somewhere/yanchi"},
        {"XDG_DATA_HOME": "/somewhere/else"},
        {"HOME": "/home/nobody"},
    ],
)
def test_the_rooms_agree(said: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("YANCHI_DATA_DIR", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    assert data_dir_for(None) == Settings().data_dir
    assert data_dir_for(Path("/given")) == Path("/given")
