"""A project's bible, from its files to rows: what changes of sheets and relations, facts, threads.

A place in these files is a chapter's number, counted from 1, and the words it lies behind:
`{"chapter": 7, "after": "…"}`; without words it is the chapter's end. Who knows something is
`{"name": …}` with such a place, or without one for who always knew. Format: data/sample/README.md.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlmodel import Session

from server.errors import Invalid
from server.manuscript import book_texts, list_characters
from server.models import (
    Character,
    Fact,
    Knowers,
    Progression,
    Relation,
    Thread,
    ThreadEvent,
    Work,
)

CURRENT_STATE = "此刻"
"""The sheet's label in a story file that holds from the end of what is written."""

Spec = Mapping[str, Any]
Place = tuple[str | None, int]
"""A chapter's id and an offset; None: before the book begins."""


class Bible:
    """The chapters and people of one work, for finding what its files name."""

    def __init__(self, session: Session, work: Work) -> None:
        self._session = session
        self._work = work
        self._chapters = book_texts(session, work.id)
        self._cast = list_characters(session, work.id)
        self._people: dict[str, Character] = {}
        for character in self._cast:
            for name in (character.name, *character.aliases):
                self._people.setdefault(name, character)

    def add_progressions(self, progressions: Sequence[Spec]) -> None:
        """The story file's own list, then every sheet's present state.

        Raises Invalid for a chapter, a person or words that are not there.
        """
        for spec in progressions:
            known_by = spec.get("known_by")
            self._session.add(
                Progression(
                    work_id=self._work.id,
                    character_id=self._person(spec["character"]).id,
                    label=spec["label"],
                    text=spec["text"],
                    known_by=None if known_by is None else self._knowers(known_by),
                    **self._span(spec),
                )
            )
        for character in self._cast:
            self._move_present(character)

    def add_relations(self, relations: Sequence[Spec]) -> None:
        """What people are to each other. Raises as `add_progressions`."""
        for spec in relations:
            known_by = spec.get("known_by")
            self._session.add(
                Relation(
                    work_id=self._work.id,
                    a=self._person(spec["a"]).id,
                    b=self._person(spec["b"]).id,
                    label=spec["label"],
                    mutual=spec.get("mutual", True),
                    note=spec.get("note", ""),
                    known_by=None if known_by is None else self._knowers(known_by),
                    **self._span(spec),
                )
            )

    def add_threads(self, threads: Sequence[Spec]) -> None:
        """Threads with the words that plant, advance and resolve them. Raises Invalid for a
        chapter or words that are not there."""
        for spec in threads:
            thread = Thread(
                work_id=self._work.id,
                title=spec["name"],
                note=spec.get("note", ""),
                importance=spec.get("importance", 2),
                due_note=spec.get("due_note", ""),
            )
            self._session.add(thread)
            self._session.flush()
            told = [("plant", spec["planted"]), *(("advance", e) for e in spec.get("advanced", []))]
            if spec.get("resolved"):
                told.append(("resolve", spec["resolved"]))
            for kind, event in told:
                chapter_id, end = self._behind(event["chapter"], event["evidence"])
                self._session.add(
                    ThreadEvent(
                        thread_id=thread.id, kind=kind, chapter_id=chapter_id, offset=end,
                        quote=event["evidence"],
                    )
                )  # fmt: skip

    def add_facts(self, facts: Sequence[Spec]) -> None:
        """Facts with the words that prove them; each holds from these words on.

        Who came to know one in the chapter that states it did so there; in another chapter, at
        its end at the latest. Raises Invalid for a chapter or words that are not there.
        """
        for spec in facts:
            chapter_id, end = self._behind(spec["chapter"], spec["evidence"])
            subject = self._people.get(spec["entity"])
            self._session.add(
                Fact(
                    work_id=self._work.id,
                    character_id=subject.id if subject else None,
                    entity=spec["entity"],
                    attribute=spec["attribute"],
                    value=spec["value"],
                    since_chapter_id=chapter_id,
                    since_offset=end,
                    known_by=[
                        self._knower(self._people[one["name"]], self._learned(one, spec, end))
                        for one in spec["known_by"]
                        if one["name"] in self._people
                    ],
                    evidence=spec["evidence"],
                    evidence_chapter_id=chapter_id,
                    evidence_start=end - len(spec["evidence"]),
                    evidence_end=end,
                    evidence_revision=1,
                    origin="import",
                )
            )

    def _move_present(self, character: Character) -> None:
        """A sheet's present becomes a state from the end of what is written."""
        sheet = dict(character.sheet)
        present = sheet.pop(CURRENT_STATE, "")
        written = [c for c in self._chapters if c.text.strip()]
        if not present or not written:
            return
        character.sheet = sheet
        self._session.add(
            Progression(
                work_id=self._work.id,
                character_id=character.id,
                label=CURRENT_STATE,
                text=present,
                since_chapter_id=written[-1].id,
                since_offset=len(written[-1].text),
            )
        )

    def _learned(self, one: Spec, fact: Spec, end: int) -> Place:
        number = one["since_chapter"]
        if number == 0:
            return None, 0
        if number == fact["chapter"]:
            return self._chapter(number), end
        return self._behind(number, None)

    def _span(self, spec: Spec) -> dict[str, Any]:
        since, until = self._place(spec.get("since")), self._place(spec.get("until"))
        return {
            "since_chapter_id": since[0], "since_offset": since[1],
            "until_chapter_id": until[0], "until_offset": until[1],
        }  # fmt: skip

    def _knowers(self, known_by: Sequence[Spec]) -> Knowers:
        return [
            self._knower(self._person(one["name"]), self._place(one if "chapter" in one else None))
            for one in known_by
        ]

    def _knower(self, character: Character, place: Place) -> dict[str, Any]:
        return {"character_id": character.id, "chapter_id": place[0], "offset": place[1]}

    def _place(self, spec: Spec | None) -> Place:
        return (None, 0) if spec is None else self._behind(spec["chapter"], spec.get("after"))

    def _behind(self, number: int, words: str | None) -> tuple[str, int]:
        chapter_id = self._chapter(number)
        text = self._chapters[number - 1].text
        if words is None:
            return chapter_id, len(text)
        start = text.find(words)
        if start < 0:
            raise Invalid(f"第 {number} 章里没有“{words}”这句话，请改正设定里的引文。")
        return chapter_id, start + len(words)

    def _chapter(self, number: int) -> str:
        if not 1 <= number <= len(self._chapters):
            raise Invalid(f"设定里提到第 {number} 章，书里没有这一章，请改正。")
        return self._chapters[number - 1].id

    def _person(self, name: str) -> Character:
        if name not in self._people:
            raise Invalid(f"设定里提到“{name}”，人物里没有这个名字，请改正。")
        return self._people[name]
