"""A character's sheet as it stands at one place of the story, for whoever is looking.

A sheet is labelled paragraphs. A state (an author's “progression”) takes the place of the
paragraph of its label, or adds one, while it holds; of several that hold, the one that began
last in story time counts. What may not be shown is left out with its reason, and what it would
have replaced stands in its place: a point of view that has not heard of a change still sees
what was before it.

Knows nothing of prompts or rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from retrieval.timeline import FIRST, OVER, Began, View
from retrieval.types import SheetState, Validity

PRIVATE_LABELS = frozenset({"秘密"})
"""Labels whose paragraphs only the character knows, unless a state's `known_by` says who does.

It counts where a knower is set; the author, who is nobody in the story, sees them all.
"""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A piece of a sheet; `id` is its state's, empty for what the sheet itself says."""

    id: str
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Hidden:
    """A piece of a character's sheet that may not be shown, and why, for an author."""

    character_id: str
    paragraph: Paragraph
    reason: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What a sheet says at one place: the sheet's own labels first, in its order."""

    paragraphs: tuple[Paragraph, ...]
    hidden: tuple[Hidden, ...]

    @property
    def text(self) -> str:
        return "；".join(f"{p.label}：{p.text}" for p in self.paragraphs)


def standing(
    character_id: str, sheet: Mapping[str, str], states: Sequence[SheetState], view: View
) -> Standing:
    """The sheet with those of its states that hold; `states` may hold other characters' too."""
    own = [state for state in states if state.character_id == character_id]
    shown: list[Paragraph] = []
    hidden: list[Hidden] = []
    for label in dict.fromkeys([*sheet, *(state.label for state in own)]):
        first = SheetState("", character_id, label, sheet.get(label, ""), Validity())
        variants = [first, *(state for state in own if state.label == label)]
        variants = [state for state in variants if state.text.strip()]
        reasons = [view.refuses(validity_of(state)) for state in variants]
        told = list(zip(variants, reasons, strict=True))
        held = [state for state, reason in told if reason is None]
        if held:
            shown.append(_paragraph(_latest(held, view)))
        hidden += [Hidden(character_id, _paragraph(s), why) for s, why in told if why is not None]
    return Standing(tuple(shown), tuple(hidden))


def changed(then: Standing, now: Standing) -> tuple[Paragraph, ...] | None:
    """What a sheet says now that it did not say then, where saying so is enough for one who has
    read it as it stood then. None where it is not: a paragraph is gone without another in its
    place, or was read that may not be seen now."""
    labels = {p.label for p in now.paragraphs}
    unseen = {h.paragraph for h in now.hidden if h.reason != OVER}
    if any(p.label not in labels or p in unseen for p in then.paragraphs):
        return None
    return tuple(p for p in now.paragraphs if p not in then.paragraphs)


def validity_of(state: SheetState) -> Validity:
    """When a paragraph holds and who knows it: a private one its character alone, by default."""
    validity = state.validity
    if validity.known_by is not None or state.label not in PRIVATE_LABELS:
        return validity
    alone = {state.character_id: None}
    return Validity(validity.since, validity.until, alone, validity.placed)


def _latest(states: Sequence[SheetState], view: View) -> SheetState:
    """The one that began last in story time; of two at once, the later in the list."""

    def began(place: int) -> tuple[Began, int]:
        since = states[place].validity.since
        return view.timeline.began(since) if since is not None else FIRST, place

    return states[max(range(len(states)), key=began)]


def _paragraph(state: SheetState) -> Paragraph:
    return Paragraph(state.id, state.label, state.text.strip())
