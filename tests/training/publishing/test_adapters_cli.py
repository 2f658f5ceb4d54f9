"""`yanchi adapters` as a person or a page meets it: text, JSON, exit codes, a desk that is told."""

import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from safetensors.torch import load_file
from tiny_adapters import as_trained, logits, trained, with_adapter, without
from typer.testing import CliRunner, Result

import yanchi
from server.app import create_app
from server.desk import embeddings_for, open_desk
from server.engines.scripted import ScriptedEngine
from server.presence import announce, find_desk
from server.settings import Settings
from training.publishing.lineage import trace


@pytest.fixture
def data(tmp_path: Path, base: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data directory that has the tiny base among its models, and one finished run."""
    folder = tmp_path / "data"
    models = folder / "models" / "tiny"
    models.mkdir(parents=True)
    for file in base.iterdir():
        (models / file.name).write_bytes(file.read_bytes())
    (models / "manifest.json").write_text('{"name": "tiny"}')
    monkeypatch.setenv("YANCHI_DATA_DIR", str(folder))
    run_folder = folder / "runs" / "20261121-1a2b"
    run_folder.mkdir(parents=True)
    trained(base, run_folder / "adapter", steps=12)
    trace(models, recipe={"name": "voice", "base": "tiny"}).write(run_folder)
    return folder


def run(*words: object) -> Result:
    return CliRunner().invoke(yanchi.app, ["adapters", *map(str, words)])


def told(*words: object) -> Any:
    result = run(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def refused(*words: object) -> str:
    result = run(*words, "--json")
    assert result.exit_code == 1, result.output
    error = json.loads(result.stdout)["error"]
    return f"{error['code']} {error['message']}"


def test_a_run_is_published_listed_shown_and_rolled_back(data: Path, base: Path) -> None:
    first = told("publish", "20261121-1a2b", "--quick")
    assert (first["name"], first["version"], first["current"]) == ("voice", 1, True)
    assert (first["base"], first["served"]) == ("tiny", False)
    other = trained(base, data / "other", seed=9, steps=6)
    second = told(
        "publish", other, "--name", "voice", "--title", "嬛嬛", "--base", "tiny", "--quick"
    )
    assert (second["version"], second["title"]) == (2, "嬛嬛")
    listed = told("list")["adapters"]
    assert [(each["folder"], each["current"]) for each in listed] == [
        (first["folder"], False), (second["folder"], True)
    ]  # fmt: skip
    assert f"* {second['folder']}  嬛嬛  tiny" in run("list").stdout
    assert told("show", "voice")["record"]["title"] == "嬛嬛"
    assert "## 怎么调用" in run("show", "voice-v1").stdout
    assert told("rollback", "voice")["folder"] == first["folder"]
    assert "没有比 v1 更早" in refused("rollback", "voice")
    assert told("rollback", "voice-v2")["folder"] == second["folder"]
    assert told("remove", "voice")["current"] == first["folder"]
    assert [each["version"] for each in told("list")["adapters"]] == [1]
    assert refused("show", "nobody").startswith("bad_input 没有名为“nobody”")


@pytest.mark.usefixtures("data")
def test_with_the_base_loaded_base_and_adapter_are_shown() -> None:
    told("publish", "20261121-1a2b", "--title", "嬛嬛")
    seen = told("check", "voice")
    assert seen["level"] == "ok"
    assert any(each["base"] != each["adapted"] for each in seen["samples"])
    assert "底座：" in run("check", "voice").stdout


def test_what_is_wrong_is_found_and_ends_with_one(data: Path, base: Path) -> None:
    dora = trained(base, data / "dora", use_dora=True)
    result = run("check", dora, "--base", "tiny", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["level"] == "stop"
    assert "✗" in run("check", dora).stdout
    assert refused("publish", dora, "--base", "tiny", "--quick").startswith("not_servable")
    assert refused("publish", dora, "--base", "nowhere").startswith("missing_base")
    assert told("list")["adapters"] == []


def test_dora_is_merged_instead(data: Path, base: Path, tmp_path: Path) -> None:
    dora = trained(base, data / "dora", use_dora=True)
    path = told("merge", dora, tmp_path / "whole", "--base", "tiny")["path"]
    assert float((logits(without(Path(path))) - as_trained(dora)).abs().max()) < 1e-4
    assert refused("merge", dora, tmp_path / "whole", "--base", "tiny").startswith("bad_input")


def test_a_published_adapter_becomes_a_gguf(data: Path, tmp_path: Path) -> None:
    told("publish", "20261121-1a2b", "--quick")
    path = Path(told("gguf", "voice", tmp_path / "out" / "voice.gguf", "--type", "f16")["path"])
    assert path.read_bytes()[:4] == b"GGUF"
    assert sorted(each.name for each in path.parent.iterdir()) == ["voice.gguf"]
    assert told("gguf", data / "models" / "tiny", tmp_path / "base.gguf")["path"]
    assert run("gguf", "voice", tmp_path / "x.gguf", "--type", "q2").exit_code == 2


def test_two_adapters_are_blended_into_a_third(data: Path, base: Path) -> None:
    told("publish", "20261121-1a2b", "--quick")
    other = trained(base, data / "other", seed=9, steps=6)
    told("publish", other, "--name", "other", "--base", "tiny", "--quick")
    made = told("blend", "voice", "other", "--weights", "1,0", "--name", "mix", "--quick")
    record = told("show", "mix")["record"]
    assert (made["rank"], made["lost"], made["served"]) == (4, 0.0, False)
    assert list(record["recipe"]["blend"].values()) == [1.0, 0.0]
    ours = load_file(data / "adapters" / made["folder"] / "adapter_model.safetensors")
    first = load_file(data / "adapters" / told("show", "voice")["folder"]
                      / "adapter_model.safetensors")  # fmt: skip
    assert all(bool((ours[name] == first[name]).all()) for name in first)
    half = told("blend", "voice", "other", "--weights", "0.5,0.5", "--name", "mix", "--quick")
    assert half["rank"] == 8
    small = told("blend", "voice", "other", "--weights", "0.5,0.5", "--name", "small",
                 "--rank", "2", "--quick")  # fmt: skip
    assert small["rank"] == 2
    assert 0 < small["lost"] < 1
    assert "权重" in refused("blend", "voice", "other", "--weights", "1", "--name", "x")
    assert "权重" in refused("blend", "voice", "other", "--weights", "a,b", "--name", "x")
    assert "至少要两个" in refused("blend", "voice", "--weights", "1", "--name", "x")


def test_adapters_of_two_bases_are_not_blended(data: Path, base: Path) -> None:
    told("publish", "20261121-1a2b", "--quick")
    second = data / "models" / "second"
    second.mkdir()
    for file in base.iterdir():
        (second / file.name).write_bytes(file.read_bytes())
    (second / "manifest.json").write_text('{"name": "second"}')
    weights = bytearray((second / "model.safetensors").read_bytes())
    weights[-2] ^= 1
    (second / "model.safetensors").write_bytes(weights)
    other = trained(base, data / "other", seed=9)
    told("publish", other, "--name", "other", "--base", "second", "--quick")
    said = refused("blend", "voice", "other", "--weights", "1,1", "--name", "x")
    assert "底座不同" in said
    assert "second" in said


@pytest.mark.usefixtures("data")
def test_a_wrong_base_is_refused_by_name(base: Path, tmp_path: Path) -> None:
    told("publish", "20261121-1a2b", "--quick")
    other = tmp_path / "别的池"
    other.mkdir()
    for file in base.iterdir():
        (other / file.name).write_bytes(file.read_bytes())
    config = (other / "config.json").read_text().replace('"rms_norm_eps"', '"x"')
    (other / "config.json").write_text(config.replace('"hidden_size": 64', '"hidden_size": 65'))
    said = refused("merge", "voice", tmp_path / "whole", "--base", other)
    assert said.startswith("missing_base")
    assert "“tiny”" in said
    assert "“别的池”" in said


def test_the_desks_own_weights_are_tried_for_a_base_without_a_name(
    data: Path, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told("publish", "20261121-1a2b", "--quick")
    shutil.rmtree(data / "models")
    assert refused("check", "voice").startswith("missing_base")
    monkeypatch.setenv("YANCHI_SERVED_PATH", str(base))
    assert told("check", "voice")["level"] == "ok"


# The desk that is running


@pytest.fixture
def open_on(data: Path) -> Iterator[str]:
    """A desk that serves the data directory, at the address it wrote into desk.json."""
    settings = Settings(data_dir=data, sample=False)
    desk = open_desk(
        settings, ScriptedEngine(), prompt_tokens=4000, embeddings=embeddings_for(settings)
    )
    server = uvicorn.Server(uvicorn.Config(create_app(desk), port=0, log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    began = time.monotonic()
    while not server.started:
        assert time.monotonic() - began < 60
        time.sleep(0.05)
    address = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    announce(data, address)
    yield address
    server.should_exit = True
    thread.join(60)


def test_the_desk_that_is_open_is_told(open_on: str) -> None:
    def served() -> list[str]:
        answer = httpx.get(f"{open_on}/api/adapters", trust_env=False)
        return [each["name"] for each in answer.json()]

    made = told("publish", "20261121-1a2b", "--quick")
    assert made["served"] is True
    assert served() == [made["folder"]]
    told("remove", "voice")
    assert served() == []


@pytest.mark.usefixtures("open_on")
def test_the_desk_that_is_open_answers_a_file(data: Path, tmp_path: Path) -> None:
    """Through its own /v1, under the adapter's name; nobody has to say where."""
    made = told("publish", "20261121-1a2b", "--quick")
    asked, answers = tmp_path / "asked.jsonl", tmp_path / "answers.jsonl"
    asked.write_text('{"prompt": "你是谁？"}\n{"prompt": "雨停了吗？"}\n')
    gone = httpx.delete(f"{find_desk(data)}/api/adapters/{made['folder']}", trust_env=False)
    assert gone.status_code == 204
    assert told("run", "voice", asked, answers)["answered"] == 2
    assert all(json.loads(line)["text"] for line in answers.read_text().splitlines())


@pytest.mark.usefixtures("data")
def test_a_desk_that_was_named_and_is_not_there_is_an_error() -> None:
    said = refused("publish", "20261121-1a2b", "--quick", "--desk", "http://127.0.0.1:9")
    assert said.startswith("engine_unreachable")
    assert [each["name"] for each in told("list")["adapters"]] == ["voice"]


@pytest.mark.slow
@pytest.mark.usefixtures("data")
def test_the_command_says_nothing_of_its_libraries() -> None:
    """In a process of its own: what peft prints on being imported has not been printed yet."""
    done = subprocess.run(
        [sys.executable, "-m", "yanchi", "adapters", "publish", "20261121-1a2b", "--json"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout)["name"] == "voice"
    assert done.stderr == ""


def test_merging_and_peft_agree_on_what_was_published(
    data: Path, base: Path, tmp_path: Path
) -> None:
    made = told("publish", "20261121-1a2b", "--quick")
    whole = Path(told("merge", "voice", tmp_path / "whole")["path"])
    ours = logits(with_adapter(base, data / "adapters" / made["folder"]))
    assert float((logits(without(whole)) - ours).abs().max()) < 1e-4
