"""A judge is believed as far as it quotes; what it says is counted in both orders."""

import json
import math
import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.judging.cases import Case
from training.judging.verdict import Ballot, verdict
from training.judging.votes import CRITERIA, REASONS, Vote, question, read_votes, schema
from training.types import Origin, Turn

FIRST = "他推开门，院子里没有人。雪停了，只有一串脚印通到井边。"
SECOND = "“你当真要走？”她把信折好，压在砚台底下，没有再看一眼。"
NAMES = [name for name, _ in CRITERIA.values()]
CASE = Case("c", (Turn("user", "接着写"),), "", "原文", Origin())


def item(**changes: Any) -> dict[str, Any]:
    return {"引文": "院子里没有人", "出自": "甲", "理由": "清楚", "更好": "甲"} | changes


def answer(**changes: Any) -> str:
    return json.dumps(dict.fromkeys(NAMES, item(**changes)), ensure_ascii=False)


@pytest.mark.parametrize(
    ("changes", "winner", "dropped"),
    [
        ({}, "first", None),
        ({"更好": "乙"}, "second", None),
        ({"更好": "平"}, "tie", None),
        ({"引文": "压在砚台底下；没有再看一眼", "出自": "乙"}, "first", None),
        ({"引文": "院子里站满了人"}, None, "quote_not_there"),
        ({"引文": "院子里没有人", "出自": "乙"}, None, "quote_not_there"),
        ({"出自": "丙"}, None, "quote_not_there"),
        ({"引文": "。，？！。，"}, None, "no_quote"),
        ({"引文": ""}, None, "no_quote"),
        ({"更好": "都好"}, None, "no_verdict"),
        ({"更好": None}, None, "no_verdict"),
    ],
)
def test_a_vote_stands_on_its_quote(changes, winner, dropped) -> None:
    votes = read_votes(answer(**changes), FIRST, SECOND)
    assert set(votes) == set(CRITERIA)
    for vote in votes.values():
        assert (vote.winner, vote.dropped) == (winner, dropped)


def test_each_criterion_is_read_by_itself() -> None:
    given_ = {NAMES[0]: item(), NAMES[1]: item(引文="书里没有这句"), NAMES[2]: "甲更好"}
    told = f"好的，比较如下：\n```json\n{json.dumps(given_, ensure_ascii=False)}\n```\n以上。"
    votes = read_votes(told, FIRST, SECOND)
    assert [votes[c].dropped for c in CRITERIA] == [None, "quote_not_there", "no_verdict"]


@given(st.text(max_size=80))
def test_nonsense_is_dropped_never_raised(text: str) -> None:
    for vote in read_votes(text, FIRST, SECOND).values():
        assert vote.winner is None
        assert vote.dropped in REASONS


def test_empty_answers_are_told_apart_from_nonsense() -> None:
    assert read_votes(" \n", FIRST, SECOND)["logic"].dropped == "no_answer"
    assert read_votes("{", FIRST, SECOND)["logic"].dropped == "no_json"
    assert read_votes("[1]", FIRST, SECOND)["logic"].dropped == "no_json"


def test_the_judge_sees_both_drafts_the_page_and_no_names() -> None:
    system, user = question(CASE, FIRST, SECOND, page="作者的一页")
    for words in (FIRST, SECOND, "作者的一页", "接着写"):
        assert words in user.content
    assert user.content.index(FIRST) < user.content.index(SECOND)
    for name in ("底座", "适配器", "adapter", "base"):
        assert name not in system.content + user.content
    assert set(schema()["properties"]) == set(NAMES)
    for wanted in schema()["required"]:
        assert wanted in user.content


# --- from votes to a verdict ----------------------------------------------------------------


def ballot(case: str, one: str, other: str, there: str | None, back: str | None) -> Ballot:
    def vote(winner: str | None) -> Vote:
        return Vote(winner, None if winner else "no_json")  # type: ignore[arg-type]

    return Ballot(case, "logic", one, other, vote(there), vote(back))


@pytest.mark.parametrize(
    ("there", "back", "score"),
    [
        ("first", "second", 1.0),
        ("second", "first", 0.0),
        ("first", "first", 0.5),
        ("tie", "tie", 0.5),
        ("first", "tie", 0.75),
        ("tie", "first", 0.25),
        ("first", None, None),
        (None, "second", None),
    ],
)
def test_both_orders_count_together(there, back, score) -> None:
    assert ballot("1", "a", "b", there, back).score == score


def test_a_judge_who_likes_what_comes_first_says_nothing() -> None:
    found = verdict([ballot(str(n), "a", "b", "first", "first") for n in range(20)], ["a", "b"])
    assert found.first_liked == 1
    assert found.agreement == 0
    assert found.pairings["logic"][0].score == (0.5, 0.5, 0.5)
    assert found.pairings["style"] == []


def test_dropped_votes_are_counted_under_their_reasons() -> None:
    ballots = [ballot("1", "a", "b", "first", "second"), ballot("2", "a", "b", None, "second")]
    found = verdict(ballots, ["a", "b"])
    assert (found.votes, found.dropped) == (4, {"no_json": 1})
    assert [(p.one, p.other, p.cases) for p in found.pairings["logic"]] == [("a", "b", 1)]
    assert found.agreement == 1


def test_strengths_come_back_from_games_that_they_made() -> None:
    """Votes drawn by the model that is fitted: the strengths it was drawn with lie inside."""
    chance = random.Random(5)
    sides, log_strength = ["a", "b", "c", "d"], {"a": 1.0, "b": 0.3, "c": -0.3, "d": -1.0}
    ballots = []
    for case in range(150):
        for i, one in enumerate(sides):
            for other in sides[i + 1 :]:
                p = 1 / (1 + math.exp(log_strength[other] - log_strength[one]))
                won = chance.random() < p
                there, back = ("first", "second") if won else ("second", "first")
                ballots.append(ballot(str(case), one, other, there, back))
    standings = verdict(ballots, sides).standings["logic"]
    assert [standing.side for standing in standings] == sides
    for standing in standings:
        truth = 1 / (1 + math.exp(-log_strength[standing.side]))
        assert standing.strength.low - 0.02 <= truth <= standing.strength.high + 0.02
        assert standing.strength.low < standing.strength.high


def test_who_always_loses_still_has_a_strength() -> None:
    found = verdict([ballot(str(n), "a", "b", "first", "second") for n in range(5)], ["a", "b"])
    best, worst = found.standings["logic"]
    assert (best.side, worst.side) == ("a", "b")
    assert 0 < worst.strength.low <= worst.strength.mean < 0.5 < best.strength.mean < 1
    # 5½ games of 6: the tie that is taken as met before.
    odds = best.strength.mean / (1 - best.strength.mean)
    assert odds**2 == pytest.approx(5.5 / 0.5, rel=1e-3)


def test_an_interval_is_wider_for_fewer_cases() -> None:
    def width(cases: int) -> float:
        chance = np.random.default_rng(3)
        made = [
            ballot(str(n), "a", "b", *(("first", "second") if chance.random() < 0.7 else
                                        ("second", "first")))
            for n in range(cases)
        ]  # fmt: skip
        score = verdict(made, ["a", "b"]).pairings["logic"][0].score
        return score.high - score.low

    assert width(10) > 2 * width(200) > 0


def test_nothing_voted_is_no_verdict() -> None:
    found = verdict([], ["a", "b"])
    assert found.pairings["logic"] == found.standings["logic"] == []
    assert (found.votes, found.agreement, found.first_liked) == (0, 0, 0)
