"""Which charts a report has, by name; none where there is nothing to draw."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from retrieval.evaluate import Interval
from training.judging import charts
from training.judging.measured import Measured
from training.judging.report import Report
from training.judging.sides import NAMES
from training.judging.verdict import Pairing
from training.judging.votes import CRITERIA

KINDS: Mapping[str, str] = {
    "knowledge": "常识",
    "arithmetic": "算术",
    "reading": "阅读",
    "instruction": "指令",
    "format": "格式",
    "all": "合计",
}
"""Of the general questions, for people."""

Named = Iterator[tuple[str, str]]


def charts_of(report: Report) -> dict[str, str]:
    parts = (_loss, _surprise, _repetition, _distance, _general, _judged)
    return dict(chain.from_iterable(part(report) for part in parts))


def _loss(report: Report) -> Named:
    curves = report.curves
    if curves and (curves.loss or curves.evaluated):
        told = "训练的损失"
        if curves.loss:
            (_, first), (_, last) = curves.loss[0], curves.loss[-1]
            told = f"训练的损失：{len(curves.loss)} 步，从 {first:.3g} 到 {last:.3g}"
        yield "loss", charts.loss_chart(curves.loss, curves.evaluated, told)


def _surprise(report: Report) -> Named:
    if report.surprise and report.surprise.tuned:
        base, tuned = report.surprise.base, report.surprise.tuned
        rows = [("base", base.per_character), ("adapter", tuned.per_character)]
        yield _bars("surprise", rows, "每个字的困惑度")


def _repetition(report: Report) -> Named:
    """seq-rep-4 of the long texts by length, where one of them reaches more than one."""
    at = report.long.at if report.long else {}
    rows = [
        (side, {length: found.seq_rep_4 for length, found in at[side].items()})
        for side in NAMES
        if at.get(side)
    ]
    if any(len(values) > 1 for _, values in rows):
        told = "重复率随长度的变化，数值见下表"
        yield "repetition", charts.lines(rows, told, "repetition", "字数", "seq-rep-4")


def _distance(report: Report) -> Named:
    if report.measured:
        rows = [(side, each.style.distance) for side, each in _ordered(report.measured)]
        yield _bars("distance", rows, "与作者的文风距离")


def _general(report: Report) -> Named:
    if report.general:
        shares = {"base": report.general.base, "adapter": report.general.tuned}
        rows = [(side, [each[kind] for kind in KINDS]) for side, each in shares.items() if each]
        told = "各类短题答对的比例，数值见下表"
        yield "general", charts.groups(list(KINDS.values()), rows, told, "general")


def _judged(report: Report) -> Named:
    for criterion, pairings in report.verdict.pairings.items() if report.verdict else ():
        rows = [(p.one, p.score) for p in map(_against_base, pairings) if p]
        if rows:
            told = f"{CRITERIA[criterion][0]}：对底座的得分"
            yield _bars(f"judge-{criterion}", rows, told, middle=0.5)


def _against_base(pairing: Pairing) -> Pairing | None:
    """The pairing as another side against the base; None where the base is not in it."""
    if pairing.other == "base":
        return pairing
    if pairing.one != "base":
        return None
    mean, low, high = pairing.score
    return Pairing(pairing.other, "base", pairing.cases, Interval(1 - mean, 1 - high, 1 - low))


def _bars(
    name: str,
    rows: Iterable[tuple[str, float | Interval]],
    what: str,
    *,
    middle: float | None = None,
) -> tuple[str, str]:
    called = [(side, NAMES[side], value) for side, value in rows]
    values = "，".join(
        f"{side} {value.mean if isinstance(value, Interval) else value:.3g}"
        for _, side, value in called
    )
    return name, charts.bars(called, f"{what}：{values}", name, middle=middle)


def _ordered(measured: Mapping[str, Measured]) -> list[tuple[str, Measured]]:
    return [(side, measured[side]) for side in NAMES if side in measured]
