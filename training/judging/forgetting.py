"""The general questions before and after tuning, question by question."""

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial

from retrieval.evaluate import paired_interval
from retrieval.types import Message
from training.judging.generating import LocalWriter
from training.judging.kept import Kept, key_of, make
from training.judging.model import Model
from training.judging.probe import KINDS, TOKENS, Answered, accuracy, choose, questions, written
from training.judging.report import General
from training.served.client import Sampling
from training.types import Progress


def answer_all(
    model: Model, identity: str, kept: Kept, progress: Progress, note: str
) -> list[Answered]:
    """Every question by one model; `identity` says which, for what is kept."""
    asked = questions()
    keys = {each.id: key_of("general", identity, asdict(each)) for each in asked}
    chosen = [each for each in asked if not each.written and keys[each.id] not in kept]
    for answered in choose(model, chosen, partial(progress, note=note)):
        kept[keys[answered.id]] = answered.answer
    prompts = {keys[each.id]: (Message("user", each.prompt),) for each in asked if each.written}
    make(kept, LocalWriter(model), prompts, Sampling(TOKENS, temperature=0.0), progress, note)
    return [_answered(each.id, kept[keys[each.id]]) for each in asked]


def _answered(id: str, answer: str) -> Answered:
    question = next(each for each in questions() if each.id == id)
    if question.written:
        return written(question, answer)
    right = answer == question.options[question.right]
    return Answered(question.id, question.kind, answer, right)


def compare(base: Sequence[Answered], tuned: Sequence[Answered] | None) -> General:
    if tuned is None:
        return General(len(base), _shares(base), None, None)
    asked = {each.id: each.prompt for each in questions()}
    changed = [(b, t) for b, t in zip(base, tuned, strict=True) if b.right != t.right]
    told = [(b.right, (asked[b.id], b.answer, t.answer)) for b, t in changed]
    return General(
        questions=len(base),
        base=_shares(base),
        tuned=_shares(tuned),
        margin=paired_interval([each.right for each in tuned], [each.right for each in base]),
        lost=tuple(row for was_right, row in told if was_right),
        won=tuple(row for was_right, row in told if not was_right),
    )


def _shares(answered: Sequence[Answered]) -> dict[str, float]:
    return {**{kind: accuracy(answered, kind) for kind in KINDS}, "all": accuracy(answered)}
