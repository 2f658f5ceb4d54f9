"""The ledger of threads over HTTP: events at their places, and what they make of a thread."""

from typing import Any

import pytest

from tests.server.conftest import CHAPTERS, Client
from tests.server.test_story_api import Desk

TEXTS = list(CHAPTERS.values())
QUOTE = "砚台里的墨干了"


@pytest.fixture
def desk(api: Client) -> Desk:
    return Desk(api)


def only(desk: Desk) -> Any:
    (thread,) = desk.api.ok("GET", f"{desk.root}/threads")
    return thread


def test_a_thread_is_what_its_events_make_of_it(desk: Desk, api: Client) -> None:
    first, second, third = desk.chapters
    plant = {"kind": "plant", "chapter_id": second, "quote": QUOTE}
    made = desk.post("threads", title="空砚", importance=3, due_chapter_id=third, events=[plant])
    assert (made["state"], made["state_set"], made["importance"]) == ("planted", False, 3)
    (event,) = made["events"]
    assert event["offset"] == TEXTS[1].index(QUOTE) + len(QUOTE)
    path = f"{desk.root}/threads/{made['id']}"
    api.ok("POST", f"{path}/events", json={"kind": "advance", "chapter_id": first, "offset": 2})
    told = api.ok("GET", path)
    assert told["state"] == "advanced"
    assert [e["chapter_id"] for e in told["events"]] == [first, second]
    answer = {"kind": "resolve", "chapter_id": third, "note": "船家舀了江水"}
    end = api.ok("POST", f"{path}/events", json=answer)
    assert (end["offset"], only(desk)["state"]) == (len(TEXTS[2]), "resolved")
    assert api.ok("PATCH", path, json={"state": "abandoned"})["state_set"] is True
    assert api.ok("PATCH", path, json={"state": None})["state"] == "resolved"
    api.ok("DELETE", f"{path}/events/{end['id']}")
    assert only(desk)["state"] == "advanced"
    changed = api.ok("PATCH", path, json={"due_chapter_id": None, "note": "是他自己倒的"})
    assert (changed["due_chapter_id"], changed["note"]) == (None, "是他自己倒的")
    api.ok("DELETE", path)
    assert api.ok("GET", f"{desk.root}/threads") == []
    api.refused(404, "thread_not_found", "GET", path)


def test_an_event_of_a_chapter_in_the_bin_counts_nowhere(desk: Desk, api: Client) -> None:
    first, second, _ = desk.chapters
    made = desk.post("threads", title="空砚", events=[{"kind": "plant", "chapter_id": first}])
    path = f"{desk.root}/threads/{made['id']}"
    api.ok("POST", f"{path}/events", json={"kind": "resolve", "chapter_id": second})
    api.ok("DELETE", f"{desk.root}/chapters/{second}")
    told = only(desk)
    assert (told["state"], len(told["events"])) == ("planted", 2)


def test_events_that_cannot_be_are_refused(desk: Desk, api: Client) -> None:
    first = desk.chapters[0]
    made = desk.post("threads", title="空砚")
    path = f"threads/{made['id']}/events"
    event = {"kind": "plant", "chapter_id": first}
    desk.refused(422, "evidence_not_found", path, **event, quote="没有的话")
    desk.refused(422, "evidence_ambiguous", path, **event, quote="，")
    desk.refused(422, "offset_out_of_range", path, **event, offset=9999)
    desk.refused(404, "chapter_not_found", path, kind="plant", chapter_id="0" * 32)
    desk.refused(404, "chapter_not_found", "threads", title="雨", due_chapter_id="0" * 32)
    kept = {"title": "雨", "events": [{**event, "quote": "没有的话"}]}
    desk.refused(422, "evidence_not_found", "threads", **kept)
    assert only(desk)["title"] == "空砚"
    wrong = f"{desk.root}/{path}/{'0' * 32}"
    api.refused(404, "thread_event_not_found", "PATCH", wrong, json={"note": "？"})


def test_an_event_is_found_by_where_its_words_begin_or_end(desk: Desk, api: Client) -> None:
    first = desk.chapters[0]
    made = desk.post("threads", title="灯")
    root = f"{desk.root}/threads/{made['id']}/events"
    comma = [n for n, c in enumerate(TEXTS[0]) if c == "，"][1]
    for offset in (comma, comma + 1):
        event = {"kind": "plant", "chapter_id": first, "quote": "，", "offset": offset}
        assert api.ok("POST", root, json=event)["offset"] == comma + 1
    event = only(desk)["events"][0]
    path = f"{root}/{event['id']}"
    moved = api.ok("PATCH", path, json={"quote": "屋里的灯"})
    assert moved["offset"] == TEXTS[0].index("屋里的灯") + 4
    noted = api.ok("PATCH", path, json={"note": "灯亮着", "kind": "advance"})
    assert (noted["offset"], noted["kind"]) == (moved["offset"], "advance")


def test_an_event_stays_with_its_words(desk: Desk, api: Client) -> None:
    second = desk.chapters[1]
    plant = {"kind": "plant", "chapter_id": second, "quote": QUOTE}
    desk.post("threads", title="空砚", events=[plant])

    def save(text: str) -> tuple[int, bool]:
        api.ok("PUT", f"{desk.root}/chapters/{second}", json={"text": text})
        (event,) = only(desk)["events"]
        return event["offset"], event["quote_changed"]

    end = TEXTS[1].index(QUOTE) + len(QUOTE)
    assert save("从前。" + TEXTS[1]) == (end + 3, False)
    assert save(TEXTS[1].replace("墨干了", "墨早已冻成了冰"))[1] is True
    assert save(TEXTS[1]) == (end, False)
    cut = TEXTS[1].replace(QUOTE, "") + QUOTE
    assert save(cut) == (len(cut), False)
