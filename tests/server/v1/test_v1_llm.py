"""The command-line tool `llm`, unchanged, with the desk's models in its list."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.clients import ClientFailed, llm
from tests.server.v1.conftest import Served

NAMES = {"desk": "scripted", "atan": "persona/atan"}
SHORT = ("-o", "max_tokens", "20", "-o", "seed", "1")
Say = Callable[..., str]


@pytest.fixture
def say(served: Served, tmp_path: Path) -> Say:
    """A prompt at an author's shell; `docs/clients.md` shows the same list of models."""
    served.ok("POST", "/api/personas", json={"name": "阿檀", "slug": "atan", "description": "老人"})
    models = [
        {"model_id": id, "model_name": name, "api_base": f"{served.address}/v1"}
        for id, name in NAMES.items()
    ]
    home = tmp_path / "llm"
    home.mkdir()
    (home / "extra-openai-models.yaml").write_text(yaml.safe_dump(models), encoding="utf-8")
    return lambda *words: llm(home, *words)


def test_a_prompt_a_stream_and_a_conversation_gone_on_with(served: Served, say: Say) -> None:
    streamed = say("-m", "desk", *SHORT, "说一句话。").strip()
    assert say("-m", "desk", *SHORT, "--no-stream", "说一句话。").strip() == streamed
    say("-c", *SHORT, "再说一句。")
    told = [message.content for message in served.engine.requests[-1].messages]
    assert told == ["说一句话。", streamed, "再说一句。"]
    log = json.loads(say("logs", "-n", "3", "--json"))
    assert [entry["output_tokens"] for entry in log] == [20, 20, 20]
    assert {entry["model"] for entry in log} == {"desk"}


def test_a_persona_without_any_settings(served: Served, say: Say) -> None:
    base = f"{served.address}/v1"
    assert "persona/atan" in say("openai", "endpoint", base, "--models").split()
    asked = say("openai", "endpoint", base, "-m", "persona/atan", *SHORT, "在吗？").strip()
    assert asked == say("-m", "atan", *SHORT, "在吗？").strip()
    assert len(asked) == 20
    for request in served.engine.requests[-2:]:
        assert "老人" in request.messages[0].content


def test_a_refusal_is_told_in_the_desk_s_words(say: Say) -> None:
    with pytest.raises(ClientFailed, match=r"Invalid value for 'max_tokens'"):
        say("-m", "desk", "-o", "max_tokens", "-3", "说一句话。")
