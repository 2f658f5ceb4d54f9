"""Long texts: every side goes on with a beginning, stretch after stretch, as an author who asks
for more and takes all of it.

Models fall into loops after some thousand characters; answers of a few hundred do not show it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from retrieval.errors import PromptTooLarge
from retrieval.measures.letters import bare
from training.judging.cases import Case
from training.judging.prompting import Messages
from training.served.client import Sampling

STRETCH = 500
"""Characters, and tokens at most, that are asked for at once."""

Write = Callable[[Mapping[str, Messages], Sampling, str], Mapping[str, str]]
"""Prompts by case, how, and what is told meanwhile -> answers by case, as far as there are."""


@dataclass(frozen=True, slots=True)
class Asked:
    """How one side is asked, and who answers; `note` says to people which it is."""

    ask: Callable[[Case], Messages]
    write: Write
    note: str


def write_long(
    asked: Asked, openings: Sequence[Case], wanted: int, sampling: Sampling
) -> dict[str, str]:
    """By opening, about `wanted` characters that go on with it; fewer where the model ended the
    text, by writing nothing more, or its prompt did not fit."""
    written = {case.id: "" for case in openings}
    going = list(openings)
    while going:
        stretches = _stretches(asked, going, written, sampling)
        for id, text in stretches.items():
            written[id] += text
        going = [
            case
            for case in going
            if stretches.get(case.id, "").strip() and len(bare(written[case.id])) < wanted
        ]
    return written


def _stretches(
    asked: Asked, going: Sequence[Case], written: Mapping[str, str], sampling: Sampling
) -> Mapping[str, str]:
    """The next stretch of every text. Its seed is its own: the same draws again would themselves
    be a loop."""
    prompts: dict[str, Messages] = {}
    for case in going:
        try:
            prompts[case.id] = asked.ask(replace(case, before=case.before + written[case.id]))
        except PromptTooLarge:
            continue
    done = max((len(written[case.id]) for case in going), default=0)
    how = replace(sampling, tokens=STRETCH, seed=sampling.seed + done)
    return asked.write(prompts, how, f"{asked.note}，已有 {done:,} 字")
