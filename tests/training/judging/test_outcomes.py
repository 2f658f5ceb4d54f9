"""What the numbers are taken to say: better, worse, or not told apart."""

import pytest

from retrieval.evaluate import Interval
from retrieval.measures import fingerprint, repetition
from training.judging.measured import LOOP, Measures, rouge_margin
from training.judging.outcomes import outcomes
from training.judging.report import General, Outcome, Rates, Surprise

AUTHOR = "天色将晚，江上起了薄雾，渡口的灯一盏一盏亮起来。她把信折好，压在砚台底下。"
PLAIN = "今天天气很好，我们去公园玩吧！真高兴！真高兴啊！"
LOOPED = "他推开门，院子里没有人。" * 9


def found(**given: object) -> dict[str, Outcome]:
    blank = {"surprise": None, "measured": {}, "answers": {}, "long": {}, "author": None, "margins": {},
                 "general": None, "verdict": None}  # fmt: skip
    return {each.code: each for each in outcomes(**(blank | given))}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("margin", "verdict"),
    [((0.2, 0.1, 0.3), "better"), ((-0.2, -0.3, -0.1), "worse"), ((0.1, -0.1, 0.3), "even"),
     ((0.1, 0.0, 0.3), "even")],
)  # fmt: skip
def test_a_difference_counts_when_its_interval_is_on_one_side(margin, verdict: str) -> None:
    margin = Interval(*margin)
    surprise = Surprise(Rates(30.0, 8.0), Rates(20.0, 6.5), 100, 150, 5, 0, margin)
    general = General(150, {"all": 0.4}, {"all": 0.3}, margin)
    told = found(surprise=surprise, general=general, margins={"adapter": margin})
    assert {each.verdict for each in told.values()} == {verdict}
    assert told.keys() == {"perplexity", "general", "rouge"}
    assert "8.00 到 6.50" in told["perplexity"].sentence
    assert "40.0% → 30.0%" in told["general"].sentence


def test_loops_and_style_are_compared_case_by_case() -> None:
    cases = [str(n) for n in range(6)]
    answers = {"base": dict.fromkeys(cases, LOOPED), "adapter": dict.fromkeys(cases, AUTHOR)}
    told = found(answers=answers, author=fingerprint(AUTHOR))
    assert told["repetition"].verdict == told["style"].verdict == "better"
    assert "从 6 篇到 0 篇" in told["repetition"].sentence
    turned = {"base": answers["adapter"], "adapter": answers["base"]}
    told = found(answers=turned, author=fingerprint(AUTHOR))
    assert told["repetition"].verdict == told["style"].verdict == "worse"
    assert found(answers={"base": answers["base"]}) == {}


def test_reciting_is_told_only_beyond_what_the_author_repeats() -> None:
    measures = Measures([AUTHOR, LOOPED])
    recited = measures.of({"1": f"嗯。{AUTHOR}"}, None)
    own = measures.of({"1": PLAIN}, None)
    told = found(measured={"adapter": recited, "reference": own})
    assert told["copied"].verdict == "worse"
    assert f"最长 {len(AUTHOR)} 字" in told["copied"].sentence
    assert found(measured={"adapter": recited, "reference": recited}) == {}
    assert found(measured={"adapter": own, "reference": own}) == {}


def test_a_side_is_measured_text_by_text() -> None:
    references = {"1": AUTHOR, "2": AUTHOR, "3": AUTHOR}
    side = Measures([AUTHOR]).of({"1": AUTHOR, "2": LOOPED, "3": " "}, references)
    assert (side.texts, side.empty) == (3, 1)
    assert side.overlap is not None
    assert side.overlap.rouge["char"]["rouge-l"].f1 == pytest.approx((1 + rouge_l(LOOPED) + 0) / 3)
    assert side.whole.loops == 1
    assert side.whole.times == 9 >= LOOP
    assert side.whole.longest == repetition(LOOPED).longest
    assert side.recited is not None
    assert (side.recited.case, side.recited.words) == ("1", AUTHOR)


def rouge_l(text: str) -> float:
    from training.judging.rouge import rouge

    return rouge(text, AUTHOR, "char")["rouge-l"].f1


def test_margins_pair_the_cases_that_both_have() -> None:
    references = dict.fromkeys("123", AUTHOR)
    ours, theirs = dict.fromkeys("123", AUTHOR), dict.fromkeys("12", PLAIN)
    margin = rouge_margin(ours, theirs, references)
    assert margin.mean == pytest.approx(1 - rouge_l(PLAIN))
    assert margin.low == pytest.approx(margin.high)
