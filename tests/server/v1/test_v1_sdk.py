"""The official Python SDK, unchanged, against a desk on the scripted engine."""

import struct

import numpy as np
import openai
import pytest

from tests.server.v1.conftest import Served, wait_for

SAY = [{"role": "user", "content": "说一句话。"}]


def test_one_answer(served: Served) -> None:
    answer = served.sdk().chat.completions.create(
        model="scripted", messages=SAY, max_tokens=20, seed=7, temperature=0.5
    )
    choice = answer.choices[0]
    assert (answer.object, answer.model, choice.finish_reason) == (
        "chat.completion", "scripted", "length",
    )  # fmt: skip
    assert choice.message.content is not None
    assert len(choice.message.content) == 20
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 20
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + 20


def test_a_stream_says_the_same_and_its_usage_when_asked(served: Served) -> None:
    sdk = served.sdk()
    whole = sdk.chat.completions.create(model="scripted", messages=SAY, max_tokens=30, seed=1)
    chunks = list(
        sdk.chat.completions.create(
            model="scripted",
            messages=SAY,
            max_tokens=30,
            seed=1,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == whole.choices[0].message.content
    assert chunks[-1].usage == whole.usage
    assert not chunks[-1].choices


def test_usage_that_nobody_asked_for_is_noted_and_not_sent(served: Served) -> None:
    chunks = list(
        served.sdk().chat.completions.create(
            model="scripted", messages=SAY, max_tokens=12, stream=True
        )
    )
    assert all(c.choices and c.usage is None for c in chunks)
    wait_for(served.use)
    (use,) = served.use()
    assert (use["model"], use["endpoint"], use["requests"], use["failures"]) == (
        "scripted", "chat/completions", 1, 0,
    )  # fmt: skip
    assert use["completion_tokens"] == 12


def test_several_answers_stops_and_logprobs(served: Served) -> None:
    answer = served.sdk().chat.completions.create(
        model="scripted", messages=SAY, max_tokens=60, n=3, stop=["。"], logprobs=True,
        top_logprobs=2,
    )  # fmt: skip
    assert [c.index for c in answer.choices] == [0, 1, 2]
    for choice in answer.choices:
        assert "。" not in (choice.message.content or "")
        assert choice.finish_reason == "stop"
        assert choice.logprobs is not None
        tokens = choice.logprobs.content or []
        assert "".join(t.token for t in tokens) == choice.message.content
        assert {t.logprob for t in tokens} == {0.0}


def test_completions(served: Served) -> None:
    sdk = served.sdk()
    one = sdk.completions.create(model="scripted", prompt="夜深了，", max_tokens=10, echo=True)
    assert one.choices[0].text.startswith("夜深了，")
    many = sdk.completions.create(model="scripted", prompt=["甲", "乙"], n=2, max_tokens=5)
    assert [c.index for c in many.choices] == [0, 1, 2, 3]
    assert many.usage is not None
    assert many.usage.completion_tokens == 20
    streamed = list(
        sdk.completions.create(model="scripted", prompt="夜深了，", max_tokens=10, stream=True)
    )
    assert "夜深了，" + "".join(c.choices[0].text for c in streamed) == one.choices[0].text


def test_embeddings_in_both_encodings_are_the_same(served: Served) -> None:
    sdk = served.sdk()
    name = next(m.id for m in sdk.models.list() if m.model_extra["yanchi"]["kind"] == "embedding")  # type: ignore[index]
    texts = ["雨下了一夜。", "渡口只剩一条船。"]
    # Without an encoding the SDK asks for base64 and unpacks it.
    packed = sdk.embeddings.create(model=name, input=texts)
    plain = sdk.embeddings.create(model=name, input=texts, encoding_format="float")
    for one, other in zip(packed.data, plain.data, strict=True):
        assert np.allclose(one.embedding, other.embedding)
        assert np.isclose(np.linalg.norm(one.embedding), 1, atol=1e-5)
    assert packed.usage.prompt_tokens == sum(map(len, texts))
    raw = served.ok(
        "POST", "/v1/embeddings",
        json={"model": name, "input": "雨", "encoding_format": "base64"},
    )  # fmt: skip
    import base64

    bytes_ = base64.b64decode(raw["data"][0]["embedding"])
    assert len(struct.unpack(f"<{len(bytes_) // 4}f", bytes_)) == len(packed.data[0].embedding)


def test_models_have_the_base_personas_and_works_by_title_and_in_ascii(served: Served) -> None:
    work, _ = served.book("红楼后梦")
    served.ok("POST", "/api/personas", json={"name": "阿檀", "slug": "atan"})
    sdk = served.sdk()
    ids = [model.id for model in sdk.models.list()]
    assert ids == ["scripted", "persona/atan", "work/红楼后梦", f"work/{work}", ids[-1]]
    assert len(set(ids)) == len(ids)
    for id in ids:
        assert sdk.models.retrieve(id).id == id
    with pytest.raises(openai.NotFoundError) as caught:
        sdk.models.retrieve("work/没有")
    assert caught.value.code == "model_not_found"


def test_every_answer_has_an_id_and_tells_its_limits(served: Served) -> None:
    raw = served.sdk().chat.completions.with_raw_response.create(
        model="scripted", messages=SAY, max_tokens=5, extra_headers={"X-Request-Id": "mine-1"}
    )
    assert raw.headers["x-request-id"] == "mine-1"
    assert int(raw.headers["x-ratelimit-remaining-requests"]) < int(
        raw.headers["x-ratelimit-limit-requests"]
    )
    assert raw.headers["x-ratelimit-reset-tokens"].endswith("s")
    assert served.http.get("/v1/nowhere").headers["x-request-id"].startswith("req_")
