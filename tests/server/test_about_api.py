"""What the pages about models and about this desk are told."""

from pathlib import Path

import pytest

from server import about
from server.engines.vllm import OpenAIEngine
from server.settings import Settings
from tests.server.conftest import Client


def test_the_engine_page_is_told_what_lies_where(api: Client) -> None:
    folder = api.desk.settings.adapters_dir
    (folder / "xu-plain").mkdir(parents=True)
    (folder / "xu-plain" / "adapter_config.json").write_text("{}")
    (folder / "half-copied").mkdir()

    told = api.ok("GET", "/api/engine")

    assert told["kind"] == "scripted"
    assert told["log"] is None
    assert told["adapters_dir"] == str(folder)
    assert told["adapters_on_disk"] == ["xu-plain"]
    assert told["embedding_model"] == "yanchi-embed-zh"
    assert sum(told["shares"].values()) == pytest.approx(1)
    assert told["hardware"]["cores"] >= 1
    assert told["hardware"]["memory"] > 0


def test_an_engine_elsewhere_is_not_taken_for_our_own() -> None:
    assert about.engine_kind(OpenAIEngine("http://127.0.0.1:1/v1", None, "m", 4096)) == "endpoint"


def test_the_desk_says_where_the_words_lie_and_what_it_is_built_from(api: Client) -> None:
    told = api.ok("GET", "/api/about")

    database = api.desk.settings.data_dir / "yanchi.db"
    assert told["database"] == str(database)
    assert told["bytes"] >= database.stat().st_size > 0
    named = {c["name"].lower(): c for c in told["components"]}
    assert named["fastapi"]["license"] == "MIT"
    assert all(c["version"] and c["license"] for c in named.values())


@pytest.mark.parametrize("url", ["postgresql+psycopg://me:secret@db/novels"])
def test_no_password_leaves_with_the_place(url: str, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, database_url=url)
    assert about.database_place(settings) == url.replace("secret", "***")
    assert about.text_bytes(settings) == 0
