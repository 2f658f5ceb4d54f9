"""Adapters that come along: theirs is the base that is served, or they are left out."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from server.app import create_app
from server.engines.base import Endpoint
from server.engines.lineage import check_lineage
from server.engines.scripted import ScriptedEngine
from tests.server.conftest import Client, make_desk
from tests.server.talking import events
from tests.server.test_adapter_lineage import model_at
from training.publishing.lineage import trace

VOICE = "huanhuan-v1-0123abcd"
HUANHUAN = "huanhuan"


class Serving(ScriptedEngine):
    """The scripted engine as if it served `weights`; it checks adapters as vLLM's does."""

    def __init__(self, weights: Path) -> None:
        super().__init__()
        self._weights = weights

    def endpoint(self) -> Endpoint:
        return Endpoint("http://engine/v1", "scripted", weights=self._weights)

    async def load_adapter(self, name: str, path: Path) -> None:
        check_lineage(path, self._weights)
        await super().load_adapter(name, path)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return model_at(tmp_path / "墨池")


@pytest.fixture
def shipped(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shipped folder with one adapter of `model`."""
    folder = tmp_path / "shipped" / VOICE
    folder.mkdir(parents=True)
    config = {"peft_type": "LORA", "r": 8, "lora_alpha": 16, "target_modules": ["q_proj"]}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    (folder / "adapter_model.safetensors").write_bytes(b"x")
    record = {"format": 1, "name": HUANHUAN, "version": 1, "title": "嬛嬛"} | trace(model).to_json()
    (folder / "yanchi.json").write_text(json.dumps(record))
    monkeypatch.setattr("server.tuning.shipped.ADAPTERS", folder.parent)
    return folder


@contextmanager
def opened(folder: Path, weights: Path) -> Iterator[Client]:
    desk = make_desk(folder / "desk", Serving(weights))
    desk.settings.sample = True
    with TestClient(create_app(desk), raise_server_exceptions=False) as http:
        yield Client(http, desk)


def until(told: Callable[[], Any]) -> Any:
    begun = time.monotonic()
    while not (found := told()):
        assert time.monotonic() - begun < 60
        time.sleep(0.02)
    return found


def loaded(api: Client) -> list[str]:
    return [each["name"] for each in api.ok("GET", "/api/adapters")]


def offered(api: Client) -> None:
    """Waits until what came along was offered, taken or not."""
    until(lambda: api.desk.shipped._offering.done())  # type: ignore[union-attr]


def huanhuan(api: Client) -> dict[str, Any]:
    found: dict[str, Any] = next(
        each for each in api.ok("GET", "/api/personas") if each["slug"] == HUANHUAN
    )
    return found


def spoke_through(api: Client) -> str | None:
    """Asks her something; the adapter of the request that reached the engine."""
    talk = api.ok("POST", "/api/conversations", json={"persona_id": huanhuan(api)["id"]})
    told = {"text": "夜深了。", "parent_id": talk["leaf_id"]}
    answer = api.http.post(f"/api/conversations/{talk['id']}/messages", json=told)
    assert events(answer.text)[-1][0] == "done", answer.text
    return api.desk.engine.requests[-1].adapter  # type: ignore[attr-defined,no-any-return]


def test_on_its_base_it_is_there_and_she_speaks_through_it(
    tmp_path: Path, model: Path, shipped: Path
) -> None:
    with opened(tmp_path, model) as api:
        offered(api)
        assert loaded(api) == [VOICE]
        assert huanhuan(api)["adapter"] == VOICE
        [told] = api.ok("GET", "/api/adapters/published")
        assert (told["name"], told["current"], told["loaded"]) == (HUANHUAN, True, True)
        copy = api.desk.settings.adapters_dir / VOICE
        assert sorted(p.name for p in copy.iterdir()) == sorted(p.name for p in shipped.iterdir())
        assert spoke_through(api) == VOICE
        # Whoever wants the base instead has it, also after the next start.
        api.ok("PATCH", f"/api/personas/{huanhuan(api)['id']}", json={"adapter": None})
    with opened(tmp_path, model) as api:
        offered(api)
        assert loaded(api) == [VOICE]
        assert spoke_through(api) is None


@pytest.mark.usefixtures("shipped")
@pytest.mark.parametrize("known", [False, True])
def test_on_another_base_it_is_left_out_with_a_sentence(
    tmp_path: Path, model: Path, caplog: pytest.LogCaptureFixture, known: bool
) -> None:
    """Whether the desk never had it, or has another model now."""
    if known:
        with opened(tmp_path, model) as api:
            offered(api)
    other = model_at(tmp_path / "别的", weight=2.0)
    with opened(tmp_path, other) as api:
        offered(api)
        assert loaded(api) == []
        assert f"适配器 {VOICE} 是在“墨池”上训练的，现在服务的是“别的”" in caplog.text
        assert (api.desk.settings.adapters_dir / VOICE).exists() is known
        assert huanhuan(api)["adapter"] == (VOICE if known else None)
        assert spoke_through(api) is None


@pytest.mark.usefixtures("shipped")
def test_what_was_taken_down_is_not_put_back(tmp_path: Path, model: Path) -> None:
    with opened(tmp_path, model) as api:
        offered(api)
        adapters = api.desk.settings.adapters_dir
    (adapters / ".bin").mkdir()
    shutil.move(adapters / VOICE, adapters / ".bin" / VOICE)
    with opened(tmp_path, model) as api:
        assert loaded(api) == []
        assert not (adapters / VOICE).exists()
        assert spoke_through(api) is None


@pytest.mark.usefixtures("shipped")
def test_an_adapter_that_an_author_chose_is_wanted(tmp_path: Path, model: Path) -> None:
    with opened(tmp_path, model) as api:
        api.ok("PATCH", f"/api/personas/{huanhuan(api)['id']}", json={"adapter": "mine"})
        offered(api)
        assert huanhuan(api)["adapter"] == "mine"
        talk = api.ok("POST", "/api/conversations", json={"persona_id": huanhuan(api)["id"]})
        told = {"text": "夜深了。", "parent_id": talk["leaf_id"]}
        path = f"/api/conversations/{talk['id']}/messages"
        api.refused(404, "unknown_adapter", "POST", path, json=told)
