"""What is published is what the real vLLM serves: loaded, another voice than the base's."""

from dataclasses import replace
from pathlib import Path

import peft
import pytest
import torch
from running import Running
from tiny_qwen import make_adapter
from transformers import AutoModelForCausalLM

from retrieval.types import Message
from server.engines.base import EngineRequest, Sampling
from server.errors import EngineRefused
from training.publishing.batch import read_questions, run_batch
from training.publishing.identity import CONVERSATIONS, Tokenizing, compare
from training.publishing.lineage import trace
from training.publishing.publish import Checks, Draft, publish
from training.publishing.shelf import Published, Shelf
from training.served.client import Client, Endpoint
from training.tuning.base import load_tokenizer
from training.tuning.template import ServedTemplate

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

REQUEST = EngineRequest(
    messages=(Message("user", "雨停了，接着写。"),),
    max_tokens=24,
    sampling=Sampling(temperature=0.0),
)


TAUGHT = "渡口的灯"


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "adapters")


@pytest.fixture
def engine_tokens(tiny: Running) -> Tokenizing:
    told = tiny.engine.endpoint()
    assert told is not None
    return Tokenizing.at(Endpoint(told.url, told.model, told.key or "", str(told.socket)))


def published(tiny: Running, shelf: Shelf, source: Path, **given: Path) -> Published:
    model = tiny.options.model_path
    draft = Draft(source, "voice", trace(model), **given)
    return publish(draft, shelf, model, Checks(prompts=("你是谁？",)))


def served(tiny: Running, version: Published) -> str:
    """Its greedy text; the engine forgets it afterwards."""
    name = version.folder.name
    tiny.run(tiny.engine.load_adapter(name, version.folder))
    try:
        return tiny.text(replace(REQUEST, adapter=name))
    finally:
        tiny.run(tiny.engine.unload_adapter(name))


def test_every_version_speaks_with_its_own_voice(
    tiny: Running, shelf: Shelf, tmp_path: Path
) -> None:
    model = tiny.options.model_path
    first = published(tiny, shelf, make_adapter(model, tmp_path / "a", seed=21))
    second = published(tiny, shelf, make_adapter(model, tmp_path / "b", rank=5, seed=22))
    base = tiny.text(REQUEST)
    voices = [served(tiny, first), served(tiny, second)]
    assert len({base, *voices}) == 3
    assert served(tiny, shelf.roll_back("voice")) == voices[0]
    assert tiny.text(REQUEST) == base


def test_a_converted_pissa_is_served_as_it_was_trained(
    tiny: Running, shelf: Shelf, tmp_path: Path
) -> None:
    """Raw, vLLM refuses it; converted, the engine says what was taught, word for word."""
    raw = taught_by_pissa(tiny.options.model_path, tmp_path / "pissa")
    with pytest.raises(EngineRefused, match="pissa"):
        tiny.run(tiny.engine.load_adapter("raw", raw))
    version = published(tiny, shelf, raw, initial=raw / "initial")
    assert tiny.text(REQUEST) != TAUGHT
    assert served(tiny, version) == TAUGHT


def taught_by_pissa(model: Path, folder: Path) -> Path:
    """An adapter that knows one answer by heart, as PEFT saves it; its start in `initial/`."""
    torch.manual_seed(4)
    tuned = peft.get_peft_model(
        AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32),
        peft.LoraConfig(
            r=8, lora_alpha=8, init_lora_weights="pissa", task_type="CAUSAL_LM",
            target_modules=["q_proj", "v_proj", "up_proj", "down_proj"],
        ),
    )  # fmt: skip
    tuned.save_pretrained(folder / "initial")
    template = ServedTemplate(*load_tokenizer(model))
    prompt = template.prompt([{"role": "user", "content": REQUEST.messages[0].content}])
    row = torch.tensor([[*prompt, *template.answer(TAUGHT)]])
    labels = row.clone()
    labels[0, : len(prompt)] = -100
    optimizer = torch.optim.AdamW(tuned.parameters(), lr=1e-2)
    for _ in range(40):
        tuned(input_ids=row, labels=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    tuned.save_pretrained(folder)
    return folder


def test_training_and_serving_make_the_same_tokens(
    tiny: Running, engine_tokens: Tokenizing
) -> None:
    template = ServedTemplate(*load_tokenizer(tiny.options.model_path))
    told = compare(template, engine_tokens)
    assert (told.level, told.value) == ("ok", len(CONVERSATIONS)), told.sentence


def test_an_adapter_of_another_base_never_reaches_the_engine(
    tiny: Running, shelf: Shelf, tmp_path: Path
) -> None:
    model = tiny.options.model_path
    other = tmp_path / "other"
    other.mkdir()
    for file in model.iterdir():
        (other / file.name).write_bytes(file.read_bytes())
    weights = bytearray((other / "model.safetensors").read_bytes())
    weights[-2] ^= 64
    (other / "model.safetensors").write_bytes(weights)
    draft = Draft(make_adapter(other, tmp_path / "a"), "voice", trace(other))
    version = publish(draft, shelf, other, Checks(prompts=()))
    with pytest.raises(EngineRefused, match=rf"“other”.*“{model.name}”.*权重不同"):
        tiny.run(tiny.engine.load_adapter(version.folder.name, version.folder))


def test_a_file_of_questions_is_answered_by_a_published_adapter(
    tiny: Running, shelf: Shelf, tmp_path: Path
) -> None:
    version = published(tiny, shelf, make_adapter(tiny.options.model_path, tmp_path / "a", seed=31))
    name = version.folder.name
    told = tiny.engine.endpoint()
    assert told is not None
    endpoint = Endpoint(told.url, name, told.key or "", str(tiny.engine.socket))
    file = tmp_path / "in.jsonl"
    file.write_text('{"prompt": "雨停了，接着写。"}\n{"prompt": "你是谁？", "max_tokens": 8}\n')
    tiny.run(tiny.engine.load_adapter(name, version.folder))
    asked = read_questions(file, endpoint.model, {"max_tokens": 16, "temperature": 0})
    with Client(endpoint) as client:
        done = run_batch(asked, tmp_path / "out.jsonl", client, at_once=2)
    tiny.run(tiny.engine.unload_adapter(name))
    assert (done.answered, done.failed) == (2, 0)
    assert 2 < done.tokens <= 24
