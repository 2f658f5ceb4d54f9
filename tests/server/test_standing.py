"""What stood in a chapter's last prompt stays only while it may, whatever happened since."""

import random
from typing import Any

import pytest

from retrieval.placing import STAYED
from tests.server.conftest import Client

SCENES = ["渡口", "茶馆", "城隍庙", "码头", "当铺", "药铺"]
OLD = "".join(
    f"那年沈砚在{place}第{n}回遇见陆眠，她手里拿着第{n * 3}号船票，说的是{place}的旧事。\n"
    for n in range(1, 30)
    for place in SCENES
)
NOW = "".join(f"沈砚走了第{n}步，想起{SCENES[n % 6]}，没有停。\n" for n in range(1, 400))


class Book:
    """Two chapters, the second being written; every prompt is one of a row."""

    def __init__(self, api: Client) -> None:
        self.api = api
        self.work, (self.past, self.here) = api.book({"旧事": OLD, "上路": NOW})
        self.root = f"/api/works/{self.work}"

    def go_on(self, offset: int, beat: str = "他想起渡口的船票。", **wanted: Any) -> dict[str, Any]:
        path = f"{self.root}/chapters/{self.here}/continue"
        wanted = {"offset": offset, "beat": beat, "length": 20, "stream": False, **wanted}
        prompt: dict[str, Any] = self.api.ok("POST", path, json=wanted)["prompt"]
        assert prompt["tokens"] <= prompt["budget"]
        return prompt

    def save(self, chapter: str, text: str) -> None:
        self.api.ok("PUT", f"{self.root}/chapters/{chapter}", json={"text": text})
        assert self.api.desk.indexer.fresh(self.work, 100)

    def post(self, what: str, **fields: Any) -> str:
        return str(self.api.ok("POST", f"{self.root}/{what}", json=fields)["id"])

    def person(self, name: str, **sheet: str) -> str:
        return self.post("characters", name=name, sheet=sheet)


@pytest.fixture
def book(api: Client) -> Book:
    return Book(api)


def stayed(prompt: dict[str, Any], group: str = "passages") -> dict[str, str]:
    return {
        k["id"]: k["text"] for k in prompt["kept"] if k["reason"] == STAYED and k["group"] == group
    }


def sent(prompt: dict[str, Any]) -> str:
    return "\0".join(m["content"] for m in prompt["messages"])


def test_the_next_prompt_begins_as_the_last_did(book: Book) -> None:
    first, second = book.go_on(3000), book.go_on(3100, "他想起茶馆。")
    kept = stayed(second)
    assert kept
    assert kept.items() <= {k["id"]: k["text"] for k in first["kept"]}.items()
    a, b = sent(first), sent(second)
    same = next(n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y)
    text = first["messages"][1]["content"]
    before = len(first["messages"][0]["content"]) + text.index("【前文】")
    assert same > before + 500
    assert sent(book.go_on(3100, "他想起茶馆。")) == b


def test_what_was_taken_out_of_the_book_stands_no_more(book: Book) -> None:
    book.go_on(3000)
    words = next(iter(stayed(book.go_on(3100)).values()))
    book.save(book.past, OLD.replace(words, ""))
    prompt = book.go_on(3200)
    assert words not in sent(prompt)
    assert not stayed(prompt)


def test_an_edit_elsewhere_leaves_it_standing(book: Book) -> None:
    book.go_on(3000)
    kept = stayed(book.go_on(3100))
    book.save(book.past, "一句新的开头。\n" + OLD)
    assert stayed(book.go_on(3200)) == kept


def test_what_is_excluded_or_without_retrieval_stands_no_more(book: Book) -> None:
    book.go_on(3000)
    kept = stayed(book.go_on(3100))
    (id, words), *_ = kept.items()
    assert words not in sent(book.go_on(3200, excluded=[id]))
    book.go_on(3300)
    bare = book.go_on(3400, retrieval=False)
    assert not [k for k in bare["kept"] if k["group"] == "passages"]


def test_going_back_shows_nothing_of_what_comes_after(book: Book) -> None:
    book.go_on(len(NOW))
    book.go_on(len(NOW))
    early = book.go_on(600)
    for message in early["messages"]:
        assert "第40步" not in message["content"]
    back = next(k for k in early["kept"] if k["group"] == "tail")
    assert NOW[:600].endswith(back["text"])
    # The text before was rewritten: it begins where it does now, in its new words.
    book.save(book.here, "改过的开头。\n" + NOW)
    again = book.go_on(3000)
    tail = next(k for k in again["kept"] if k["group"] == "tail")
    assert ("改过的开头。\n" + NOW)[:3000].endswith(tail["text"])


def test_a_sheet_that_changes_is_told_behind_the_text_and_never_too_early(book: Book) -> None:
    shen = book.person("沈砚", 身份="跑船的人，在江上二十年，认得每一块礁石", 说话="短，一句是一句")
    book.post("progressions", character_id=shen, label="身份", text="当铺的伙计",
              since_chapter_id=book.here, since_offset=3050)  # fmt: skip
    before = book.go_on(3000)
    assert "当铺的伙计" not in sent(before)
    after = book.go_on(3100)
    user = after["messages"][1]["content"]
    assert user.index("跑船的人") < user.index("【前文】") < user.index("此刻的沈砚")
    assert "身份：当铺的伙计" in user
    assert stayed(after)
    # Back before the change: nothing of it.
    assert "当铺的伙计" not in sent(book.go_on(3000))
    assert "此刻的沈砚" in sent(book.go_on(3120))
    # The author rewrites the sheet itself: the old words are gone at once.
    book.api.ok("PATCH", f"{book.root}/characters/{shen}", json={"sheet": {"身份": "船主"}})
    rewritten = sent(book.go_on(3140))
    assert "跑船的人" not in rewritten
    assert "身份：当铺的伙计" in rewritten


def test_another_pair_of_eyes_sees_no_secret_that_stood(book: Book) -> None:
    shen = book.person("沈砚", 身份="跑船的人", 秘密="他就是罗长庚")
    lu = book.person("陆眠", 身份="账房")
    book.go_on(3000, viewpoint=shen)
    assert "他就是罗长庚" in sent(book.go_on(3050, viewpoint=shen))
    assert "他就是罗长庚" not in sent(book.go_on(3100, viewpoint=lu))
    assert "他就是罗长庚" in sent(book.go_on(3150, viewpoint=shen))


def test_lore_stays_until_it_may_not(book: Book) -> None:
    shelf = book.post("lorebooks", name="设定")
    entry = book.api.ok("POST", f"{book.root}/lorebooks/{shelf}/entries",
                        json={"name": "船票", "keys": ["船票"], "content": "船票是红纸印的。"})  # fmt: skip
    book.go_on(3000, "他摸出船票。")
    second = book.go_on(3100, "他走了。")
    assert "船票是红纸印的。" in stayed(second, "lore").values()
    path = f"{book.root}/lorebooks/{shelf}/entries/{entry['id']}"
    book.api.ok("PATCH", path, json={"content": "船票是蓝纸印的。"})
    third = sent(book.go_on(3150, "他走了。"))
    assert "船票是红纸印的。" not in third
    book.go_on(3200, "他摸出船票。")
    book.api.ok("PATCH", path, json={"enabled": False})
    assert "船票是蓝纸印的。" not in sent(book.go_on(3250, "他走了。"))


def test_wherever_the_author_goes_nothing_comes_from_the_future(book: Book) -> None:
    dice = random.Random(7)
    offset = 2000
    for _ in range(30):
        jump = dice.random() < 0.2
        offset = dice.randrange(200, len(NOW)) if jump else min(len(NOW), offset + 120)
        prompt = book.go_on(offset, f"他想起{dice.choice(SCENES)}。")
        for kept in prompt["kept"]:
            if kept["group"] == "tail":
                assert NOW[:offset].endswith(kept["text"])
            if kept["group"] == "passages":
                chapter = OLD if kept["id"].split(":")[1] == book.past else NOW[:offset]
                assert kept["text"] in chapter


def cast(prompt: dict[str, Any]) -> dict[str, str]:
    return {k["id"]: k["text"] for k in prompt["kept"] if k["group"] == "cast"}


def test_voices_and_relations_stay_while_they_stand_as_they_did(book: Book, api: Client) -> None:
    shen, lu = book.person("沈砚", 身份="渡客。" * 20), book.person("陆眠")
    one = f"{book.root}/characters/{shen}"
    api.ok("PATCH", one, json={"voice": ["水大，不急。"]})
    book.post("relations", a=shen, b=lu, label="故人")
    first, second = book.go_on(3000), book.go_on(3100)
    assert cast(second)[f"voice:{shen}"] == "沈砚的口吻：水大，不急。"
    assert "与陆眠：故人" in cast(second)[f"character:{shen}"]
    assert cast(second) == cast(first)
    assert stayed(second)
    place = {"since_chapter_id": book.here, "since_offset": 3150}
    book.post("relations", a=shen, b=lu, label="仇人", **place)
    third = book.go_on(3200)
    assert stayed(third)
    assert cast(third)[f"character:{shen}"] == cast(first)[f"character:{shen}"]
    assert "与陆眠：仇人" in cast(third)[f"character:{shen}:now"]
    assert "仇人" not in sent(book.go_on(3140))
    api.ok("PATCH", one, json={"voice": ["水小了，走罢。"]})
    fourth = sent(book.go_on(3250))
    assert "沈砚的口吻：水小了，走罢。" in fourth
    assert "水大，不急。" not in fourth


def thread(book: Book, at: int, answered: int | None = None) -> str:
    """A thread that is planted at one offset of the chapter, and answered at another."""
    made = book.post("threads", title="船票", events=[
        {"kind": "plant", "chapter_id": book.here, "offset": at, "note": "船票不见了"}
    ])  # fmt: skip
    if answered is not None:
        event = {"kind": "resolve", "chapter_id": book.here, "offset": answered}
        book.api.ok("POST", f"{book.root}/threads/{made}/events", json=event)
    return made


def same(first: dict[str, Any], second: dict[str, Any]) -> int:
    pairs = zip(sent(first), sent(second), strict=False)
    return next(n for n, (a, b) in enumerate(pairs) if a != b)


def test_a_thread_that_the_text_answers_stays_and_is_told_to_be_answered(book: Book) -> None:
    made = thread(book, 2900, answered=3050)
    first, second = book.go_on(3000), book.go_on(3100)
    told = [[k["text"] for k in p["kept"] if k["id"] == f"thread:{made}"] for p in (first, second)]
    assert told[0] == told[1] != []
    (news,) = [k for k in second["kept"] if k["id"] == f"thread:{made}:now"]
    assert "“船票”" in news["text"]
    assert "已经收了" in news["text"]
    whole = sent(second)
    assert same(first, second) > whole.index("【前文】")
    assert whole.index("【前文】") < whole.index(news["text"])
    again = sent(book.go_on(3040))
    assert "已经收了" not in again, "it lies behind that place"


def test_what_becomes_of_a_thread_is_told_behind_the_text(book: Book) -> None:
    made = thread(book, 2900)
    told = {"kind": "advance", "chapter_id": book.here, "offset": 3050, "note": "在当铺里"}
    book.api.ok("POST", f"{book.root}/threads/{made}/events", json=told)
    first, second = book.go_on(3000), book.go_on(3100)
    assert "在当铺里" not in sent(first)
    (news,) = [k for k in second["kept"] if k["id"] == f"thread:{made}:now"]
    assert news["text"].startswith("此刻的伏笔")
    assert "在当铺里" in news["text"]
    assert same(first, second) > sent(second).index("【前文】")


def test_a_thread_that_the_author_changes_stands_as_it_is(book: Book) -> None:
    made = thread(book, 2900)
    path = f"{book.root}/threads/{made}"
    assert "船票不见了" in sent(book.go_on(3000))
    book.api.ok("PATCH", path, json={"title": "旧船票"})
    changed = sent(book.go_on(3100))
    assert "旧船票（" in changed
    assert "\n船票（" not in changed
    book.api.ok("PATCH", path, json={"state": "abandoned"})
    assert "船票不见了" not in sent(book.go_on(3200))
    book.api.ok("PATCH", path, json={"state": None})
    assert "船票不见了" in sent(book.go_on(3300, pinned=[f"thread:{made}"]))
    book.api.ok("DELETE", path)
    assert "船票不见了" not in sent(book.go_on(3400))


def test_a_thread_that_is_new_waits_for_the_text_to_begin_anew(book: Book) -> None:
    first = book.go_on(3000)
    made = thread(book, 2900)
    second = book.go_on(3100)
    (left,) = [d for d in second["dropped"] if d["id"] == f"thread:{made}"]
    assert "重读" in left["reason"]
    assert same(first, second) > sent(second).index("【前文】")
    third = book.go_on(7000)
    assert f"thread:{made}" in {k["id"] for k in third["kept"]}, "here it began anew"
    pinned = thread(book, 2950)
    last = book.go_on(7100, pinned=[f"thread:{pinned}"])
    assert f"thread:{pinned}" in {k["id"] for k in last["kept"]}
