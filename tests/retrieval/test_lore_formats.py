"""Lorebooks of other tools, read and written again."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.lore.formats import UnknownLorebook, read_lore, write_lore
from retrieval.lore.types import Logic, Placement

TAVERN = {
    "name": "江湖",
    "originalData": {"x": 1},
    "entries": {
        "7": {
            "uid": 7, "key": ["砚台", "/墨+/i"], "keysecondary": ["缺角"], "comment": "缺角砚台",
            "content": "右上角缺了一块。", "constant": False, "vectorized": False,
            "selective": True, "selectiveLogic": 3, "addMemo": True, "order": 80, "position": 4,
            "depth": 2, "role": 1, "disable": False, "excludeRecursion": True,
            "preventRecursion": False, "delayUntilRecursion": True, "probability": 40,
            "useProbability": True, "group": "物件", "groupOverride": True, "groupWeight": 30,
            "scanDepth": 3, "caseSensitive": None, "matchWholeWords": None,
            "useGroupScoring": None, "automationId": "auto", "sticky": 3, "cooldown": 2,
            "delay": None, "displayIndex": 1,
        },
        "2": {
            "uid": 2, "key": ["渡口"], "keysecondary": ["夜"], "selective": False, "comment": "",
            "content": "水大不渡。", "constant": True, "selectiveLogic": 0, "order": 100,
            "position": 2, "disable": True, "probability": 10, "useProbability": False,
            "scanDepth": None, "displayIndex": 0,
        },
    },
}  # fmt: skip

CARD = {
    "spec": "chara_card_v2",
    "data": {
        "name": "某人",
        "character_book": {
            "name": "卡里的书", "scan_depth": 4, "token_budget": 300, "recursive_scanning": False,
            "extensions": {"foo": 1},
            "entries": [
                {
                    "keys": ["罗嫂"], "content": "左腿短一截。", "enabled": True,
                    "insertion_order": 5, "priority": 10, "name": "罗嫂", "id": 3,
                    "selective": True, "secondary_keys": ["豆腐"], "constant": False,
                    "position": "before_char", "case_sensitive": True,
                    "extensions": {"selectiveLogic": 2, "sticky": 1, "vectorized": True},
                },
                {"keys": ["a+b"], "use_regex": True, "content": "式", "enabled": False,
                 "insertion_order": 1, "extensions": {"position": 4, "depth": 9, "role": 2}},
            ],
        },
    },
}  # fmt: skip


def as_bytes(told: Any) -> bytes:
    return json.dumps(told, ensure_ascii=False).encode()


def test_a_world_info_file_is_read() -> None:
    file = read_lore(as_bytes(TAVERN))
    ferry, inkstone = file.entries
    assert file.book["name"] == "江湖"
    assert {k: v for k, v in inkstone.items() if k != "extra"} == {
        "keys": ["砚台", "/墨+/i"], "secondary_keys": ["缺角"], "name": "缺角砚台",
        "content": "右上角缺了一块。", "constant": False, "enabled": True, "logic": "and_all",
        "order": 80, "priority": 80, "placement": "depth", "depth": 2, "role": "user",
        "probability": 40, "exclude_recursion": True, "prevent_recursion": False,
        "delay_until_recursion": 1, "group": "物件", "group_override": True, "group_weight": 30,
        "scan_depth": 2, "case_sensitive": False, "whole_words": False, "sticky": 3,
        "cooldown": 2, "delay": 0,
    }  # fmt: skip
    assert (ferry["enabled"], ferry["constant"], ferry["probability"]) == (False, True, 100)
    assert ferry["secondary_keys"] == [], "they are not selective, so they do not count"
    assert ferry["placement"] == "lore"


def test_a_cards_book_is_read() -> None:
    file = read_lore(as_bytes(CARD))
    first, second = file.entries
    assert (file.book["scan_depth"], file.book["token_budget"], file.book["recursive"]) == (
        3, 300, False
    )  # fmt: skip
    assert (first["order"], first["priority"], first["placement"]) == (5, 10, "before")
    assert (first["logic"], first["case_sensitive"], first["sticky"]) == ("not_any", True, 1)
    assert second["keys"] == ["/a+b/"]
    assert (second["placement"], second["depth"], second["role"]) == ("depth", 9, "assistant")
    assert second["enabled"] is False


def test_a_round_trip_loses_nothing() -> None:
    file = read_lore(as_bytes(TAVERN))
    assert write_lore("world_info", file.book, file.entries) == TAVERN
    file = read_lore(as_bytes(CARD))
    told = write_lore("character_book", file.book, file.entries)
    wanted = CARD["data"]["character_book"]  # type: ignore[index]
    first, second = told["data"].pop("entries")
    assert told["data"] == {k: v for k, v in wanted.items() if k != "entries"}
    assert first == wanted["entries"][0] | {"use_regex": False}
    assert second == wanted["entries"][1] | {"id": 1}


def test_what_the_author_changed_is_written_and_the_rest_is_left() -> None:
    file = read_lore(as_bytes(TAVERN))
    file.entries[1] |= {"sticky": 9, "secondary_keys": [], "placement": "after"}
    told = write_lore("world_info", file.book, file.entries)["entries"]["7"]
    assert (told["sticky"], told["selective"], told["position"]) == (9, False, 1)
    assert (told["automationId"], told["caseSensitive"], told["scanDepth"]) == ("auto", None, 3)


@pytest.mark.parametrize(
    "told",
    [b"", b"\xff\xfe", b"[1]", b"{}", b'{"entries": 3}', b"null", b"[" * 100_000,
     as_bytes({"entries": {}})[:-1] + b', "x": ' + b"[" * 60 + b"]" * 60 + b"}",
     as_bytes({"lorebookVersion": 5, "entries": [3]}), as_bytes({"entries": [{"name": "a"}]})],
)  # fmt: skip
def test_another_file_is_refused(told: bytes) -> None:
    with pytest.raises(UnknownLorebook) as refused:
        read_lore(told)
    assert refused.value.message.endswith("。")


def test_what_no_database_takes_is_cleaned() -> None:
    told = b'{"entries": {"0": {"key": ["a\\u0000b"], "content": "\\ud800x", "odd": NaN}}}'
    (entry,) = read_lore(told).entries
    assert (entry["keys"], entry["content"]) == (["ab"], "?x")
    assert entry["extra"]["world_info"]["odd"] is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)
names = st.sampled_from([*TAVERN["entries"]["7"], *CARD["data"]["character_book"]["entries"][0]])  # type: ignore[index]
wild = st.dictionaries(names, json_values, max_size=8)


@settings(max_examples=80, deadline=None)
@given(st.lists(wild, max_size=3), st.booleans())
def test_wild_values_become_columns_within_bounds(rows: list[Any], tavern: bool) -> None:
    rows = [
        {k: v for k, v in row.items() if k != "text"} | {"keys": row.get("keys")} for row in rows
    ]
    entries: Any = {str(n): row for n, row in enumerate(rows)} if tavern else rows
    file = read_lore(as_bytes({"entries": entries}))
    assert {"recursive", "scan_depth", "token_budget", "max_recursion"} <= file.book.keys()
    assert len(file.entries) == len(rows)
    for entry in file.entries:
        assert Logic(entry["logic"])
        assert Placement(entry["placement"])
        assert 0 <= entry["probability"] <= 100
        assert 0 <= entry["delay_until_recursion"] <= 20
        assert all(isinstance(k, str) and k for k in entry["keys"])
        assert isinstance(entry["priority"], int)
    for form in ("world_info", "character_book", "novelai"):
        again = read_lore(as_bytes(write_lore(form, file.book, file.entries)))  # type: ignore[arg-type]
        assert [{k: v for k, v in e.items() if k != "extra"} for e in again.entries] == [
            {k: v for k, v in e.items() if k != "extra"} for e in file.entries
        ]
