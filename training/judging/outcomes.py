"""What follows from the numbers: where the tuned model is better, worse, or not told apart.

A difference counts when its 95 % interval lies on one side of none: with a few dozen texts
most do not, and the report says so instead of guessing.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from retrieval.evaluate import Interval, paired_interval
from retrieval.measures import (
    Fingerprint,
    Repetition,
    difference,
    fingerprint,
    repetition,
    repetition_at,
)
from retrieval.measures.copied import LEAST
from training.judging.comparing import Answers
from training.judging.measured import LOOP, Measured
from training.judging.report import General, Outcome, Surprise
from training.judging.verdict import Verdict
from training.judging.votes import CRITERIA

FEW = 6
"""Fewer texts tell nothing apart: all of five lie on one side by chance once in sixteen times."""


def outcomes(
    surprise: Surprise | None,
    measured: Mapping[str, Measured],
    answers: Answers,
    long: Answers,
    author: Fingerprint | None,
    margins: Mapping[str, Interval],
    general: General | None,
    verdict: Verdict | None,
) -> tuple[Outcome, ...]:
    return (
        *_of_surprise(surprise),
        *_of_overlap(margins),
        *_of_loops(answers),
        *_of_long(long),
        *_of_style(answers, author),
        *_of_copies(measured),
        *_of_general(general),
        *_of_judge(verdict),
    )


def _of_surprise(surprise: Surprise | None) -> Iterator[Outcome]:
    if surprise and surprise.tuned and surprise.gain:
        before, after = surprise.base.per_character, surprise.tuned.per_character
        sentence = f"留出文字每个字的困惑度从 {before:.2f} 到 {after:.2f}"
        facts = {"before": before, "after": after}
        yield _told("perplexity", sentence, surprise.gain, facts, unit=" 奈特")


def _of_overlap(margins: Mapping[str, Interval]) -> Iterator[Outcome]:
    if "adapter" in margins:
        yield _told("rouge", "与原文的重合（ROUGE-L，按字）", margins["adapter"])


def _of_loops(answers: Answers) -> Iterator[Outcome]:
    pair = _both(answers)
    if not pair:
        return
    found = [[repetition(text) for text in texts] for texts in pair]
    yield _repeating("repetition", "回答的重复率", found)


def _of_long(long: Answers) -> Iterator[Outcome]:
    """At the greatest length to which enough openings were written by both sides, or any."""
    found = [[repetition_at(text) for text in texts] for texts in _both(long) or ()]
    reached = [set(base) & set(tuned) for base, tuned in zip(*found, strict=True)]
    times = Counter(length for one in reached for length in one)
    length = max([n for n, count in times.items() if count >= FEW] or times, default=0)
    if not length:
        return
    pairs = [[texts[at][length] for at, n in enumerate(reached) if length in n] for texts in found]
    told = _repeating("long", f"写到 {length:,} 字时的重复率", pairs, length=length)
    yield told if len(pairs[0]) >= FEW else replace(told, verdict="even")


def _repeating(
    code: str, what: str, found: Sequence[Sequence[Repetition]], **facts: int
) -> Outcome:
    """Of the base's texts and the adapter's, paired."""
    rates = [[each.seq_rep_4 for each in side] for side in found]
    loops = [sum(each.times >= LOOP for each in side) for side in found]
    sentence = (
        f"{what}（seq-rep-4，{len(rates[0])} 篇）；陷入循环的从 {loops[0]} 篇到 {loops[1]} 篇"
    )
    facts |= {"texts": len(rates[0]), "before": loops[0], "after": loops[1]}
    return _told(code, sentence, paired_interval(*rates), facts)


def _of_style(answers: Answers, author: Fingerprint | None) -> Iterator[Outcome]:
    pair = _both(answers)
    if pair and author and author.characters:
        far = [[difference(fingerprint(t), author).distance for t in texts] for texts in pair]
        yield _told("style", "每篇与作者文风的距离", paired_interval(*far))


def _of_copies(measured: Mapping[str, Measured]) -> Iterator[Outcome]:
    """Only told when something was recited, and more than the author recites himself."""
    tuned, own = (measured[s].recited if s in measured else None for s in ("adapter", "reference"))
    if tuned and tuned.longest >= LEAST and tuned.longest > (own.longest if own else 0):
        sentence = f"照抄训练集，最长 {tuned.longest} 字，占全部文字的 {100 * tuned.share:.1f}%"
        facts = {"longest": tuned.longest, "share": tuned.share}
        yield Outcome("copied", "worse", sentence, facts)


def _of_general(general: General | None) -> Iterator[Outcome]:
    if general and general.tuned and general.margin:
        before, after = general.base["all"], general.tuned["all"]
        sentence = f"一般能力的题答对 {100 * before:.1f}% → {100 * after:.1f}%"
        yield _told("general", sentence, general.margin, {"before": before, "after": after})


def _of_judge(verdict: Verdict | None) -> Iterator[Outcome]:
    for criterion, (name, _) in CRITERIA.items():
        pairings = verdict.pairings.get(criterion, ()) if verdict else ()
        for pairing in pairings:
            if (pairing.one, pairing.other) == ("adapter", "base"):
                mean, low, high = pairing.score
                about = Interval(mean - 0.5, low - 0.5, high - 0.5)
                sentence = f"评判的{name}：{pairing.cases} 题里对底座得 {mean:.2f}（0.5 是平手）"
                facts = {"cases": pairing.cases, "score": mean}
                yield _told(f"judge_{criterion}", sentence, about, facts)


def _both(answers: Answers) -> list[Sequence[str]] | None:
    """(base's, adapter's) answers to the cases that both have; None where there are none."""
    base, tuned = answers.get("base", {}), answers.get("adapter", {})
    cases = [case for case in base if case in tuned]
    return [[side[case] for case in cases] for side in (base, tuned)] if cases else None


def _told(
    code: str, sentence: str, margin: Interval, facts: Mapping[str, Any] | None = None,
    unit: str = "",
) -> Outcome:  # fmt: skip
    """`margin` above 0 is better, whatever is measured."""
    verdict = "better" if margin.low > 0 else "worse" if margin.high < 0 else "even"
    amount = f"{margin.mean:+.3f}（{margin.low:+.3f} 到 {margin.high:+.3f}）"
    facts = {**(facts or {}), "mean": margin.mean, "low": margin.low, "high": margin.high}
    return Outcome(code, verdict, f"{sentence}，相差 {amount}{unit}", facts)
