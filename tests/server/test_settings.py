"""Every setting is documented, typed and safe by default."""

from pathlib import Path

import pytest
import typer

from scripts.settings_table import table
from server.commands.serve import serve
from server.settings import ROOT, Settings


def test_the_page_of_settings_is_true() -> None:
    assert (ROOT / "docs" / "settings.md").read_text(encoding="utf-8") == table()


@pytest.mark.parametrize("name", list(Settings.model_fields))
def test_every_setting_says_what_it_is(name: str) -> None:
    assert Settings.model_fields[name].description


def test_the_default_address_is_loopback() -> None:
    assert Settings().host == "127.0.0.1"


def test_another_address_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("YANCHI_HOST", "0.0.0.0")
    with pytest.raises(typer.Exit) as caught:
        serve(model=None, port=None, engine="scripted", data_dir=tmp_path)
    assert caught.value.exit_code == 1
    assert "只能监听本机" in capsys.readouterr().err.replace("\n", "")


def test_everything_lives_in_the_data_directory(tmp_path: Path) -> None:
    told = Settings(data_dir=tmp_path)
    assert told.database == f"sqlite:///{tmp_path}/yanchi.db"
    for folder in (told.weights_dir, told.index_dir, told.adapters_dir, told.logs_dir):
        assert folder.parent == tmp_path
