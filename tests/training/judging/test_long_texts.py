"""Long texts grow stretch by stretch, until they are long enough or the model ends them."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from test_judging_whole import Scripted, plan, told

from retrieval.errors import PromptTooLarge
from retrieval.types import Message
from training.errors import EngineUnreachable
from training.judging.cases import PROSE, Case, cases_of, openings_of
from training.judging.evaluate import judge_run
from training.judging.long import STRETCH, Asked, write_long
from training.judging.measured import looping_at
from training.judging.outcomes import FEW, outcomes
from training.judging.prompting import Messages
from training.served.client import Sampling
from training.types import Chat, Origin, Text, Turn

SENTENCE = "雪停了，渡口的灯亮了。"


def opening(id: str, before: str = "开头。") -> Case:
    return Case(id, (), before, "", Origin())


def as_prompt(case: Case) -> Messages:
    return (Message("user", case.before),)


class Hand:
    """Writes what it is told to for each opening, a stretch a round; then nothing."""

    def __init__(self, **stretches: list[str]) -> None:
        self.left = stretches
        self.rounds: list[dict[str, str]] = []
        self.sampling: list[Sampling] = []
        self.notes: list[str] = []

    def __call__(
        self, prompts: Mapping[str, Messages], sampling: Sampling, note: str
    ) -> dict[str, str]:
        self.rounds.append({id: messages[-1].content for id, messages in prompts.items()})
        self.sampling.append(sampling)
        self.notes.append(note)
        return {id: self.left[id].pop(0) if self.left[id] else "" for id in prompts}

    def write(self, *openings: Case, wanted: int = 30, seed: int = 0) -> dict[str, str]:
        asked = Asked(as_prompt, self, "写长篇：底座")
        return write_long(asked, openings, wanted, Sampling(seed=seed))


def test_every_stretch_goes_on_with_all_that_stands() -> None:
    hand = Hand(a=["甲" * 20, "乙" * 20, "丙" * 20])
    assert hand.write(opening("a")) == {"a": "甲" * 20 + "乙" * 20}
    assert hand.rounds == [{"a": "开头。"}, {"a": "开头。" + "甲" * 20}]
    assert hand.notes == ["写长篇：底座，已有 0 字", "写长篇：底座，已有 20 字"]


def test_stretches_are_drawn_anew() -> None:
    hand = Hand(a=["甲" * 20, "乙" * 20])
    hand.write(opening("a"), seed=3)
    assert {each.tokens for each in hand.sampling} == {STRETCH}
    assert [each.seed for each in hand.sampling] == [3, 23]


def test_a_text_that_has_ended_is_not_gone_on_with() -> None:
    hand = Hand(a=["甲" * 10, " \n", "不该"], b=["乙" * 16, "乙" * 16])
    found = hand.write(opening("a"), opening("b"))
    assert found["a"].strip() == "甲" * 10
    assert found["b"] == "乙" * 32
    assert [sorted(each) for each in hand.rounds] == [["a", "b"], ["a", "b"]]


def test_white_space_is_no_length() -> None:
    hand = Hand(a=["甲\n\n" * 10, "乙" * 20])
    assert hand.write(opening("a")) == {"a": "甲\n\n" * 10 + "乙" * 20}


def test_a_prompt_that_no_longer_fits_ends_its_text_alone() -> None:
    def ask(case: Case) -> Messages:
        if len(case.before) > 20:
            raise PromptTooLarge("too large")
        return as_prompt(case)

    hand = Hand(a=["甲" * 19, "甲"], b=["乙" * 9] * 2)
    found = write_long(Asked(ask, hand, ""), [opening("a"), opening("b")], 30, Sampling())
    assert found == {"a": "甲" * 19, "b": "乙" * 18}


def test_openings_are_texts_and_answers_that_are_prose() -> None:
    prose = SENTENCE * 30
    items = [
        Text(prose),
        Chat((Turn("user", "接着写"), Turn("assistant", prose))),
        Chat((Turn("user", "你是谁？"), Turn("assistant", "我是沈砚。"))),
    ]
    text, answer = openings_of(items, 9, 100)
    assert text.before + text.reference == prose[: len(text.before + text.reference)]
    assert len(text.reference) >= 100
    assert len(prose) >= PROSE
    assert (answer.before, answer.reference, answer.turns) == (prose, "", ())
    assert len(openings_of(items * 9, 4, 100)) == 4
    assert len({case.id for case in [text, answer, *cases_of(items, 9, 100)]}) == 4


def test_repetition_is_told_at_the_lengths_that_are_reached() -> None:
    fresh = "".join(chr(0x4E00 + n) for n in range(8000))
    looped = SENTENCE * 100
    at = looping_at([fresh, looped])
    assert list(at) == [500, 1000, 2000, 4000, 8000]
    assert [one.texts for one in at.values()] == [2, 2, 1, 1, 1]
    assert at[1000].loops == 1
    assert (at[8000].seq_rep_4, at[8000].loops) == (0, 0)
    assert looping_at(["短"]) == {}


@pytest.mark.parametrize(
    ("texts", "verdict", "length"), [(FEW, "worse", "500"), (FEW - 1, "even", "1,000")]
)
def test_few_texts_decide_nothing(texts: int, verdict: str, length: str) -> None:
    cases = [str(n) for n in range(texts)]
    fresh = "".join(chr(0x4E00 + n) for n in range(1200))
    long = {
        "base": dict.fromkeys(cases, fresh),
        "adapter": dict.fromkeys(cases, SENTENCE * 60) | {"0": SENTENCE * 200},
    }
    (told,) = outcomes(None, {}, {}, long, None, {}, None, None)
    assert (told.code, told.verdict) == ("long", verdict)
    assert f"写到 {length} 字" in told.sentence
    only = {"base": {"0": fresh}, "adapter": {"0": "短。"}}
    assert outcomes(None, {}, {}, only, None, {}, None, None) == ()


def test_a_stopped_text_goes_on(base_folder: Path, adapter_folder: Path, tmp_path: Path) -> None:
    """What was written of it is not written again, and ends as it would have."""
    held_out = [Text(SENTENCE * 40 + "".join(chr(0x4E00 + n) for n in range(3000)))]
    wanted = plan(base_folder, adapter_folder, tmp_path, parts=frozenset({"long"}),
                  held_out=held_out, long=8000, window=1500, retrieval=False)  # fmt: skip
    base, tuned = (Scripted(name, f"{name}写的第一段。" * 50) for name in ("底座", "适配器"))
    tuned.lost_after = 4
    wanted.writers.update({False: base, True: tuned})  # type: ignore[union-attr]
    with pytest.raises(EngineUnreachable):
        judge_run(wanted)
    tuned.lost_after = None
    had = len(tuned.asked)
    report = judge_run(wanted)
    rounds, base_rounds = (-(-8000 // len(each.answer)) for each in (tuned, base))
    assert (had, len(tuned.asked), len(base.asked)) == (4, rounds, base_rounds)
    assert report.long is not None
    assert list(report.long.at["adapter"]) == [500, 1000, 2000, 4000, 8000]
    assert report.long.at["adapter"][8000].loops == 1
    assert list(report.long.at["reference"]) == [500, 1000, 2000]
    assert report.long.texts["adapter"] == tuned.answer * rounds
    assert told(tmp_path)["long"]["at"]["base"]["8000"]["texts"] == 1
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "写长篇" in page
    assert page.count("<svg") == 1
