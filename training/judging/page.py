"""The report as one page that needs nothing else: no script, no file beside it, no network."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined, Template

from retrieval.evaluate import Interval
from retrieval.measures import LENGTHS
from training.judging import charts
from training.judging.cases import NAMES
from training.judging.measured import LOOP, Measured
from training.judging.report import Report
from training.judging.rouge import ROUGES
from training.judging.verdict import Pairing
from training.judging.votes import CRITERIA, REASONS
from training.judging.words import VARIANTS

TEMPLATE = Path(__file__).parent / "templates" / "report.html.j2"

KINDS: Mapping[str, str] = {
    "knowledge": "常识",
    "arithmetic": "算术",
    "reading": "阅读",
    "instruction": "指令",
    "format": "格式",
    "all": "合计",
}
VERDICTS: Mapping[str, str] = {"better": "更好", "worse": "更差", "even": "分不出"}
PARTS: Mapping[str, str] = {
    "sentence_lengths": "句长",
    "paragraph_lengths": "段长",
    "punctuation": "标点",
    "function_words": "虚词",
    "dialogue": "对白",
    "idioms": "成语",
}


def render(report: Report) -> str:
    return _template().render(
        report=report,
        subject=report.subject,
        sides=[side for side in NAMES if side in report.measured],
        names=NAMES,
        kinds=KINDS,
        verdicts=VERDICTS,
        criteria={code: name for code, (name, _) in CRITERIA.items()},
        reasons=REASONS,
        parts=PARTS,
        rouges=ROUGES,
        variants=VARIANTS,
        lengths=[n for n in LENGTHS if any(n in each.at for each in report.measured.values())],
        loop=LOOP,
        charts=_charts(report),
    )


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"interval": _interval, "percent": _percent, "number": _number}
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8"))


def _charts(report: Report) -> dict[str, str]:
    """Those for which there is something to draw, by name."""
    found: dict[str, str] = {}
    if report.curves and (report.curves.loss or report.curves.evaluated):
        found["loss"] = charts.loss_chart(
            report.curves.loss, report.curves.evaluated, _loss_told(report.curves.loss)
        )
    if report.surprise and report.surprise.tuned:
        rows = [("base", report.surprise.base[1]), ("adapter", report.surprise.tuned[1])]
        found["surprise"] = _bars(rows, "每个字的困惑度", "surprise")
    if at := _at(report.measured):
        found["repetition"] = charts.lines(
            at, "重复率随长度的变化，数值见下表", "repetition", "字数", "seq-rep-4"
        )
    if report.measured:
        styles = [(side, each.style.distance) for side, each in _ordered(report.measured)]
        found["style"] = _bars(styles, "与作者的文风距离", "style")
    if report.general:
        rows_of = [("base", report.general.base), ("adapter", report.general.tuned)]
        found["general"] = charts.groups(
            [KINDS[kind] for kind in KINDS],
            [(side, [shares[kind] for kind in KINDS]) for side, shares in rows_of if shares],
            "各类常识题答对的比例，数值见下表",
            "general",
        )
    if report.verdict:
        for criterion, pairings in report.verdict.pairings.items():
            rows_won = [(p.one, p.score) for p in map(_against_base, pairings) if p]
            if rows_won:
                found[criterion] = _bars(
                    rows_won, f"{CRITERIA[criterion][0]}：对底座的得分", criterion, middle=0.5
                )
    return found


def _bars(
    rows: Iterable[tuple[str, float | Interval]], what: str, name: str,
    *, middle: float | None = None,
) -> str:  # fmt: skip
    called = [(side, NAMES[side], value) for side, value in rows]
    values = "，".join(
        f"{side} {value.mean if isinstance(value, Interval) else value:.3g}"
        for _, side, value in called
    )
    return charts.bars(called, f"{what}：{values}", name, middle=middle)


def _at(measured: Mapping[str, Measured]) -> list[tuple[str, dict[int, float]]]:
    """seq-rep-4 by length, of the sides that reach more than one."""
    return [
        (side, {length: found.seq_rep_4 for length, found in each.at.items()})
        for side, each in _ordered(measured)
        if len(each.at) > 1
    ]


def _ordered(measured: Mapping[str, Measured]) -> list[tuple[str, Measured]]:
    return [(side, measured[side]) for side in NAMES if side in measured]


def _against_base(pairing: Pairing) -> Pairing | None:
    """The pairing as another side against the base; None where the base is not in it."""
    if pairing.other == "base":
        return pairing
    if pairing.one != "base":
        return None
    mean, low, high = pairing.score
    return Pairing("" + pairing.other, "base", pairing.cases, Interval(1 - mean, 1 - high, 1 - low))


def _loss_told(loss: Sequence[tuple[int, float]]) -> str:
    if not loss:
        return "训练的损失"
    return f"训练的损失：{len(loss)} 步，从 {loss[0][1]:.3g} 到 {loss[-1][1]:.3g}"


def _interval(value: Interval | None, digits: int = 3) -> str:
    """“0.62（0.51–0.73）”"""
    if value is None:
        return "—"
    return f"{value.mean:.{digits}f}（{value.low:.{digits}f} – {value.high:.{digits}f}）"


def _percent(value: float | None) -> str:
    return "—" if value is None else f"{100 * value:.1f}%"


def _number(value: Any, digits: int = 3) -> str:
    return "—" if value is None else f"{value:,.{digits}f}"
