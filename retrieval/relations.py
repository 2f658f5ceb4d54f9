"""What people are to each other at one place of the story, for whoever is looking.

A relation says what `b` is to `a`; a mutual one says it of both. What holds stands as a paragraph
of the sheet, “与许蘅：故人”; what may not be shown is left out with its reason, as with every
paragraph of a sheet (`retrieval.states`). Several may hold between two people at once.

Knows nothing of prompts or rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from retrieval.states import Hidden, Paragraph, Standing
from retrieval.timeline import View
from retrieval.types import Validity


@dataclass(frozen=True, slots=True)
class Relation:
    """What the character `b` is to the character `a`, both by id."""

    id: str
    a: str
    b: str
    label: str
    mutual: bool
    validity: Validity

    def other(self, character_id: str) -> str | None:
        """Whom a character's own sheet names by it; None where it is no matter of theirs."""
        if character_id == self.a:
            return self.b
        return self.a if self.mutual and character_id == self.b else None


def standing_relations(relations: Sequence[Relation], view: View) -> list[Relation]:
    """Those that hold at the place and may be seen there."""
    return [relation for relation in relations if view.refuses(relation.validity) is None]


def with_relations(
    sheet: Standing,
    character_id: str,
    relations: Sequence[Relation],
    names: Mapping[str, str],
    view: View,
) -> Standing:
    """The sheet and, behind it, what its character is to others; `names` are theirs by id."""
    shown: list[Paragraph] = []
    hidden: list[Hidden] = []
    for relation in relations:
        name = names.get(relation.other(character_id) or "")
        if name is None:
            continue
        paragraph = Paragraph(relation.id, f"与{name}", relation.label)
        reason = view.refuses(relation.validity)
        if reason is None:
            shown.append(paragraph)
        else:
            hidden.append(Hidden(character_id, paragraph, reason))
    return Standing((*sheet.paragraphs, *shown), (*sheet.hidden, *hidden))
