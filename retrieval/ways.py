"""The ways in which the chapters of a source can be told, and what each is called."""

from collections import Counter
from collections.abc import Collection, Sequence

from retrieval.bare_titles import bare_titles, numbered_lines
from retrieval.blank_lines import Layout
from retrieval.book import AUTO, Choice, Mark, Source, Way
from retrieval.errors import ReadError
from retrieval.headings import APART, NUMBERS, WHOLE, candidates, choose, sure_units
from retrieval.marks import by_depth

_DEPTH = "h"
_NAMES = "一二三四五六"


def choice_by(source: Source, marks: Sequence[Mark], declared: Collection[int], way: str) -> Choice:
    """The headings that this way finds; lines that are `declared` otherwise are none.

    Raises ReadError for a way that there is not.
    """
    if marks and way == AUTO:
        return by_depth(marks)
    if any(way == f"{_DEPTH}{m.level}" for m in marks):
        return by_depth(marks, int(way.removeprefix(_DEPTH)))
    if way not in (AUTO, APART, NUMBERS, WHOLE) and way not in _units(source.lines):
        raise ReadError("这个文件里没有这样的章节标题，请换一种分章方式。")
    return choose(["" if i in declared else s for i, s in enumerate(source.lines)], way)


def ways(source: Source, marks: Sequence[Mark], used: str, choice: Choice) -> tuple[Way, ...]:
    """All that would find something, the rules' own first; `used` is the one that `choice` is."""
    auto = Way(AUTO, f"自动（{_told(choice)}）" if used == AUTO else "自动")
    levels = Counter(m.level for m in marks)
    found = [
        Way(f"{_DEPTH}{n}", f"{_NAMES[n - 1]}级标题（{levels[n]} 处）") for n in sorted(levels)
    ]
    found += [Way(u, f"{_shape(u)}（{n} 处）") for u, n in _units(source.lines).most_common()]
    layout = Layout(source.lines)
    numbers, apart = numbered_lines(layout)[0], bare_titles(layout, (), wanted=True)
    if numbers:
        found.append(Way(NUMBERS, f"单独成行的序号（{len(numbers)} 处）"))
    if apart and len(apart) < len(layout.filled) // 2:
        found.append(Way(APART, f"前后空行的短行（{len(apart)} 处）"))
    return (auto, *found, Way(WHOLE, "不分章"))


def _units(lines: Sequence[str]) -> Counter[str]:
    return sure_units(candidates(lines, Layout(lines)))


def _told(choice: Choice) -> str:
    """第N章 + 楔子: the shapes of the headings, the commonest first."""
    headings = [c.heading for c in choice.headings if not c.is_volume]
    units = Counter(h.unit for h in headings if h.unit)
    told = [_shape(unit) for unit, _ in units.most_common(2)]
    told += [h.title.split()[0][:6] for h in headings if h.kind != "chapter"][:1]
    return " + ".join(told) or ("标题" if headings else "不分章")


def _shape(unit: str) -> str:
    return f"{unit.capitalize()} N" if unit.isascii() else f"第N{unit}"
