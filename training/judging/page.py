"""The report as one page that needs nothing else: no script, no file beside it, no network."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from retrieval.evaluate import Interval
from training.judging.drawn import KINDS, charts_of
from training.judging.measured import LOOP
from training.judging.outcomes import FEW
from training.judging.report import VERDICTS, Report
from training.judging.rouge import ROUGES
from training.judging.sides import NAMES
from training.judging.votes import CRITERIA, REASONS
from training.judging.words import Variant

TEMPLATES = Path(__file__).parent / "templates"

PARTS: Mapping[str, str] = {
    "sentence_lengths": "句长",
    "paragraph_lengths": "段长",
    "punctuation": "标点",
    "function_words": "虚词",
    "dialogue": "对白",
    "idioms": "成语",
}
VARIANTS: Mapping[Variant, str] = {"char": "按字", "jieba": "按 jieba 切的词"}


def render(report: Report) -> str:
    return template("report.html.j2").render(
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
        loop_times=LOOP,
        few=FEW,
        charts=charts_of(report),
    )


@cache
def template(name: str) -> Template:
    """A page of this room's: they share a style, and how numbers are written."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"interval": _interval, "percent": _percent, "number": _number}
    return environment.get_template(name)


def _interval(value: Interval) -> str:
    """“0.620（0.510 – 0.730）”"""
    return f"{value.mean:.3f}（{value.low:.3f} – {value.high:.3f}）"


def _percent(value: float) -> str:
    return f"{100 * value:.1f}%"


def _number(value: float, digits: int = 3) -> str:
    return f"{value:,.{digits}f}"
