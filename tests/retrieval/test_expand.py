import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.expand import CLAUSES, Asked, Expander
from retrieval.tokens import PAIR_SHIFT, query_tokens
from retrieval.types import Character

CAST = [
    Character("1", "王熙凤", ("凤姐", "琏二奶奶", "凤")),
    Character("2", "贾宝玉", ("宝玉",)),
    Character("3", "安"),
]


def written(asked: Asked, places: np.ndarray) -> set[str]:
    return {
        chr(token >> PAIR_SHIFT) + chr(token & ((1 << PAIR_SHIFT) - 1))
        for token in asked.tokens[places].tolist()
    }


def test_whom_a_query_names_is_looked_for_by_every_name() -> None:
    asked = Expander(CAST).asked("琏二奶奶怎么笑的")
    (person,) = asked.people

    assert [written(asked, name) for name in person] == [
        {"王熙", "熙凤"},
        {"凤姐"},
        {"琏二", "二奶", "奶奶"},
    ]


def test_other_names_weigh_nothing_as_the_querys_own_words() -> None:
    asked = Expander(CAST).asked("凤姐")

    assert asked.times.sum() == 3  # 凤, 姐, 凤姐
    assert len(asked.tokens) == 3 + 2 + 3


def test_names_of_one_character_are_left_to_those_who_see_their_neighbours() -> None:
    assert Expander(CAST).asked("安，你来").people == ()


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("设阴谋临产换太子奋侠义替死救皇娘", ("设阴谋临产换太子", "奋侠义替死救皇娘")),
        ("老猫睡在窗台上，沈砚磨墨到天明", ("老猫睡在窗台上", "沈砚磨墨到天明")),
        ("他说，雨停了就走", ("他说，雨停了就走",)),
        ("磨墨", ("磨墨",)),
        ("……", ("……",)),
        ("", ("",)),
    ],
)
def test_clauses(text: str, clauses: tuple[str, ...]) -> None:
    assert Expander().asked(text).clauses == clauses


def test_what_matters_least_can_be_left_out_but_no_name() -> None:
    asked = Expander(CAST).asked("凤姐笑了")
    fewer = asked.only(asked.tokens == ord("笑"))
    (person,) = fewer.people

    assert [written(fewer, name) for name in person][1] == {"凤姐"}
    assert fewer.tokens[fewer.times > 0].tolist() == [
        token for token in fewer.tokens.tolist() if token in (ord("笑"), *query_tokens("凤姐")[0])
        and token != ord("凤") and token != ord("姐")
    ]  # fmt: skip
    assert fewer.clause_times.shape[1] == len(fewer.tokens)


texts = st.text("王熙凤姐宝玉砚猫睡，。 a1\n", max_size=60) | st.text(max_size=600)


@settings(deadline=None, max_examples=150)
@given(texts)
def test_parts_are_of_the_query(text: str) -> None:
    asked = Expander(CAST).asked(text)
    own, times = query_tokens(text)

    assert asked.tokens[asked.times > 0].tolist() == own.tolist()
    assert asked.times[asked.times > 0].tolist() == times.tolist()
    assert 1 <= len(asked.clauses) <= CLAUSES
    for clause, row in zip(asked.clauses, asked.clause_times, strict=True):
        assert clause in text
        found, often = query_tokens(clause)
        assert asked.tokens[row > 0].tolist() == found.tolist()
        assert row[row > 0].tolist() == often.tolist()
    single = ~asked.pairs & (asked.times > 0)
    assert (asked.stretch_times.sum(0)[single] >= asked.times[single]).all()
    assert all(len(name) for person in asked.people for name in person)
