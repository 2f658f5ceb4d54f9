"""The log of generations over HTTP: pages, filters, words, the one before, the lore that fired."""

from typing import Any

import pytest

from tests.server.conftest import Client


class Log:
    """A book with three continuations in its last chapter and one in the first."""

    def __init__(self, api: Client) -> None:
        self.api = api
        self.work, self.chapters = api.book()
        self.root = f"/api/works/{self.work}"
        self.made = [self.write(2) for _ in range(3)] + [self.write(0)]

    def write(self, chapter: int, what: str = "continue", **wanted: Any) -> Any:
        path = f"{self.root}/chapters/{self.chapters[chapter]}/{what}"
        return self.api.ok("POST", path, json={"length": 40, "stream": False, **wanted})

    def ids(self, **query: Any) -> list[str]:
        return [g["id"] for g in self.api.ok("GET", f"{self.root}/generations", params=query)]

    def numbers(self, **query: Any) -> list[int]:
        made = [m["generation"] for m in self.made]
        return [made.index(id) for id in self.ids(**query)]


@pytest.fixture
def log(api: Client) -> Log:
    return Log(api)


def test_pages_go_back_in_time(log: Log) -> None:
    assert log.numbers() == [3, 2, 1, 0]
    assert log.numbers(limit=2) == [3, 2]
    assert log.numbers(limit=2, before=log.made[2]["generation"]) == [1, 0]
    assert log.numbers(chapter_id=log.chapters[2], before=log.made[3]["generation"]) == [2, 1, 0]
    path = f"{log.root}/generations"
    log.api.refused(404, "generation_not_found", "GET", path, params={"before": "0" * 32})
    log.api.refused(422, "invalid_request", "GET", path, params={"limit": 0})


def test_verdicts_and_words_are_looked_for(log: Log, api: Client) -> None:
    path = f"{log.root}/generations/{log.made[1]['generation']}/verdict"
    api.ok("POST", path, json={"verdict": "refused"})
    assert log.numbers(verdict="refused") == [1]
    assert log.numbers(verdict="none") == [3, 2, 0]
    assert log.numbers(verdict="accepted") == []
    for number, made in enumerate(log.made):
        found = log.numbers(q=made["text"][3:12])
        assert number in found
        assert all(made["text"][3:12] in log.made[n]["text"] for n in found)
    # Words of the log's own frame are no words of an output.
    assert log.numbers(q="finish_reason") == []
    assert log.numbers(q="%") == []


def test_the_one_before_it_in_its_chapter(log: Log, api: Client) -> None:
    def before(number: int) -> str:
        return f"{log.root}/generations/{log.made[number]['generation']}/previous"

    told = api.ok("GET", before(2))
    assert told["id"] == log.made[1]["generation"]
    assert told["prompt"]["messages"]
    api.refused(404, "generation_not_found", "GET", before(0))
    api.refused(404, "generation_not_found", "GET", before(3))


def test_the_lore_of_the_last_prompt(log: Log, api: Client) -> None:
    fired = {"params": {"chapter_id": log.chapters[2]}}
    assert api.ok("GET", f"{log.root}/lore/fired", **fired) == []
    book = api.ok("POST", f"{log.root}/lorebooks", json={"name": "渡口"})
    entry = {"content": "水大不渡。", "keys": ["渡口"]}
    made = api.ok("POST", f"{log.root}/lorebooks/{book['id']}/entries", json=entry)
    written = log.write(2, beat="他又去渡口。")
    (told,) = api.ok("GET", f"{log.root}/lore/fired", **fired)
    assert (told["entry_id"], told["generation"]) == (made["id"], written["generation"])
    assert "渡口" in told["why"]
    other = {"params": {"chapter_id": log.chapters[1]}}
    assert api.ok("GET", f"{log.root}/lore/fired", **other) == []


def test_what_a_prompt_has_says_where_the_book_has_it(log: Log, api: Client) -> None:
    path = f"{log.root}/chapters/{log.chapters[2]}/context"
    kept = api.ok("POST", path, json={"beat": "雨下了一夜，砚台里的墨干了。"})["kept"]
    passages = [k for k in kept if k["group"] == "passages"]
    assert passages
    for one in passages:
        text = api.ok("GET", f"{log.root}/chapters/{one['place']['chapter_id']}")["text"]
        assert text[one["place"]["offset"] :].lstrip().startswith(one["text"][:10])
        assert one["title"] == one["source"]
    beat = next(k for k in kept if k["id"] == "beat")
    assert (beat["required"], beat["place"]) == (True, None)
    shen = api.ok("POST", f"{log.root}/characters", json={"name": "沈砚"})
    kept = api.ok("POST", path, json={"beat": "沈砚来了。"})["kept"]
    card = next(k for k in kept if k["id"] == f"character:{shen['id']}")
    assert (card["title"], card["source"]) == ("沈砚", "人物：沈砚")
