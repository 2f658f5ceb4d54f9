"""Personas and works through the protocol: what they bring along, and what is told of it."""

from typing import Any

import openai
import pytest

from tests.server.v1.conftest import SYSTEM, Served

CARD = {
    "name": "阿檀", "slug": "atan", "description": "{{char}}是看门的老人，认得{{user}}。",
    "examples": ["门是门，锁是锁。"],
}  # fmt: skip


def ask(
    served: Served, model: str, *messages: tuple[str, str], yanchi: Any = None, **how: Any
) -> Any:
    said = [{"role": role, "content": text} for role, text in messages]
    extra = {"yanchi": yanchi} if yanchi else None
    return served.sdk().chat.completions.create(
        model=model, messages=said, extra_body=extra, **{"max_tokens": 30, **how}
    )


def sent(served: Served) -> str:
    """All that the engine was given last."""
    return "\n".join(m.content for m in served.engine.requests[-1].messages)


def test_a_persona_brings_the_card_and_the_conversation(served: Served) -> None:
    served.ok("POST", "/api/personas", json=CARD)
    answer = ask(
        served, "persona/atan", ("system", SYSTEM), ("user", "谁在门口？"), ("assistant", "我。"),
        ("user", "开门。"), yanchi={"user": "小顾"},
    )  # fmt: skip
    told = sent(served)
    for words in (
        "阿檀是看门的老人，认得小顾。",
        "门是门，锁是锁。",
        "谁在门口？",
        "开门。",
        SYSTEM,
    ):
        assert words in told
    assert answer.model == "persona/atan"
    kept = {item["id"]: item for item in answer.yanchi["kept"]}
    assert kept["card:description"]["reason"]
    assert "messages" not in answer.yanchi
    assert "\n小顾：" in served.engine.requests[-1].sampling.stop


def test_the_page_s_talk_and_the_api_send_the_same_prompt(served: Served) -> None:
    persona = served.ok("POST", "/api/personas", json=CARD)
    talk = served.ok(
        "POST", "/api/conversations", json={"persona_id": persona["id"], "user_name": "小顾"}
    )
    with served.http.stream(
        "POST", f"/api/conversations/{talk['id']}/messages", json={"text": "谁在门口？"}
    ) as page:
        page.read()
    ask(served, "persona/atan", ("user", "谁在门口？"), yanchi={"user": "小顾"})
    by_page, by_api = served.engine.requests
    assert by_page.messages == by_api.messages
    assert by_page.sampling == by_api.sampling


def test_a_stream_s_first_chunk_tells_of_the_prompt_and_only_it(served: Served) -> None:
    served.ok("POST", "/api/personas", json=CARD)
    chunks = list(ask(served, "persona/atan", ("user", "在吗？"), stream=True))
    assert [c.model_extra.get("yanchi") is not None for c in chunks] == [True] + [False] * (
        len(chunks) - 1
    )
    assert {c.model for c in chunks} == {"persona/atan"}
    assert "".join(c.choices[0].delta.content or "" for c in chunks)


def test_an_answer_does_not_begin_with_the_persona_s_own_name(served: Served) -> None:
    from server.engines.scripted import Text

    served.ok("POST", "/api/personas", json=CARD)
    for stream in (False, True):
        served.engine._script = iter([Text("阿檀：夜里不开门。")])
        answer = ask(served, "persona/atan", ("user", "开门。"), stream=stream)
        text = (
            "".join(c.choices[0].delta.content or "" for c in answer)
            if stream
            else answer.choices[0].message.content
        )
        assert text == "夜里不开门。"


def test_a_work_is_gone_on_with_as_the_desk_would(served: Served) -> None:
    work, chapters = served.book("渡口记")
    answer = ask(
        served, "work/渡口记", ("user", "老周头站起来。"), yanchi={"prompt": True, "length": 200}
    )
    page = served.ok(
        "POST", f"/api/works/{work}/chapters/{chapters[-1]}/context",
        json={"beat": "老周头站起来。", "length": 200},
    )  # fmt: skip
    assert answer.yanchi["messages"] == page["messages"]
    assert answer.yanchi["messages"][-1]["content"].endswith(
        "渡口的船只剩一条。老周头蹲在船头抽烟，说水大，不渡。"
    )
    assert sent(served).count("老周头站起来。") == 1


def test_what_the_assistant_wrote_stands_behind_the_place(served: Served) -> None:
    work, chapters = served.book()
    ask(
        served, f"work/{work}", ("user", "续写。"), ("assistant", "沈砚终于推门进去。"),
        ("user", "陆眠开口。"), yanchi={"position": {"chapter": chapters[0]}},
    )  # fmt: skip
    tail = served.engine.requests[-1].messages[-1]
    assert tail.role == "assistant"
    assert tail.content.endswith("陆眠在等他。沈砚终于推门进去。")
    assert "老周头" not in sent(served), "a later chapter is the future there"


def test_retrieval_can_be_left_out(served: Served) -> None:
    work, chapters = served.book()

    def found(retrieval: bool) -> bool:
        wish = {"position": {"chapter": chapters[-1]}, "retrieval": retrieval}
        told = ask(served, f"work/{work}", ("user", "砚台里的墨干了"), yanchi=wish).yanchi
        return any(i["id"].startswith("passage:") for i in told["kept"] + told["dropped"])

    assert found(True)
    assert not found(False)


LONG = [
    (role, f"第{n}句：" + "风声雨声读书声" * 40)
    for n in range(40)
    for role in ("user", "assistant")
]


def test_a_persona_sums_up_the_oldest_turns_or_refuses_as_asked(served: Served) -> None:
    served.ok("POST", "/api/personas", json=CARD)
    answer = ask(served, "persona/atan", *LONG, ("user", "最后一句。"))
    assert "最后一句。" in sent(served)
    system, *said = (m.content for m in served.engine.requests[-1].messages)
    assert "第0句" in system.partition("【更早说过的】")[2]
    assert not any("第0句" in text for text in said)
    assert any(item["id"].startswith("turn:") for item in answer.yanchi["dropped"])
    with pytest.raises(openai.BadRequestError) as caught:
        ask(served, "persona/atan", *LONG, ("user", "最后一句。"), yanchi={"overflow": "refuse"})
    assert caught.value.code == "context_length_exceeded"


def test_so_does_a_plain_model(served: Served) -> None:
    messages = (("system", SYSTEM), *LONG, ("user", "最后一句。"))
    with pytest.raises(openai.BadRequestError) as caught:
        ask(served, "scripted", *messages)
    assert caught.value.code == "context_length_exceeded"
    with pytest.raises(openai.BadRequestError):
        ask(served, "scripted", *messages, yanchi={"overflow": "refuse"})
    answer = ask(served, "scripted", *messages, yanchi={"overflow": "drop"})
    assert answer.yanchi["dropped_turns"] > 0
    assert sent(served).startswith(SYSTEM)
    assert sent(served).endswith("最后一句。")
    assert "第0句" not in sent(served)


def test_what_is_chosen_wins_over_the_desk_s_defaults(served: Served) -> None:
    served.ok("POST", "/api/personas", json=CARD)
    ask(
        served, "persona/atan", ("user", "在吗？"), temperature=0.1, n=2, stop=["门"], seed=9,
        max_tokens=17,
    )  # fmt: skip
    request = served.engine.requests[-1]
    sampling = request.sampling
    assert (sampling.temperature, sampling.seed, request.candidates) == (0.1, 9, 2)
    assert request.max_tokens == 17
    assert "门" in sampling.stop
    assert "\n我：" in sampling.stop
