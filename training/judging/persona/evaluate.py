"""Judging a persona from beginning to end: one plan in, one report out.

Every answer is kept in the plan's folder as it comes; the same plan started again goes on where
it was stopped.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Literal

from retrieval.measures.letters import bare
from retrieval.types import Message
from training.errors import BadInput
from training.judging.cases import evenly
from training.judging.generating import Writer
from training.judging.kept import Kept, written_by
from training.judging.persona.character import character_probes
from training.judging.persona.desk import Persona, PersonaDesk, Question
from training.judging.persona.intervals import by_group
from training.judging.persona.later import later_probes
from training.judging.persona.probing import Kind, Probe
from training.judging.persona.report import (
    Asked,
    Cell,
    Example,
    Measure,
    Report,
    Subject,
    Written,
)
from training.judging.persona.ruling import rulings
from training.judging.persona.scenes import Case, Held, Line, Play, chosen
from training.judging.persona.sheet import Sheet, sheet_probes
from training.judging.persona.sides import NAMES, OTHER, REFERENCE, Side
from training.judging.persona.speaker import Accuracy, Classifier, accuracy, learnable
from training.judging.persona.spoken import ended, spoken
from training.judging.persona.voice import Voice
from training.served.client import Sampling
from training.types import Progress, Turn

QUOTED = 8
"""Letters from which on a line that stands in the card is no chance."""

Answers = Mapping[str, Mapping[str, str]]
"""By side, and by the name of what was asked."""


@dataclass(frozen=True)
class Plan:
    """Two plans with the same `out` share what was made for both."""

    play: Play
    held: Held
    desk: PersonaDesk
    persona: Persona
    out: Path
    adapter: str = ""
    """What the desk calls it; empty: only the base is judged."""
    scenes: int = 8
    lines: int = 4
    """Scenes at most, and lines of each, drawn evenly."""
    sampling: Sampling = field(default_factory=lambda: Sampling(tokens=160))
    judge: Writer | None = None
    doubts: tuple[str, ...] = ()
    """What a reader should know of how the plan was made."""

    @property
    def sides(self) -> list[Side]:
        return [side for side in Side if self.adapter or not side.tuned]


def judge_persona(plan: Plan, progress: Progress) -> Report:
    """Ask and measure all, write `report.json` and `report.html`, return the report.

    Raises EngineUnreachable, and BadInput where no line is left to judge by.
    """
    return _Judging(plan, progress).report()


class _Judging:
    def __init__(self, plan: Plan, progress: Progress) -> None:
        self._plan, self._progress = plan, progress
        self._kept = Kept(plan.out / "kept.jsonl")
        self._missing = list(plan.doubts)
        drawn = chosen(plan.play, plan.held, plan.scenes, plan.lines)
        self._cases = self._not_in_the_card(drawn)

    def report(self) -> Report:
        plan, began = self._plan, time.monotonic()
        probes = self._probes()
        answers = self._answers(probes)
        measures = [*self._of_scenes(answers), *self._of_probes(probes, answers)]
        report = Report(
            title=f"人物评测：{plan.persona.name}",
            created=f"{datetime.now().astimezone():%Y-%m-%d %H:%M}",
            seconds=time.monotonic() - began,
            subject=self._subject(),
            sides=tuple(answers),
            measures=tuple(measures),
            written={side: self._written(told) for side, told in answers.items()},
            classifier=self._accuracy,
            examples=tuple(self._example(case, answers) for case in self._cases),
            asked=tuple(_asked(probe, answers) for probe in probes),
            missing=tuple(dict.fromkeys(self._missing)),
        )
        report.write(plan.out)
        return report

    # --- what is asked ------------------------------------------------------------------

    def _not_in_the_card(self, cases: Sequence[Case]) -> list[Case]:
        """A line that the card quotes is no test of who has the card."""
        card = bare("\n".join(self._plan.persona.parts))
        fit = [
            case for case in cases
            if not (len(line := bare(spoken(case.reference))) >= QUOTED and line in card)
        ]  # fmt: skip
        if len(fit) < len(cases):
            self._missing.append(f"留出的话里有 {len(cases) - len(fit)} 句就写在人物卡上，没有用。")
        if not fit:
            raise BadInput(f"留出的场次里没有{self._plan.play.role}可以评的话，请多留出几场。")
        return fit

    @cached_property
    def _sheet(self) -> Sheet:
        plan = self._plan
        return plan.desk.sheet(plan.persona, plan.play.names, plan.play.company)

    def _probes(self) -> list[Probe]:
        plan = self._plan
        later = plan.desk.later(plan.persona)
        probes = [*sheet_probes(self._sheet), *character_probes(plan.persona.parts)]
        if later is None:
            self._missing.append("人物没有站在哪部作品的哪一处，说没说往后的事未评。")
            return probes
        of_later = [*later_probes(later)]
        if not of_later:
            self._missing.append(
                "书里在人物所站之处以后没有记下的事实和新人物，说没说往后的事未评。"
            )
        return [*probes, *of_later]

    def _answers(self, probes: Sequence[Probe]) -> Answers:
        asked = {case.id: Question(case.turns, case.reference) for case in self._cases}
        asked |= {probe.id: Question((Turn("user", probe.question),)) for probe in probes}
        prompts: dict[bool, dict[str, tuple[Message, ...]]] = {}
        found: dict[str, dict[str, str]] = {}
        for side in self._plan.sides:
            if side is Side.BASE:
                bare_prompts = {name: _messages(each) for name, each in asked.items()}
                found[side] = self._of_side(side, bare_prompts)
                continue
            if side.recalling not in prompts:
                prompts[side.recalling] = self._prompts(asked, side)
            found[side] = self._of_side(side, prompts[side.recalling])
        return found

    def _prompts(self, asked: Mapping[str, Question], side: Side) -> dict[str, tuple[Message, ...]]:
        plan = self._plan
        note = f"向书桌要提示词：{NAMES[side]}"
        found = plan.desk.prompts(plan.persona, asked, side.recalling, self._progress, note)
        if kept_out := sum(each.kept_out for each in found.values()):
            self._missing.append(
                f"{NAMES[side]}：提示词里有 {kept_out} 处含有要说的原话，没有给模型看。"
            )
        return {name: each.messages for name, each in found.items()}

    def _of_side(self, side: Side, prompts: Mapping[str, tuple[Message, ...]]) -> dict[str, str]:
        plan, all_asked = self._plan, len(self._cases)
        writer = plan.desk.writer(plan.adapter if side.tuned else plan.desk.base)
        told = written_by(
            self._kept, writer, "persona", prompts, plan.sampling, self._progress,
            f"作答：{NAMES[side]}",
        )  # fmt: skip
        if refused := all_asked - sum(case.id in told for case in self._cases):
            self._missing.append(f"{NAMES[side]}：有 {refused} 句书桌没有接受，没有计入。")
        return {name: ended(text, plan.persona.name, plan.persona.user)
                for name, text in told.items()}  # fmt: skip

    # --- what is measured ---------------------------------------------------------------

    @cached_property
    def _learned(self) -> list[Line]:
        held = self._plan.held.scenes
        return [line for line in self._plan.play.lines if line.scene not in held]

    @cached_property
    def _own(self) -> list[str]:
        return [line.text for line in self._learned if line.speaker == self._plan.play.role]

    @cached_property
    def _classifier(self) -> Classifier | None:
        texts = learnable([(line.speaker, line.text) for line in self._learned])
        if len(texts) > 1 and self._plan.play.role in texts:
            return Classifier(texts)
        self._missing.append("其余场次里话够多的人不到两个（或没有本人），认不出是谁说的。")
        return None

    @cached_property
    def _accuracy(self) -> Accuracy | None:
        known = self._classifier
        if known is None:
            return None
        held = [(line.speaker, line.text) for line in self._plan.play.lines
                if line.scene in self._plan.held.scenes and line.speaker in known.names]  # fmt: skip
        return accuracy(known, self._plan.play.role, held) if held else None

    @cached_property
    def _floor(self) -> list[Line]:
        """What another says most in the scenes that are judged."""
        scenes = {case.scene for case in self._cases}
        said = [self._plan.play.of(name, scenes) for name in self._plan.play.company]
        return max(said, key=len, default=[])

    def _said(self, answers: Answers) -> dict[str, list[tuple[str, str]]]:
        """(scene, what is said there) by side, the own and the other's lines too."""
        found = {
            side: [(case.scene, spoken(told[case.id])) for case in self._cases if case.id in told]
            for side, told in answers.items()
        }
        found[REFERENCE] = [(case.scene, spoken(case.reference)) for case in self._cases]
        by_scene: dict[str, list[Line]] = {}
        for line in self._floor:
            by_scene.setdefault(line.scene, []).append(line)
        found[OTHER] = [
            (line.scene, line.text)
            for lines in by_scene.values() for line in evenly(lines, self._plan.lines)
        ]  # fmt: skip
        return found

    def _of_scenes(self, answers: Answers) -> Iterable[Measure]:
        said = self._said(answers)
        joined = {side: _by_scene(lines) for side, lines in said.items()}
        if self._own:
            voice = Voice(self._own, [line.text for line in self._learned])
            yield self._measure("distance", joined, voice.distance)
            yield self._measure("likeness", joined, voice.likeness)
        else:
            self._missing.append("其余场次里没有本人的话，口吻像不像未评。")
        known = self._classifier
        if known is not None:
            role = self._plan.play.role
            yield self._measure("speaker", said, lambda text: float(known.who(text) == role))

    def _measure(
        self,
        code: "Code",
        texts: Mapping[str, Iterable[tuple[str, str]]],
        value: Callable[[str], float],
    ) -> Measure:
        cells = {
            side: _cell([(scene, value(text)) for scene, text in lines])
            for side, lines in texts.items()
        }
        return _measured(code, cells)

    def _of_probes(self, probes: Sequence[Probe], answers: Answers) -> Iterable[Measure]:
        yield self._failing("contradicts", "sheet", probes, answers)
        if self._plan.judge is not None:
            yield self._judged(self._plan.judge, probes, answers)
        else:
            self._missing.append("没有请模型评判（--judge），与人物卡的矛盾只照规则判。")
        kept = self._failing("character", "character", probes, answers)
        cells = {side: cell and _of_the_rest(cell) for side, cell in kept.cells.items()}
        yield _measured("character", cells)
        yield self._failing("leaks", "later", probes, answers)

    def _failing(
        self, code: "Code", kind: Kind, probes: Sequence[Probe], answers: Answers
    ) -> Measure:
        """The share of answers that the rules catch; each question is a group by itself."""
        asked = [probe for probe in probes if probe.kind == kind]
        cells = {
            side: _cell([(p.id, float(bool(p.fails(told[p.id])))) for p in asked if p.id in told])
            for side, told in answers.items()
        }
        return _measured(code, cells)

    def _judged(self, judge: Writer, probes: Sequence[Probe], answers: Answers) -> Measure:
        cells: dict[str, Cell | None] = {}
        dropped = 0
        for side, told in answers.items():
            asked = {
                p.id: (p.question, told[p.id])
                for p in probes if p.kind == "sheet" and told.get(p.id, "").strip()
            }  # fmt: skip
            found = rulings(judge, self._sheet.text, asked, self._kept, self._progress)
            dropped += sum(ruling is None for ruling in found.values())
            cells[side] = _cell([(id, float(r)) for id, r in found.items() if r is not None])
        if dropped:
            self._missing.append(f"评判里有 {dropped} 个判断不合格式或引不出原句，没有计入。")
        return _measured("contradicts_judged", cells)

    # --- what the report shows ----------------------------------------------------------

    def _subject(self) -> Subject:
        plan = self._plan
        return Subject(
            persona=plan.persona.name,
            slug=plan.persona.slug,
            role=plan.play.role,
            base=plan.desk.base,
            adapter=plan.adapter,
            source=plan.play.title,
            held_out=plan.held.why,
            scenes=tuple(dict.fromkeys(case.scene for case in self._cases)),
            lines=len(self._cases),
            learned=len(self._own),
            sampling=asdict(plan.sampling),
            judge=plan.judge.name if plan.judge else "",
            other=self._floor[0].speaker if self._floor else "",
        )

    def _written(self, told: Mapping[str, str]) -> Written:
        lengths = [len(bare(told[case.id])) for case in self._cases if case.id in told]
        return Written(
            len(told), sum(not text.strip() for text in told.values()),
            sum(lengths) / len(lengths) if lengths else 0.0,
        )  # fmt: skip

    def _example(self, case: Case, answers: Answers) -> Example:
        found = {side: told[case.id] for side, told in answers.items() if case.id in told}
        texts = {REFERENCE: case.reference, **found}
        known = self._classifier
        who = {side: known.who(spoken(text)) for side, text in texts.items()} if known else {}
        return Example(case.scene, case.turns[-1].text, case.reference, found, who)


Code = Literal[
    "distance", "likeness", "speaker", "contradicts", "contradicts_judged", "character", "leaks"
]
_MEASURES: Mapping[Code, tuple[str, Literal["high", "low"], str, bool]] = {
    "distance": ("文风的距离", "low", "场", False),
    "likeness": ("用字的相近", "high", "场", False),
    "speaker": ("认得出是本人", "high", "场", True),
    "contradicts": ("与人物卡矛盾", "low", "题", True),
    "contradicts_judged": ("与人物卡矛盾（模型判）", "low", "题", True),
    "character": ("守住角色", "high", "题", True),
    "leaks": ("说出往后的事", "low", "题", True),
}
"""What each is called, which way is better, what intervals draw anew, whether it is a share."""


def _measured(code: Code, cells: Mapping[str, Cell | None]) -> Measure:
    name, better, group, share = _MEASURES[code]
    return Measure(code, name, better, group, cells, share)


def _cell(values: Sequence[tuple[str, float]]) -> Cell | None:
    found = by_group(values)
    return Cell(found[0], len(values), found[1]) if found else None


def _of_the_rest(cell: Cell) -> Cell:
    """The share that did not."""
    mean, low, high = cell.value
    return Cell(type(cell.value)(1 - mean, 1 - high, 1 - low), cell.answers, cell.groups)


def _by_scene(lines: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """All that is said in a scene as one text."""
    found: dict[str, list[str]] = {}
    for scene, text in lines:
        found.setdefault(scene, []).append(text)
    return [(scene, "\n".join(texts)) for scene, texts in found.items()]


def _asked(probe: Probe, answers: Answers) -> Asked:
    told = {side: by_name[probe.id] for side, by_name in answers.items() if probe.id in by_name}
    failed = {side: words for side, text in told.items() if (words := probe.fails(text))}
    return Asked(probe.id, probe.kind, probe.question, probe.holds, told, failed)


def _messages(question: Question) -> tuple[Message, ...]:
    return tuple(
        Message(turn.role, turn.text)
        for turn in question.turns
        if turn.role in ("user", "assistant")
    )
