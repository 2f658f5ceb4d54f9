"""LLaMA-Factory's dataset_info.json: its entries are read as its loader reads them, and what we
write has the columns and the types that the loader needs."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from training.data import store
from training.data.dataset_info import Entry, entry_of, export_set, read_info, sampled
from training.data.reading import Options, Reading
from training.errors import BadInput
from training.types import Chat, Item, Origin, Preference, Text, Turn


def chat(*said: str, **fields: Any) -> Chat:
    roles = ("user", "assistant") * len(said)
    return Chat(tuple(Turn(r, s) for r, s in zip(roles, said, strict=False)), **fields)  # type: ignore[arg-type]


def kept(folder: Path, items: Sequence[Item], held_out: Sequence[Item] = ()) -> store.DataSet:
    store.save(folder, items, held_out, name=folder.name, made={})
    return store.load(folder)


def info(folder: Path, **entries: dict[str, Any]) -> Path:
    path = folder / "dataset_info.json"
    path.write_text(json.dumps(entries), "utf-8")
    return path


def rows(entry: Entry) -> list[Item]:
    reading = Reading(entry.files, Options(layout=entry.layout))
    items = list(reading)
    assert reading.refusals == []
    return items


def test_entries_are_read_as_the_loader_reads_them(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps([{"q": "问", "a": "答", "history": 3}]), "utf-8")
    (tmp_path / "b.json").write_text(json.dumps([{"talk": [{"r": "u", "c": "问"}, {"r": "b",
        "c": "答"}], "label": False}]), "utf-8")  # fmt: skip
    (tmp_path / "c.jsonl").write_text('{"raw": "正文"}\n', "utf-8")
    entries = read_info(info(
        tmp_path,
        named={"file_name": "a.json", "columns": {"prompt": "q", "response": "a"}},
        judged={
            "file_name": "b.json", "formatting": "sharegpt",
            "columns": {"messages": "talk", "kto_tag": "label"},
            "tags": {"role_tag": "r", "content_tag": "c", "user_tag": "u", "assistant_tag": "b"},
        },
        bare={"file_name": "c.jsonl", "columns": {"prompt": "raw"}},
    ))  # fmt: skip
    assert [entry.problem for entry in entries.values()] == ["", "", ""]
    assert rows(entries["named"]) == [
        chat("问", "答", origin=Origin("a.json", "第 1 条"), extra={"history": 3})
    ]
    (verdict,) = rows(entries["judged"])
    assert isinstance(verdict, Preference)
    assert (verdict.chosen, verdict.rejected) == (None, "答")
    assert rows(entries["bare"]) == [Text("正文", Origin("c.jsonl", "第 1 条"))]


def test_what_cannot_be_read_says_why(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[]", "utf-8")
    (tmp_path / "a.csv").write_text("q,a", "utf-8")
    sha1 = hashlib.sha1(b"[]").hexdigest()
    problems = {
        name: entry.problem
        for name, entry in read_info(info(
            tmp_path,
            good={"file_name": "a.json", "file_sha1": sha1.upper()},
            changed={"file_name": "a.json", "file_sha1": "0" * 40},
            online={"hf_hub_url": "甲/乙"},
            missing={"file_name": "b.json"},
            outside={"file_name": "../a.json"},
            table={"file_name": "a.csv"},
            other={"file_name": "a.json", "formatting": "vicuna"},
            few={"file_name": "a.json", "num_samples": 0},
            none={},
        )).items()
    }  # fmt: skip
    assert problems.pop("good") == ""
    assert "SHA-1" in problems.pop("changed")
    words = {"online": "下载", "missing": "没有文件", "outside": "目录之外", "table": ".csv",
             "other": "vicuna", "few": "正整数", "none": "file_name"}  # fmt: skip
    assert {name for name, word in words.items() if word in problems[name]} == set(problems)
    with pytest.raises(BadInput, match="SHA-1"):
        entry_of(tmp_path, "changed")
    with pytest.raises(BadInput, match="--entry"):
        entry_of(tmp_path, None)
    with pytest.raises(BadInput, match="没有“无”"):
        entry_of(tmp_path, "无")
    for text in ("[", "[1]", '{"a": 1}'):
        (tmp_path / "dataset_info.json").write_text(text, "utf-8")
        with pytest.raises(BadInput, match=r"dataset_info\.json"):
            read_info(tmp_path)


def test_samples_are_drawn_the_same_each_time() -> None:
    items = [Text(str(i)) for i in range(10)]
    assert sampled(items, 4, 1) == sampled(items, 4, 1) != sampled(items, 4, 2)
    assert len({item.text for item in sampled(items, 4, 1) if isinstance(item, Text)}) == 4
    more = [item.text for item in sampled(items, 25, 1) if isinstance(item, Text)]
    assert (len(more), len(set(more))) == (25, 10)
    assert sampled(items, None, 1) == items


MIXED = [
    *(chat(f"第{i}问", "答", extra={"id": [1, "a", None, {"k": 1}][i % 4]}) for i in range(40)),
    chat("一", "二", "三", "四", origin=Origin("书", work="甲"), weight=0.5),
    Chat((Turn("system", "你是"), Turn("user", "1"), Turn("assistant", "2")), tools="[]"),
]


@pytest.mark.parametrize("form", ["alpaca", "sharegpt"])
def test_what_is_written_has_columns_of_one_type_and_comes_back(tmp_path: Path, form: Any) -> None:
    from datasets import load_dataset

    dataset = kept(tmp_path / "set", MIXED, MIXED[:3])
    train, held_out = export_set(dataset, tmp_path / "lf", "我的", form)
    assert [train.name, held_out.name] == ["我的", "我的_held_out"]
    # Pieces of 500 bytes stand for the 10 MB that the loader looks at to know the types.
    table = load_dataset(
        "json", data_files=str(train.file), split="train", chunksize=500,
        cache_dir=str(tmp_path / "cache"),
    )  # fmt: skip
    assert len(table) == len(MIXED)
    assert table.features["yanchi"].dtype == "string"
    entry = entry_of(tmp_path / "lf", "我的")
    assert entry.sha1 == hashlib.sha1(train.file.read_bytes()).hexdigest()
    again = rows(entry)
    unplaced = [item if item.origin.source == "书" else chat_without_origin(item) for item in again]
    assert sorted(unplaced, key=repr) == sorted(MIXED, key=repr)


def chat_without_origin(item: Item) -> Item:
    assert isinstance(item, Chat)
    assert item.origin.source == "我的.jsonl"
    return Chat(item.turns, tools=item.tools, weight=item.weight, extra=item.extra)


def test_pairs_and_verdicts_go_apart_and_other_entries_stay(tmp_path: Path) -> None:
    pair = Preference((Turn("user", "问"),), "甲", "乙")
    good = Preference((Turn("user", "问"),), "甲", None)
    folder = tmp_path / "lf"
    folder.mkdir()
    info(folder, former={"file_name": "x.json", "anything": [1]})
    exported = export_set(kept(tmp_path / "set", [pair, good, pair]), folder, "偏好", "alpaca")
    assert [(each.name, each.written.rows) for each in exported] == [("偏好", 2), ("偏好_kto", 1)]
    raw = json.loads((folder / "dataset_info.json").read_text("ascii"))
    assert raw["former"] == {"file_name": "x.json", "anything": [1]}
    assert raw["偏好"]["ranking"] is True
    assert raw["偏好_kto"]["columns"]["kto_tag"] == "kto_tag"
    (back,) = rows(entry_of(folder, "偏好_kto"))
    assert isinstance(back, Preference)
    assert (back.chosen, back.rejected) == ("甲", None)


def test_texts_and_names(tmp_path: Path) -> None:
    dataset = kept(tmp_path / "set", [Text("一\n二", Origin("书"))])
    export_set(dataset, tmp_path / "lf", "书")
    assert rows(entry_of(tmp_path / "lf", "书")) == [Text("一\n二", Origin("书"))]
    with pytest.raises(BadInput, match="逗号"):
        export_set(dataset, tmp_path / "lf", "甲,乙")
    with pytest.raises(BadInput, match="openai"):
        export_set(dataset, tmp_path / "lf", "甲", "openai")
