"""Every format loses nothing on the way out and in; what is broken says where."""

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.training.data.item_samples import chats, preferences, texts
from training.data.formats.alpaca import read_alpaca
from training.data.formats.layout import ALPACA, layout_with
from training.data.formats.rows import FormatName, read_row, write_row
from training.errors import BadInput
from training.types import Chat, Item, Origin, Preference, Text, Turn

HERE = Origin("甲.json", "第 1 条")


def through_json(row: dict[str, Any]) -> Any:
    return json.loads(json.dumps(row, ensure_ascii=False))


def chat(*said: str, system: str = "", **fields: Any) -> Chat:
    roles = ("user", "assistant") * len(said)
    turns = tuple(Turn(role, text) for role, text in zip(roles, said, strict=False))  # type: ignore[arg-type]
    return Chat((*((Turn("system", system),) if system else ()), *turns), **fields)


@settings(deadline=None, max_examples=150)
@given(
    st.sampled_from(["alpaca", "sharegpt", "openai"]),
    chats() | preferences(),
    st.booleans(),
    st.booleans(),
)
@example("alpaca", chat("A\nB", "答", extra={"instruction": "A"}), True, False)
@example("alpaca", chat("A\n", "答", extra={"instruction": "A"}), True, False)
@example("alpaca", chat("只有输入", "答", extra={"instruction": ""}), True, True)
@example("sharegpt", chat("问", "答", extra={"yanchi": {"origin": 3}}), True, False)
@example("openai", chat("问", "答", extra={"origin": {"source": "别处"}}), True, False)
def test_conversations_survive_every_format(
    form: FormatName, item: Item, apart: bool, uniform: bool
) -> None:
    row = through_json(write_row(item, form, apart=apart, uniform=uniform))
    back = read_row(row, Origin())
    assert back == item


@settings(deadline=None, max_examples=50)
@given(texts, st.booleans())
def test_texts_survive(item: Text, uniform: bool) -> None:
    assert read_row(through_json(write_row(item, "text", uniform=uniform)), Origin()) == item


@settings(deadline=None, max_examples=50)
@given(st.lists(chats(), min_size=2, max_size=4), st.data())
def test_uniform_rows_have_the_same_columns(items: list[Chat], data: st.DataObject) -> None:
    form: FormatName = data.draw(st.sampled_from(["alpaca", "sharegpt"]))
    rows = [write_row(item, form, uniform=True) for item in items]
    for row in rows:
        assert {k: type(v) for k, v in row.items()} == {k: type(v) for k, v in rows[0].items()}


CALL = {"type": "function", "function": {"name": "查历", "arguments": {"日": "霜降"}}}
WITH_TOOLS = Chat(
    (
        Turn("user", "霜降是哪天？"),
        Turn("assistant", "", extra={"tool_calls": [CALL]}),
        Turn("tool", '{"日期": "10-23"}'),
        Turn("assistant", "十月二十三。"),
    ),
    tools='[{"name": "查历"}]',
)


@pytest.mark.parametrize("form", ["sharegpt", "openai"])
def test_calls_of_tools_survive(form: FormatName) -> None:
    row = through_json(write_row(WITH_TOOLS, form))
    assert read_row(row, Origin()) == WITH_TOOLS
    with_id = Turn("assistant", "", extra={"tool_calls": [{**CALL, "id": "c1"}]})
    item = Chat((WITH_TOOLS.turns[0], with_id, *WITH_TOOLS.turns[2:]))
    assert read_row(through_json(write_row(item, form)), Origin()) == item


def test_sharegpt_function_calls_as_llama_factory_writes_them() -> None:
    row = {
        "conversations": [
            {"from": "human", "value": "霜降是哪天？"},
            {"from": "function_call", "value": '{"name": "查历", "arguments": {"日": "霜降"}}'},
            {"from": "observation", "value": '{"日期": "10-23"}'},
            {"from": "gpt", "value": "十月二十三。"},
        ],
        "tools": '[{"name": "查历"}]',
    }
    assert read_row(row, Origin()) == WITH_TOOLS


def test_alpaca_with_every_field() -> None:
    row = {
        "instruction": "以甄嬛的口吻回答。", "input": "你是谁？", "output": "臣妾甄嬛。",
        "system": "你在演一出戏。", "history": [["皇上来了么？", "还没有。"]], "id": 7,
        "来源": {"集": 3},
    }  # fmt: skip
    item = read_row(row, HERE)
    assert item == Chat(
        (
            Turn("system", "你在演一出戏。"),
            Turn("user", "皇上来了么？"),
            Turn("assistant", "还没有。"),
            Turn("user", "以甄嬛的口吻回答。\n你是谁？"),
            Turn("assistant", "臣妾甄嬛。"),
        ),
        HERE,
        extra={"id": 7, "来源": {"集": 3}, "instruction": "以甄嬛的口吻回答。"},
    )
    back = write_row(item, "alpaca")
    assert back.pop("yanchi") == {"origin": {"source": "甲.json", "place": "第 1 条"}}
    assert back == row
    joined = write_row(item, "alpaca", apart=False)
    assert (joined["instruction"], joined["input"]) == ("以甄嬛的口吻回答。\n你是谁？", "")
    assert read_row(joined, Origin()) == item


def test_alpaca_instruction_as_the_system_prompt() -> None:
    row = {"instruction": "你是专家。", "input": "写一段。", "output": "好。"}
    item = read_row(row, HERE, instruction="system")
    assert isinstance(item, Chat)
    assert [(t.role, t.text) for t in item.turns[:2]] == [
        ("system", "你是专家。"),
        ("user", "写一段。"),
    ]
    assert read_alpaca({"instruction": "只有指令", "output": "答"}, ALPACA, "system") == chat(
        "只有指令", "答"
    )


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"instruction": "问", "output": "甲", "kto_tag": True}, ("甲", None)),
        ({"instruction": "问", "output": "甲", "kto_tag": False}, (None, "甲")),
        ({"instruction": "问", "input": "", "chosen": "甲", "rejected": "乙"}, ("甲", "乙")),
        ({"conversations": [{"from": "human", "value": "问"}],
          "chosen": {"from": "gpt", "value": "甲"}, "rejected": {"from": "gpt", "value": "乙"}},
         ("甲", "乙")),
        ({"messages": [{"role": "user", "content": "问"}, {"role": "assistant", "content": "甲"}],
          "kto_tag": False}, (None, "甲")),
        ({"messages": [{"role": "user", "content": "问"}],
          "chosen": {"role": "assistant", "content": "甲"}, "rejected": "乙"}, ("甲", "乙")),
    ],
)  # fmt: skip
def test_preferences_in_the_forms_of_llama_factory(
    row: Any, expected: tuple[str | None, str | None]
) -> None:
    item = read_row(row, Origin())
    assert isinstance(item, Preference)
    assert (item.chosen, item.rejected) == expected
    assert item.turns == (Turn("user", "问"),)


def test_openai_answers_that_are_read_over() -> None:
    row = {
        "messages": [
            {"role": "developer", "content": "你是说书人。"},
            {"role": "user", "content": [{"type": "text", "text": "开讲"}]},
            {"role": "assistant", "content": "话说", "weight": 0},
            {"role": "user", "content": "接着", "name": "看官"},
            {"role": "assistant", "content": "却说", "weight": 1, "refusal": None},
        ]
    }
    item = read_row(row, Origin())
    assert isinstance(item, Chat)
    assert [t.learned for t in item.turns] == [None, None, False, None, True]
    assert item.turns[3].extra == {"name": "看官"}
    assert [t.text for t in item.turns][:2] == ["你是说书人。", "开讲"]
    assert [m.get("weight") for m in write_row(item, "openai")["messages"]] == [
        None, None, 0, None, 1,
    ]  # fmt: skip


def test_a_line_of_our_own_is_taken_as_it_is() -> None:
    row = {"messages": [{"role": "user", "content": "问"}, {"role": "user", "content": "再问"},
                        {"role": "assistant", "content": "答", "learned": True}],
           "origin": {"source": "剧本", "work": "甲"}, "weight": 0.5}  # fmt: skip
    item = read_row(row, HERE)
    assert isinstance(item, Chat)
    assert (item.origin, item.weight, len(item.turns)) == (Origin("剧本", work="甲"), 0.5, 3)


def turns(*said: tuple[str, str]) -> dict[str, Any]:
    return {"conversations": [{"from": who, "value": text} for who, text in said]}


@pytest.mark.parametrize(
    ("row", "field", "reason"),
    [
        ({"instruction": "问", "output": ""}, "output", "是空的"),
        ({"instruction": "问", "output": " \n"}, "output", "是空的"),
        ({"instruction": "问"}, "output", "缺这一项"),
        ({"instruction": "问", "input": "甲", "output": None}, "output", "是空的"),
        ({"instruction": "问", "output": 42}, "output", "应是文字，却是 数字"),
        ({"instruction": " ", "output": "答"}, "instruction", "是空的"),
        ({"instruction": ["问"], "output": "答"}, "instruction", "应是文字，却是 列表"),
        ({"instruction": "问", "output": "答", "history": [["只有问"]]}, "history[0]", "[问, 答]"),
        ({"instruction": "问", "output": "答", "history": [["问", 3]]}, "history[0]", "应是文字"),
        ({"instruction": "问", "output": "答", "history": "无"}, "history", "列表"),
        ({"instruction": "问", "output": "答", "tools": "{"}, "tools", "JSON"),
        ({"instruction": "问", "output": "答", "kto_tag": "好"}, "kto_tag", "true 或 false"),
        ({"instruction": "问", "input": "", "chosen": "甲", "rejected": "甲"}, "rejected", "一模"),
        (turns(("human", "问"), ("human", "再问"), ("gpt", "答")), "conversations[1].from",
         "第 2 轮是 user，不能在 user 之后"),
        (turns(("gpt", "答"), ("human", "问")), "conversations[0].from", "不能在最前面"),
        (turns(("human", "问"), ("system", "你是"), ("gpt", "答")), "conversations[1].from",
         "system"),
        (turns(("human", "问")), "conversations[0]", "最后一轮应是回答"),
        (turns(("旁白", "问"), ("gpt", "答")), "conversations[0].from", "不认识角色“旁白”"),
        (turns(("human", "问"), ("gpt", "  ")), "conversations[1].value", "回答是空的"),
        (turns(("system", "甲"), ("human", "问"), ("gpt", "")), "conversations[2].value", "空的"),
        (turns(("system", ""), ("human", "问"), ("gpt", "")), "conversations[2].value", "空的"),
        (turns(("human", "问"), ("function_call", "查历"), ("gpt", "答")),
         "conversations[1].value", "name"),
        ({"conversations": []}, "conversations", "至少一轮"),
        ({"conversations": ["问"]}, "conversations[0]", "对象"),
        ({"conversations": [{"from": "human", "value": 3}]}, "conversations[0].value", "文字"),
        ({**turns(("system", "甲"), ("human", "问"), ("gpt", "答")), "system": "乙"}, "system",
         "写了两份"),
        ({"messages": [{"role": "user", "content": "问"},
                       {"role": "assistant", "content": None}]}, "messages[1].content", "文字"),
        ({**turns(("human", "问")), "chosen": {"from": "human", "value": "甲"},
          "rejected": {"from": "gpt", "value": "乙"}}, "chosen.from", "应是一个回答"),
        ({"text": "\n"}, "text", "空的"),
        ({"text": 3}, "text", "文字"),
        ({"question": "问", "answer": "答"}, "", "question、answer"),
        (17, "", "不是 JSON 对象"),
    ],
)  # fmt: skip
def test_what_is_broken_says_where(row: Any, field: str, reason: str) -> None:
    with pytest.raises(BadInput) as told:
        read_row(row, HERE)
    assert told.value.field == field
    assert reason in str(told.value)


def test_other_names_of_columns_and_tags() -> None:
    layout = layout_with(None, {"prompt": "问题", "response": "回答"})
    assert read_row({"问题": "甲", "回答": "乙", "id": 1}, Origin(), layout) == chat(
        "甲", "乙", extra={"id": 1}
    )
    spoken = layout_with(None, {"messages": "对话", "role_tag": "谁", "content_tag": "说"})
    row = {"对话": [{"谁": "user", "说": "甲"}, {"谁": "assistant", "说": "乙"}]}
    assert read_row(row, Origin(), spoken) == chat("甲", "乙")
    with pytest.raises(BadInput, match="没有“问”这种列"):
        layout_with(None, {"问": "甲"})


def test_what_a_format_cannot_say_is_refused() -> None:
    calls = write_row(WITH_TOOLS, "openai")
    assert calls["messages"][1]["tool_calls"] == [CALL]
    for form, item in (
        ("alpaca", WITH_TOOLS),
        ("sharegpt", Chat((Turn("user", "一"), Turn("user", "二"), Turn("assistant", "答")))),
        ("text", chat("问", "答")),
        ("alpaca", Text("文")),
        (
            "alpaca",
            Chat((Turn("assistant", "先开口"), Turn("user", "二"), Turn("assistant", "答"))),
        ),
    ):
        with pytest.raises(BadInput):
            write_row(item, form)  # type: ignore[arg-type]
