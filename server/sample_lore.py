"""Lorebooks from a project's own file, places and people by name (see `bible.py`)."""

import json
from pathlib import Path
from typing import Any

from sqlmodel import Session

from server.bible import Bible, Spec
from server.lore import add_book, add_entry
from server.models import Work
from server.schemas.lore import BookNew, EntryNew


def add_lore(session: Session, work: Work, file: Path) -> None:
    """One book, as in data/sample/lore.json; nothing where the file is absent.

    Raises Invalid for a chapter, a person or words that are not there.
    """
    if not file.is_file():
        return
    told = json.loads(file.read_text(encoding="utf-8"))
    entries = told.pop("entries")
    book = add_book(session, work.id, BookNew(**told).model_dump(mode="json"))
    when = _When(session, work)
    for spec in entries:
        plain = {k: v for k, v in spec.items() if k not in ("since", "until", "known_by")}
        entry = EntryNew(**plain, **when.of(spec))
        add_entry(session, book, entry.model_dump(mode="json"))


class _When(Bible):
    def of(self, spec: Spec) -> dict[str, Any]:
        """The columns for its `since`, `until` and `known_by`."""
        known_by = spec.get("known_by")
        return {
            **self._span(spec),
            "known_by": None if known_by is None else self._knowers(known_by),
        }
