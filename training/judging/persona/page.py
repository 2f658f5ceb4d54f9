"""The report as one page that needs nothing else: no script, no file beside it, no network."""

from collections.abc import Iterator, Mapping

from training.judging import charts
from training.judging.page import template
from training.judging.persona.probing import Kind
from training.judging.persona.report import Measure, Report
from training.judging.persona.sides import NAMES

EXAMPLES = 16
KINDS: Mapping[Kind, str] = {
    "sheet": "与人物卡有没有矛盾",
    "character": "守不守得住角色",
    "later": "说没说往后的事",
}


def render(report: Report) -> str:
    shown = {side for measure in report.measures for side in measure.cells}
    return template("persona.html.j2").render(
        report=report,
        subject=report.subject,
        sides=[side for side in NAMES if side in shown],
        names=NAMES,
        kinds=KINDS,
        examples=report.examples[:EXAMPLES],
        charts={each.code: chart for each in report.measures for chart in _chart(each)},
    )


def _chart(measure: Measure) -> Iterator[str]:
    """None where there is nothing to compare."""
    rows = [
        (side, name, cell.value)
        for side, name in NAMES.items()
        if (cell := measure.cells.get(side)) is not None
    ]
    if len(rows) > 1:
        values = "，".join(f"{name} {value.mean:.3g}" for _, name, value in rows)
        yield charts.bars(rows, f"{measure.name}：{values}", measure.code)
