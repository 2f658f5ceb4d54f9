"""A data set's folder: whole or absent, known by its content, read a line at a time."""

import json
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.data.item_samples import items_of_a_kind
from training.data import store
from training.data.items import item_from_json, item_to_json
from training.errors import BadInput
from training.types import Chat, Item, Origin, Preference, Refusal, Text, Turn

MADE = store.made_by("data import", paths=["甲.json"])


def chat(question: str, answer: str, **fields: object) -> Chat:
    return Chat((Turn("user", question), Turn("assistant", answer)), **fields)  # type: ignore[arg-type]


@settings(deadline=None, max_examples=200)
@given(items_of_a_kind())
def test_every_item_survives_its_line(items: list[Item]) -> None:
    for item in items:
        line = json.dumps(item_to_json(item), ensure_ascii=False)
        assert item_from_json(json.loads(line)) == item


@settings(deadline=None, max_examples=30)
@given(items_of_a_kind(), st.data())
def test_a_set_comes_back_as_it_was_saved(
    tmp_path_factory: pytest.TempPathFactory, items: list[Item], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(1, len(items)))
    folder = tmp_path_factory.mktemp("sets") / "甲"
    card = store.save(folder, iter(items[:cut]), items[cut:], name="甲", made=MADE)
    again = store.load(folder)
    assert (list(again.train), list(again.held_out)) == (items[:cut], items[cut:])
    assert again.card == card
    assert again.digest == card.digest
    assert (card.rows, card.held_out_rows) == (cut, len(items) - cut)
    copy = pickle.loads(pickle.dumps(again.train))
    assert copy[-1] == items[cut - 1]
    assert copy[0:cut] == items[:cut]


def test_the_digest_is_the_items_and_nothing_else(tmp_path: Path) -> None:
    first = store.save(tmp_path / "a", [chat("问", "答")], name="a", made=MADE)
    same = store.save(tmp_path / "b", [chat("问", "答")], name="b", made={"command": "别的"})
    other = store.save(tmp_path / "c", [], [chat("问", "答")], name="c", made=MADE)
    assert first.digest == same.digest != other.digest
    with (tmp_path / "a" / "train.jsonl").open("a") as file:
        file.write('{"text": "后来加的"}\n')
    assert store.load(tmp_path / "a").digest != first.digest


def test_what_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    def breaking() -> Iterator[Item]:
        yield chat("问", "答")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="space"):
        store.save(tmp_path / "a", breaking(), name="a", made=MADE)
    assert list(tmp_path.iterdir()) == []


def test_a_set_is_replaced_only_when_that_is_wanted(tmp_path: Path) -> None:
    store.save(tmp_path / "a", [Text("旧")], name="a", made=MADE)
    with pytest.raises(BadInput, match="已经存在"):
        store.save(tmp_path / "a", [Text("新")], name="a", made=MADE)
    store.save(tmp_path / "a", [Text("新")], name="a", made=MADE, replace_old=True)
    assert list(store.load(tmp_path / "a").train) == [Text("新")]
    assert [p.name for p in tmp_path.iterdir()] == ["a"]
    (tmp_path / "b").mkdir()
    with pytest.raises(BadInput, match="不是数据集"):
        store.save(tmp_path / "b", [Text("新")], name="b", made=MADE, replace_old=True)


@pytest.mark.parametrize(
    ("item", "field", "reason"),
    [
        (chat("问", " \n"), "messages[1].content", "空"),
        (Chat((Turn("user", "问"),)), "messages", "没有一轮"),
        (Chat((Turn("user", "问"), Turn("system", "你是"), Turn("assistant", "答"))),
         "messages[1].role", "最前"),
        (Chat(()), "messages", "一轮"),
        (Text("\n"), "text", "空"),
        (Preference((Turn("user", "问"),), None, None), "chosen", "一个也没有"),
        (Preference((Turn("user", "问"),), "甲", "甲"), "rejected", "一模一样"),
        (chat("问", "答", weight=float("nan")), "weight", "不小于"),
    ],
)  # fmt: skip
def test_what_cannot_be_learned_is_not_kept(
    tmp_path: Path, item: Item, field: str, reason: str
) -> None:
    good = {Chat: chat("问", "答"), Text: Text("好"), Preference: Preference((), "甲", "乙")}
    good[Preference] = Preference((Turn("user", "问"),), "甲", "乙")
    with pytest.raises(BadInput, match=reason) as told:
        store.save(tmp_path / "a", [good[type(item)], item], name="a", made=MADE)
    assert (told.value.row, told.value.field) == (2, field)
    assert not (tmp_path / "a").exists()


def test_kinds_do_not_mix_and_nothing_is_no_set(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="不能放在一个"):
        store.save(tmp_path / "a", [Text("文"), chat("问", "答")], name="a", made=MADE)
    refused = [Refusal("甲.json", 3, "output", "回答是空的")]
    with pytest.raises(BadInput, match=r"甲\.json.*第 3 条.*output.*回答是空的"):
        store.save(tmp_path / "a", [], name="a", made=MADE, refusals=refused)


def test_a_damaged_line_says_where(tmp_path: Path) -> None:
    store.save(tmp_path / "a", [Text("一"), Text("二")], name="a", made=MADE)
    path = tmp_path / "a" / "train.jsonl"
    path.write_bytes(path.read_bytes().replace('{"text": "二"}'.encode(), b'{"text": 2}'))
    train = store.load(tmp_path / "a").train
    assert train[0] == Text("一")
    with pytest.raises(BadInput) as told:
        train[1]
    assert (told.value.file, told.value.row, told.value.field) == ("train.jsonl", 2, "text")


def test_the_card_says_more_later_and_stays_the_same_set(tmp_path: Path) -> None:
    card = store.save(tmp_path / "a", [Text("一")], name="a", made=MADE)
    more = store.update_card(tmp_path / "a", audit={"clean": True})
    assert more.audit == {"clean": True}
    assert (more.digest, more.created) == (card.digest, card.created)
    assert store.load(tmp_path / "a").card == more


def test_names_and_paths(tmp_path: Path) -> None:
    folder = store.new_folder("红楼", tmp_path)
    assert folder == tmp_path / "datasets" / "红楼"
    store.save(folder, [Text("一")], name="红楼", made=MADE)
    assert store.find("红楼", tmp_path) == folder
    assert store.find(folder, tmp_path / "别处") == folder
    with pytest.raises(BadInput, match="没有数据集“白楼”"):
        store.find("白楼", tmp_path)
    with pytest.raises(BadInput, match="不能作"):
        store.new_folder("..", tmp_path)


def test_a_card_of_another_format_is_refused(tmp_path: Path) -> None:
    store.save(tmp_path / "a", [Text("一")], name="a", made=MADE)
    card = tmp_path / "a" / "dataset.json"
    card.write_text(card.read_text("utf-8").replace('"format": 1', '"format": 9'), "utf-8")
    with pytest.raises(BadInput, match="第 9 版"):
        store.load(tmp_path / "a")
    card.write_text("[]", "utf-8")
    with pytest.raises(BadInput, match="卡片坏了"):
        store.load(tmp_path / "a")


def test_statistics_are_on_the_card(tmp_path: Path) -> None:
    items = [chat("问", "答" * 40), chat("再问", "答", origin=Origin(work="甲"))]
    told = store.save(tmp_path / "a", items, name="a", made=MADE).statistics["train"]
    assert (told["rows"], told["turns"], told["characters"]) == (2, 4, 44)
    assert told["roles"] == {"user": 2, "assistant": 2}
    assert told["learned_characters"] == 41
    assert told["longest"] == {"row": 1, "characters": 41, "preview": "问"}
    assert sum(told["histogram"]["counts"]) == 2
    assert told["works"] == [{"work": "甲", "rows": 1}]
