"""Charts as SVG inside a page: the page's own colours and faces, light and dark alike.

Matplotlib draws with stand-in colours; each becomes the page's CSS variable. Text stays text.
Every chart carries a sentence for those who do not see it.
"""

import io
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from html import escape
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from retrieval.evaluate import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_VARIABLES = ("ink-2", "line", "ash", "azurite", "gamboge", "malachite", "ink", "seal")
_STAND_IN = {name: f"#01{number:02x}fe" for number, name in enumerate(_VARIABLES)}
_CSS = {colour: f"var(--{name})" for name, colour in _STAND_IN.items()}

SIDE_COLOURS: Mapping[str, str] = {
    "base": "ash",
    "adapter": "azurite",
    "base+retrieval": "gamboge",
    "adapter+retrieval": "malachite",
    "card": "gamboge",
    "card+retrieval": "seal",
    "reference": "ink",
    "other": "line",
}

SMOOTHING = 0.9
"""Of the loss: each step's weight against what came before, as TensorBoard draws it."""

_SIZE = 10
_REFERRED = re.compile(r'(id="|#)([mp][0-9a-f]{6,})')
_GROUP_ID = re.compile(r'<g id="[^"]*">')
_FAMILY = re.compile(r"font-family: [^;\"]*")
_FONT_SHORTHAND = re.compile(r"font: (\d+(?:\.\d+)?)px [^;\"]*")


def loss_chart(
    loss: Sequence[tuple[int, float]], evaluated: Sequence[tuple[int, float]], label: str
) -> str:
    """Raw faint, smoothed bold, evaluations as rings."""

    def draw(axes: "Axes") -> None:
        if loss:
            steps, values = zip(*loss, strict=True)
            axes.plot(steps, values, color=_STAND_IN["azurite"], alpha=0.3, linewidth=0.8)
            axes.plot(steps, smoothed(values), color=_STAND_IN["azurite"], linewidth=1.6)
        if evaluated:
            steps, values = zip(*evaluated, strict=True)
            axes.plot(
                steps, values, color=_STAND_IN["seal"], linewidth=0.8, marker="o",
                markerfacecolor="none", markersize=5,
            )  # fmt: skip
        axes.set_xlabel("步")
        axes.set_ylabel("损失")

    return _svg(draw, label, "loss", (7.2, 2.8))


def smoothed(values: Sequence[float], weight: float = SMOOTHING) -> list[float]:
    """The exponential mean, corrected for its beginning."""
    sums = accumulate(values, lambda mean, value: mean * weight + value, initial=0.0)
    weights = accumulate(values, lambda mean, _: mean * weight + 1, initial=0.0)
    return [a / b for a, b in zip(sums, weights, strict=True) if b]


def bars(
    rows: Sequence[tuple[str, str, float | Interval]], label: str, name: str,
    *, middle: float | None = None,
) -> str:  # fmt: skip
    """A bar for each (side, what it is called, value), top to bottom; `middle` marks a line."""

    def draw(axes: "Axes") -> None:
        for place, (side, _, value) in enumerate(rows):
            mean = value.mean if isinstance(value, Interval) else value
            axes.barh(place, mean, height=0.56, color=_STAND_IN[SIDE_COLOURS.get(side, "ash")])
            if isinstance(value, Interval):
                axes.plot([value.low, value.high], [place, place], color=_STAND_IN["ink"])
            axes.annotate(
                f"{mean:.3g}", (value.high if isinstance(value, Interval) else mean, place),
                xytext=(5, 0), textcoords="offset points", va="center", fontsize=_SIZE,
            )  # fmt: skip
        axes.set_yticks(range(len(rows)), [called for _, called, _ in rows])
        axes.invert_yaxis()
        axes.margins(x=0.15)
        if middle is not None:
            axes.axvline(middle, color=_STAND_IN["ink-2"], linewidth=0.8, linestyle="--")

    return _svg(draw, label, name, (7.2, 0.5 + 0.38 * max(len(rows), 2)))


def groups(
    kinds: Sequence[str], rows: Sequence[tuple[str, Sequence[float]]], label: str, name: str
) -> str:
    """For each kind a bar of each side, side by side."""

    def draw(axes: "Axes") -> None:
        wide = 0.8 / max(len(rows), 1)
        for number, (side, values) in enumerate(rows):
            places = [place + (number - (len(rows) - 1) / 2) * wide for place in range(len(kinds))]
            axes.bar(places, values, width=wide * 0.92, color=_STAND_IN[SIDE_COLOURS[side]])
        axes.set_xticks(range(len(kinds)), kinds)

    return _svg(draw, label, name, (7.2, 2.6))


def lines(
    rows: Sequence[tuple[str, Mapping[int, float]]], label: str, name: str, x: str, y: str
) -> str:
    """A line for each side over lengths."""

    def draw(axes: "Axes") -> None:
        ticks = sorted({length for _, values in rows for length in values})
        for side, values in rows:
            axes.plot(
                [ticks.index(length) for length in values], list(values.values()),
                color=_STAND_IN[SIDE_COLOURS[side]], marker="o", markersize=4,
                linestyle="--" if side == "reference" else "-",
            )  # fmt: skip
        axes.set_xticks(range(len(ticks)), [f"{length:,}" for length in ticks])
        axes.set_ylim(bottom=0)
        axes.set_xlabel(x)
        axes.set_ylabel(y)

    return _svg(draw, label, name, (7.2, 2.8))


def _svg(draw: "Callable[[Axes], None]", label: str, name: str, size: tuple[float, float]) -> str:
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    ink, line = _STAND_IN["ink-2"], _STAND_IN["line"]
    looks: Any = {
        "svg.fonttype": "none", "svg.hashsalt": name, "font.size": _SIZE,
        "text.color": ink, "axes.labelcolor": ink, "xtick.color": ink, "ytick.color": ink,
        "axes.edgecolor": line, "axes.spines.top": False, "axes.spines.right": False,
        "axes.grid": True, "axes.axisbelow": True, "grid.color": line, "grid.linewidth": 0.5,
    }  # fmt: skip
    written = io.StringIO()
    with rc_context(looks), warnings.catch_warnings():
        # Its own face has no Chinese; the page's has, and the text stays text.
        warnings.filterwarnings("ignore", message="Glyph")
        figure = Figure(figsize=size, layout="constrained")
        draw(figure.subplots())
        figure.savefig(written, format="svg", transparent=True, metadata={"Date": None})
    return _inlined(written.getvalue(), label, name)


def _inlined(svg: str, label: str, name: str) -> str:
    """Without what belongs to a file of its own; ids apart from other charts'."""
    body = svg[svg.index("<defs>") :]
    box = re.search(r'viewBox="([^"]*)"', svg)
    body = re.sub(r"<style.*?</style>", "", body, count=1, flags=re.DOTALL)
    body = _GROUP_ID.sub("<g>", body)
    body = _REFERRED.sub(rf"\g<1>{name}-\g<2>", body)
    body = _FAMILY.sub("font-family: inherit", body)
    body = _FONT_SHORTHAND.sub(r"font-size: \1px; font-family: inherit", body)
    for colour, variable in _CSS.items():
        body = body.replace(colour, variable)
    view = box[1] if box else ""
    return (
        f'<svg role="img" aria-label="{escape(label)}" viewBox="{view}" '
        f'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">\n{body}'
    )
