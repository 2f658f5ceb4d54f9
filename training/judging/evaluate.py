"""Judging from beginning to end: one plan in, one report out.

Everything made on the way is kept in the plan's folder as it comes; the same plan started again
goes on where it was stopped, and where nothing is left to do only writes the report.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import cached_property, partial

from retrieval.errors import PromptTooLarge
from training.errors import BadInput, MissingBase
from training.judging import forgetting, long
from training.judging.cases import Case, cases_of, evenly, learned_texts, openings_of
from training.judging.comparing import ballots
from training.judging.curves import curves_of
from training.judging.generating import LocalWriter, Writer
from training.judging.identity import base_identity, tuned_identity
from training.judging.kept import Kept, key_of, written_by
from training.judging.likelihood import Likelihood, likelihoods
from training.judging.measured import Measured, Measures, looping_at, rouge_margin
from training.judging.model import Model, load_pair, load_template
from training.judging.outcomes import outcomes
from training.judging.perplexity import Perplexity, Weighed, gain, perplexity, weigh
from training.judging.plan import Plan
from training.judging.prompting import Messages, Prompts
from training.judging.recall import Recall, chapters_of_books, chapters_of_items
from training.judging.report import Example, General, Long, Rates, Report, Subject, Surprise
from training.judging.sides import NAMES, REFERENCE, Side
from training.judging.verdict import Ballot, verdict
from training.served.client import Sampling
from training.tuning.base import load_tokenizer
from training.tuning.template import ServedTemplate
from training.types import Progress

PAGE = 800
"""Characters of the author's that a judge is shown to know the style by."""
EXAMPLES = 8
LEAKED = 0.1
"""The share of the references in copies of the training set that is no chance any more."""


def judge_run(plan: Plan, progress: Progress | None = None) -> Report:
    """Do all that the plan asks for, write `report.json` and `report.html`, return the report.

    Raises MissingBase, EngineUnreachable, and BadInput where nothing was held out.
    """
    if not plan.held_out:
        raise BadInput("没有留出的数据，评测不了；请先用 yanchi data split 留出一部分。")
    return _Judging(plan, progress or _nobody_watches).report()


def _nobody_watches(done: int, total: int, note: str = "") -> None:
    pass


class _Judging:
    def __init__(self, plan: Plan, progress: Progress) -> None:
        self._plan, self._progress = plan, progress
        self._kept = Kept(plan.out / "kept.jsonl")
        self._missing: list[str] = []

    def report(self) -> Report:
        plan, began = self._plan, time.monotonic()
        surprise = self._surprise() if "perplexity" in plan.parts else None
        talks = plan.parts & {"general", "answers", "long"} and self._converses()
        general = self._general() if talks and "general" in plan.parts else None
        answers = self._answers() if talks and "answers" in plan.parts else {}
        texts = self._long() if talks and "long" in plan.parts else {}
        author = learned_texts(plan.train)
        measures = Measures(author)
        references = {case.id: case.reference for case in self._cases}
        margins = {
            side: rouge_margin(texts, answers[Side.BASE], references)
            for side, texts in answers.items()
            if side != Side.BASE and texts.keys() & answers[Side.BASE].keys()
        }
        measured = self._measured(measures, answers, references)
        voted = self._ballots(answers, author)
        judged = verdict(voted, [*reversed(answers)]) if voted else None
        report = Report(
            title=f"评测：{plan.name or plan.base.name}",
            created=f"{datetime.now().astimezone():%Y-%m-%d %H:%M}",
            seconds=time.monotonic() - began,
            subject=self._subject(),
            sides=tuple(answers),
            outcomes=outcomes(
                surprise, measured, answers, texts, measures.author, margins, general, judged
            ),
            surprise=surprise,
            measured=measured,
            margins=margins,
            long=self._told_long(texts, measures),
            general=general,
            verdict=judged,
            curves=curves_of(plan.run) if plan.run else None,
            examples=tuple(self._examples(answers, voted)),
            missing=tuple(self._missing),
        )
        report.write(plan.out)
        return report

    # --- what the parts stand on --------------------------------------------------------

    @cached_property
    def _models(self) -> dict[bool, Model]:
        """By whether they are tuned; loaded when the first part needs weights."""
        self._progress(0, 0, "载入模型")
        base, tuned = load_pair(self._plan.base, self._plan.tuned, self._plan.recipe.dtype)
        return {False: base} | ({True: tuned} if tuned is not None else {})

    def _converses(self) -> bool:
        """A base model may be without a chat template: then only its texts are weighed."""
        speech = load_tokenizer(self._plan.base)
        try:
            ServedTemplate(*speech)
        except MissingBase as error:
            self._missing.append(f"只算了困惑度：{error}")
            return False
        return True

    @cached_property
    def _identities(self) -> dict[bool, str]:
        plan = self._plan
        found = {False: base_identity(plan.base)}
        return found | ({True: tuned_identity(plan.base, plan.tuned)} if plan.tuned else {})

    @cached_property
    def _cases(self) -> list[Case]:
        return cases_of(self._plan.held_out, self._plan.cases, self._plan.length)

    @cached_property
    def _recall(self) -> Recall | None:
        plan = self._plan
        chapters = chapters_of_books(plan.books) if plan.books else chapters_of_items(plan.train)
        if not plan.retrieval or not chapters:
            return None
        note = partial(self._progress, note="读训练用的书")
        return Recall(plan.out / "index", chapters, progress=note)

    def _writer(self, tuned: bool) -> Writer:
        if self._plan.writers is not None:
            return self._plan.writers[tuned]
        return LocalWriter(self._models[tuned])

    # --- the parts ----------------------------------------------------------------------

    def _surprise(self) -> Surprise:
        plan = self._plan
        drawn = evenly(plan.held_out, plan.items)
        items, refused = weigh(drawn, self._models[False], plan.recipe)
        found = {tuned: self._perplexity(tuned, items) for tuned in self._models}
        base, tuned = found[False], found.get(True)
        return Surprise(
            base=Rates(base.per_token, base.per_character),
            tuned=Rates(tuned.per_token, tuned.per_character) if tuned else None,
            tokens=base.tokens,
            characters=sum(item.characters for item in items),
            items=len(items),
            refused=refused,
            gain=gain(base, tuned, items) if tuned and items else None,
        )

    def _perplexity(self, tuned: bool, items: Sequence[Weighed]) -> Perplexity:
        identity, kept = self._identities[tuned], self._kept
        examples = [example for item in items for example in item.examples]
        keys = [
            key_of("likelihood", identity, each.ids.tolist(), each.learned.tolist())
            for each in examples
        ]
        missing = [place for place, key in enumerate(keys) if key not in kept]
        note = partial(self._progress, note=f"困惑度：{_who(tuned)}")
        asked = [examples[place] for place in missing]
        for number, one in likelihoods(self._models[tuned], asked, note):
            kept[keys[missing[number]]] = [one.nats, one.tokens]
        return perplexity(items, (Likelihood(*kept[key]) for key in keys))

    def _general(self) -> General:
        found = {
            tuned: forgetting.answer_all(
                model, self._identities[tuned], self._kept, self._progress,
                f"一般能力：{_who(tuned)}",
            )
            for tuned, model in self._models.items()
        }  # fmt: skip
        return forgetting.compare(found[False], found.get(True))

    @cached_property
    def _sides(self) -> list[Side]:
        """Those that would recall are left out where there is nothing to."""
        plan = self._plan
        recalled = bool(self._cases) and all(case.recalls for case in self._cases)
        if plan.retrieval and recalled:
            self._missing.append("题里已有检索来的段落，不再另评带检索的两方。")
        elif plan.retrieval and self._recall is None:
            self._missing.append("没有可检索的书，带检索的两方未评。")
        may_recall = self._recall is not None and not recalled
        return [side for side in plan.sides if may_recall or not side.recalling]

    def _prompts(self, length: int) -> Prompts:
        plan = self._plan
        return Prompts(
            load_template(plan.base), plan.recipe, limit=plan.window, length=length,
            recall=self._recall, persona=plan.persona,
        )  # fmt: skip

    def _answers(self) -> dict[str, dict[str, str]]:
        """By side and case."""
        prompts = self._prompts(self._plan.length)
        found = {str(side): self._of_side(side, prompts) for side in self._sides}
        if self._recall and self._recall.kept_out:
            self._missing.append(
                f"检索到的段落里有 {self._recall.kept_out} 次含有要写的原文，没有给模型看。"
            )
        return found

    def _of_side(self, side: Side, prompts: Prompts) -> dict[str, str]:
        """Prompts that do not fit are told and left out."""
        asked: dict[str, Messages] = {}
        for case in self._cases:
            try:
                asked[case.id] = prompts.messages(case, side.recalling)
            except PromptTooLarge:
                self._missing.append(
                    f"{NAMES[side]}：{place_of(case)}的提示词放不进 {self._plan.window} 个词元。"
                )
        found = self._write(side, asked, self._plan.sampling, f"作答：{NAMES[side]}")
        if refused := len(asked) - len(found):
            self._missing.append(f"{NAMES[side]}：引擎不接受其中 {refused} 题。")
        return found

    def _write(
        self, side: Side, asked: Mapping[str, Messages], sampling: Sampling, note: str
    ) -> dict[str, str]:
        writer, identity = self._writer(side.tuned), self._identities[side.tuned]
        return written_by(self._kept, writer, identity, asked, sampling, self._progress, note)

    @cached_property
    def _openings(self) -> list[Case]:
        return openings_of(self._plan.held_out, self._plan.openings, self._plan.long)

    def _long(self) -> dict[str, dict[str, str]]:
        """By side and opening."""
        plan, openings = self._plan, self._openings
        if not openings:
            self._missing.append("留出的都是短的回答，没有可以接着写长的文字。")
            return {}
        prompts = self._prompts(long.STRETCH)
        return {
            str(side): long.write_long(
                long.Asked(
                    partial(prompts.messages, recalling=side.recalling),
                    partial(self._write, side),
                    f"写长篇：{NAMES[side]}",
                ),
                openings, plan.long, plan.sampling,
            )
            for side in self._sides
        }  # fmt: skip

    def _told_long(self, texts: Mapping[str, Mapping[str, str]], measures: Measures) -> Long | None:
        if not texts:
            return None
        own = {case.id: case.reference for case in self._openings if case.reference}
        sides = {**texts, REFERENCE: own} if own else texts
        first = self._openings[0]
        return Long(
            wanted=self._plan.long,
            openings=len(self._openings),
            at={side: looping_at(by_opening.values()) for side, by_opening in sides.items()},
            recited={side: measures.recited(by_opening) for side, by_opening in sides.items()},
            opening=first.before,
            texts={
                s: by_opening[first.id] for s, by_opening in sides.items() if first.id in by_opening
            },
        )

    def _measured(
        self,
        measures: Measures,
        answers: Mapping[str, Mapping[str, str]],
        references: Mapping[str, str],
    ) -> dict[str, Measured]:
        if not answers:
            return {}
        self._progress(0, 0, "计量")
        found = {side: measures.of(texts, references) for side, texts in answers.items()}
        own = measures.of(references, None)
        if own.recited and own.recited.share > LEAKED:
            self._missing.append(
                f"留出的原文有 {100 * own.recited.share:.0f}% 一字不差地也在训练集里，"
                "这样评不出高下；请用 yanchi data audit 查一查，再重新留出。"
            )
        return found | {REFERENCE: own}

    def _ballots(
        self, answers: Mapping[str, Mapping[str, str]], author: Sequence[str]
    ) -> list[Ballot]:
        if self._plan.judge is None or not answers:
            self._missing.append("没有请模型评判（--judge），逻辑性、背景知识、文风未评。")
            return []
        page = "\n".join(author)[:PAGE]
        return ballots(self._cases, answers, self._plan.judge, self._kept, page, self._progress)

    # --- what the report shows ----------------------------------------------------------

    def _subject(self) -> Subject:
        plan = self._plan
        return Subject(
            adapter=plan.name,
            run=plan.run.name if plan.run else "",
            base=plan.base.name,
            data=plan.data,
            digest=plan.digest,
            cases=len(self._cases),
            books=tuple(book.stem for book in plan.books),
            sampling=asdict(plan.sampling),
            writer="、".join(sorted({w.name for w in plan.writers.values()}))
            if plan.writers else LocalWriter.name,
            judge=plan.judge.name if plan.judge else "",
        )  # fmt: skip

    def _examples(
        self, answers: Mapping[str, Mapping[str, str]], voted: Sequence[Ballot]
    ) -> Iterator[Example]:
        votes = {
            (ballot.case, ballot.criterion): ballot.there
            for ballot in voted
            if (ballot.one, ballot.other) == (Side.TUNED, Side.BASE)
        }
        for case in self._cases[:EXAMPLES] if answers else ():
            yield Example(
                case=case.id,
                place=place_of(case),
                asked=case.asked,
                reference=case.reference,
                answers={s: texts[case.id] for s, texts in answers.items() if case.id in texts},
                votes={name: vote for (id, name), vote in votes.items() if id == case.id},
            )


def _who(tuned: bool) -> str:
    return NAMES[Side.TUNED if tuned else Side.BASE]


def place_of(case: Case) -> str:
    """Where a case comes from, for people; its id where the data do not say."""
    told = " · ".join(part for part in (case.origin.source, case.origin.place) if part)
    return told or case.id
