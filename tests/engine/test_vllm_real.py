"""The real default Qwen, where its weights are installed: it writes Chinese."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from running import Running, processors

from retrieval.types import Message
from server.engines.base import EngineRequest, Sampling
from server.engines.vllm import VllmOptions
from server.settings import default_data_dir

pytestmark = [pytest.mark.engine, pytest.mark.timeout(500)]

OPENING = "雨下了整整三日，渡口的石阶已经没在水里。老船夫把缆绳又紧了一道，抬头望了望天，"


def installed_models() -> list[Path]:
    base = Path(os.environ.get("YANCHI_DATA_DIR") or default_data_dir()) / "models"
    return sorted(path.parent for path in base.glob("*/config.json"))


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    models = [path for path in installed_models() if "0.5B" in path.name or "0.6B" in path.name]
    if not models:
        pytest.skip("no small Qwen is installed: run `yanchi model pull`")
    options = VllmOptions(
        model_path=models[0],
        served_name=models[0].name,
        dtype="float32",
        window=2048,
        cpu=True,
        logs_dir=tmp_path_factory.mktemp("real-logs"),
        omp_bind=processors(),
        kv_cache_gib=1,
    )
    running = Running(options).start()
    yield running
    running.stop()


def test_it_continues_chinese_with_chinese(real: Running) -> None:
    messages = (
        Message("system", "你是一位中文小说家，只写小说正文。"),
        Message("user", f"请接着写下去：\n{OPENING}"),
    )
    request = EngineRequest(messages, 60, sampling=Sampling(temperature=0.7, top_p=0.9, seed=1))
    pieces = real.run(real.pieces(request), 110)
    text = "".join(piece.text for piece in pieces)
    chinese = sum("一" <= character <= "鿿" for character in text)
    assert len(text) > 20
    assert chinese > 0.7 * len(text), text
    usage = pieces[-1].usage
    assert usage is not None
    assert usage.prompt_tokens == real.engine.tokens.count_messages(messages)


def test_the_same_prompt_again_comes_from_the_prefix_cache(real: Running) -> None:
    messages = (Message("system", OPENING * 10), Message("user", "接着写。"))
    request = EngineRequest(messages, 4, sampling=Sampling(temperature=0.0))
    real.run(real.pieces(request), 110)
    usage = real.run(real.pieces(request), 110)[-1].usage
    assert usage is not None
    assert usage.cached_tokens is not None
    assert usage.cached_tokens > 0.6 * usage.prompt_tokens
