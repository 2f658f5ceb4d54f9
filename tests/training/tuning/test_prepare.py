"""From data sets to rows: how often, what is held out, and what is left out and why."""

from pathlib import Path
from typing import Any

import pytest

from tests.training.tiny import chats, make_data, preferences, texts
from training.errors import BadInput, BadRecipe
from training.tuning.base import load_tokenizer
from training.tuning.batches import Judged
from training.tuning.config import Recipe
from training.tuning.prepare import Prepared, prepare
from training.types import Chat, Origin, Preference, Text, Turn


@pytest.fixture
def made(base: Path, tmp_path: Path) -> Any:
    tokenizer, stops = load_tokenizer(base)

    def prepared(**changes: Any) -> Prepared:
        recipe = Recipe.parse({"name": "a", "base": "b", "data": "talk"} | changes)
        return prepare(recipe, tokenizer, stops, tmp_path)

    return prepared


def decoded(base: Path, prepared: Prepared) -> list[str]:
    tokenizer, _ = load_tokenizer(base)
    rows = [row for row in prepared.train if not isinstance(row, Judged)]
    return [tokenizer.decode(example.ids) for row in rows for example in row]


def test_weights_are_how_often_a_row_is_seen(made: Any, tmp_path: Path, base: Path) -> None:
    make_data(tmp_path, "talk", chats(40))
    make_data(tmp_path, "own", [Chat((Turn("user", "谁"), Turn("assistant", "我")), weight=2.0)])
    prepared = made(data=[{"path": "talk", "weight": 0.25}, {"path": "own", "weight": 1.5}])
    told = decoded(base, prepared)
    assert sum("谁" in each for each in told) == 3
    assert len(told) - 3 == 10
    assert [each.rows for each in prepared.data] == [40, 1]


def test_the_same_seed_draws_the_same_rows(made: Any, tmp_path: Path, base: Path) -> None:
    make_data(tmp_path, "talk", chats(40))
    data = [{"path": "talk", "weight": 0.5}]
    first, again, other = (
        decoded(base, made(data=data, held_out=0.1, seed=seed)) for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_what_the_sets_held_out_is_held_out(made: Any, tmp_path: Path) -> None:
    make_data(tmp_path, "talk", chats(6), chats(2))
    make_data(tmp_path, "other", chats(5))
    assert len(made().held_out) == 2
    assert len(made(held_out="other").held_out) == 5
    assert len(made(data=[{"path": "talk", "split": "held_out"}]).train) == 2


def test_a_book_is_held_out_whole(made: Any, tmp_path: Path) -> None:
    items = [Text(f"{book}之{row}", Origin(work=book)) for book in "甲乙丙丁" for row in range(5)]
    make_data(tmp_path, "prose", items)
    prepared = made(data="prose", method="pretrain", held_out=0.25)
    assert len(prepared.held_out) == 5
    assert len(prepared.train) == 15
    make_data(tmp_path, "one", items[:5])
    prepared = made(data="one", method="pretrain", held_out=0.2)
    assert (len(prepared.train), len(prepared.held_out)) == (4, 1)
    make_data(tmp_path, "two", items[:10])
    prepared = made(data="two", method="pretrain", held_out=0.1)
    assert (len(prepared.train), len(prepared.held_out)) == (5, 5)


def test_rows_that_cannot_be_learned_are_told(made: Any, tmp_path: Path) -> None:
    long = Chat((Turn("user", "问"), Turn("assistant", "很长的回答。" * 60)))
    make_data(tmp_path, "talk", [*chats(3), long])
    refused = made(length=128)
    assert len(refused.train) == 3
    assert (refused.refusals[0].source, refused.refusals[0].row) == ("talk", 4)
    assert "超过 length 128" in refused.refusals[0].reason
    cut = made(length=128, too_long="cut")
    assert len(cut.train) == 4
    assert cut.cut == 1
    assert not cut.refusals


def test_nothing_to_learn_says_why(made: Any, tmp_path: Path) -> None:
    make_data(tmp_path, "talk", chats(3))
    with pytest.raises(BadInput, match="没有一条能学的数据。第一处：有"):
        made(length=16)


@pytest.mark.parametrize(
    ("method", "words"), [("pretrain", "它可以用于 sft"), ("dpo", "“talk”是 chat")]
)
def test_a_set_of_another_kind_is_refused(
    made: Any, tmp_path: Path, method: str, words: str
) -> None:
    make_data(tmp_path, "talk", chats(3))
    with pytest.raises(BadRecipe, match=words):
        made(method=method)


def test_texts_are_cut_and_packed_without_loss(made: Any, tmp_path: Path) -> None:
    make_data(tmp_path, "prose", texts(4))
    alone = made(data="prose", method="pretrain", length=40)
    packed = made(data="prose", method="pretrain", length=40, packing=True)
    sizes = [len(example) for row in packed.train for example in row]
    assert sorted(sizes) == sorted(len(row[0]) for row in alone.train)
    assert max(sum(len(each) for each in row) for row in packed.train) <= 40
    assert len(packed.train) < len(alone.train)


def test_dpo_needs_pairs_and_kto_takes_them_apart(made: Any, tmp_path: Path) -> None:
    lone = Preference((Turn("user", "续写"),), "好", None)
    make_data(tmp_path, "prefs", [*preferences(5), lone])
    pairs = made(data="prefs", method="dpo")
    assert len(pairs.train) == 5
    assert "请用 kto" in pairs.refusals[0].reason
    alone = made(data="prefs", method="kto")
    assert len(alone.train) == 11
    assert sum(row.desirable == (True,) for row in alone.train) == 6


def test_strangers_are_answers_to_other_prompts(made: Any, tmp_path: Path) -> None:
    make_data(tmp_path, "prefs", preferences(6))
    for row in made(data="prefs", method="kto").train:
        (own,), (strange,) = row.answers, row.strangers
        prompt = own.ids[~own.learned].tolist()
        assert strange.ids[~strange.learned].tolist() == prompt
        assert strange.ids.tolist() != own.ids.tolist()
