"""A desk's log of generations as drafts, read over its HTTP API.

Only what was judged is read. A chapter's revisions tell which candidate was taken and what the
author made of it.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from training.data.preferences import MADE_BY, Draft, taken, was_mended
from training.errors import BadInput
from training.types import Origin, Refusal, Turn

Get = Callable[..., Any]
"""The JSON that a desk answers to GET, `get(path, **parameters)`."""

PAGE = 500
_HOW = frozenset({"sampling", "adapter", "candidates"})
"""Of a request: how it was written, not what was asked for."""


def chosen_works(get: Get, wanted: Sequence[str]) -> list[Mapping[str, Any]]:
    """The works of these titles or ids, all of them where none is named. Raises BadInput."""
    works: list[Mapping[str, Any]] = get("/api/works")
    for name in wanted:
        if not any(name in (work["id"], work["title"]) for work in works):
            titles = "、".join(f"《{work['title']}》" for work in works) or "一部也没有"
            raise BadInput(f"书桌上没有作品“{name}”，现有：{titles}。")
    return [each for each in works if not wanted or {each["id"], each["title"]} & {*wanted}]


def read_drafts(get: Get, work: Mapping[str, Any], refusals: list[Refusal]) -> Iterator[Draft]:
    """In the order they were written; what cannot be learned from joins `refusals`."""
    log = _Log(get, work)
    for row in log.judged():
        try:
            yield from log.drafts(row)
        except _LeftOut as reason:
            where = f"《{work['title']}》{row['created_at'][:16].replace('T', ' ')}"
            refusals.append(Refusal(where, None, "verdict", str(reason)))


class _LeftOut(Exception):
    """Why nothing is learned from a generation."""


class _Log:
    def __init__(self, get: Get, work: Mapping[str, Any]) -> None:
        self._get, self._title = get, str(work["title"])
        self._root = f"/api/works/{work['id']}"
        self._chapters = {
            each["id"]: f"{each['label']} {each['name']}".strip()
            for each in get(f"{self._root}/chapters")
        }
        self._revisions: dict[str, list[Mapping[str, Any]]] = {}

    def judged(self) -> list[Mapping[str, Any]]:
        rows = [
            row
            for verdict in ("accepted", "refused")
            for row in self._pages(f"{self._root}/generations", "id", verdict=verdict)
        ]
        return sorted(rows, key=lambda row: (row["created_at"], row["id"]))

    def drafts(self, row: Mapping[str, Any]) -> Iterator[Draft]:
        """Raises _LeftOut."""
        asked, texts = self._asked(row), [str(output["text"]) for output in row["outputs"]]
        if row["verdict"] == "accepted":
            found = taken(texts, *self._around(row), row["offset"], row["end"] or row["offset"])
            if found is None:
                raise _LeftOut("收下了，但书里留下的不到一半，不算采纳")
            yield replace(asked, text=found.text, wanted=True)
            if not was_mended(texts[found.candidate], found.text):
                del texts[found.candidate]
        elif not any(text.strip() for text in texts):
            raise _LeftOut("一个字也没写出来")
        elif row["state"] != "done":
            raise _LeftOut("没写完就退回了，看不出是哪里不好")
        if row["state"] == "done":
            yield from (replace(asked, text=text) for text in texts if text.strip())

    def _asked(self, row: Mapping[str, Any]) -> Draft:
        """Without a text yet."""
        messages = self._get(f"{self._root}/generations/{row['id']}")["prompt"]["messages"]
        begun = messages[-1]["content"] if messages[-1]["role"] == "assistant" else ""
        told = messages[:-1] if begun else messages
        asked = {key: value for key, value in row["request"].items() if key not in _HOW}
        place = [row["chapter_id"], row["kind"], row["revision"], row["offset"], row["end"], asked]
        chapter = self._chapters.get(row["chapter_id"], "")
        return Draft(
            place=json.dumps([*place, begun], ensure_ascii=False, sort_keys=True),
            turns=tuple(Turn(each["role"], each["content"]) for each in told),
            begun=begun,
            origin=Origin(self._title, f"{chapter} · {row['offset']:,}", MADE_BY, self._title),
        )

    def _around(self, row: Mapping[str, Any]) -> tuple[str, str]:
        """The chapter's text before and after what was generated came into it."""
        chapter = row["chapter_id"]
        if chapter not in self._chapters:
            raise _LeftOut("它的一章已经删除，看不出收下了什么")
        if chapter not in self._revisions:
            path = f"{self._root}/chapters/{chapter}/revisions"
            self._revisions[chapter] = list(self._pages(path, "number"))
        known = self._revisions[chapter]
        own = [each["number"] for each in known if each["generation_id"] == row["id"]]
        if not own:
            raise _LeftOut("书里找不到收下它的那一次保存")
        before = [each["number"] for each in known if each["number"] < min(own)]
        return (self._text(chapter, max(before)) if before else "", self._text(chapter, max(own)))

    def _text(self, chapter: str, number: int) -> str:
        return str(self._get(f"{self._root}/chapters/{chapter}/revisions/{number}")["text"])

    def _pages(self, path: str, key: str, **how: Any) -> Iterator[Mapping[str, Any]]:
        """Newest first; the page after a row is asked for by the row's `key`."""
        before: dict[str, Any] = {}
        while True:
            page = self._get(path, limit=PAGE, **how, **before)
            yield from page
            if len(page) < PAGE:
                return
            before = {"before": page[-1][key]}
