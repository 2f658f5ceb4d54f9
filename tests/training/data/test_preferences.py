"""What an author took and refused at a real desk becomes what DPO and KTO learn from."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

import yanchi
from server.app import create_app
from tests.server.conftest import Client, make_desk
from training.context import BEGUN
from training.data import store
from training.data.preferences import Draft, Taken, preferences, taken, was_mended
from training.data.preferences_log import chosen_works, read_drafts
from training.errors import BadInput
from training.publishing.desk import Desk
from training.types import Origin, Preference, Refusal, Turn

LINES = ("雨停了，他把伞收起来。", "灯还亮着，没有人说话。")
BEFORE = "第一段。\n最后一段。"
AT = len("第一段。\n")


@pytest.mark.parametrize(
    ("after", "found"),
    [
        (f"第一段。\n{LINES[1]}最后一段。", Taken(1, LINES[1])),
        # Taken somewhere else, as it was.
        (f"{BEFORE}\n{LINES[0]}", Taken(0, LINES[0])),
        # Mended by the author while it was taken.
        ("第一段。\n雨停了，她把伞收了起来。最后一段。", Taken(0, "雨停了，她把伞收了起来。")),
        # Most of it, then less than half of it.
        ("第一段。\n雨停了，他把伞最后一段。", Taken(0, "雨停了，他把伞")),
        ("第一段。\n雨停最后一段。", None),
        # Something else was written there.
        ("另一章。\n雨停了，她把伞收了起来。最后一段。", None),
        (BEFORE, None),
    ],
)
def test_what_stands_in_the_book_was_taken(after: str, found: Taken | None) -> None:
    assert taken(LINES, BEFORE, after, AT, AT) == found


def test_what_a_rewriting_replaces_is_no_part_of_it() -> None:
    after = "第一段。\n雨停了，她把伞收了起来。一段。"
    assert taken(LINES, BEFORE, after, AT, AT + 2) == Taken(0, "雨停了，她把伞收了起来。")


def test_leaving_out_the_end_is_no_mending() -> None:
    assert not was_mended(LINES[0], "雨停了，")
    assert was_mended(LINES[0], "雨停了。")


def draft(place: str, text: str, *, wanted: bool, begun: str = "") -> Draft:
    return Draft(place, (Turn("user", "续写"),), begun, Origin(), text, wanted)


def test_every_taken_draft_stands_beside_every_refused_one_of_its_place() -> None:
    drafts = [
        draft("a", "好。", wanted=True), draft("a", "坏。", wanted=False),
        draft("a", "差。", wanted=False), draft("a", "好。", wanted=False),
        draft("b", "别处。", wanted=False),
    ]  # fmt: skip
    pairs = [(each.chosen, each.rejected) for each in preferences(drafts, "dpo")]
    assert pairs == [("好。", "坏。"), ("好。", "差。")]
    alone = [(each.chosen, each.rejected) for each in preferences(drafts, "kto")]
    assert alone[:2] == [("好。", None), (None, "坏。")]
    assert len(alone) == 5


def test_how_the_prompt_begins_the_answer_is_told() -> None:
    (one,) = preferences([draft("a", "，走了。\n", wanted=True, begun="他站起来")], "kto")
    assert (one.chosen, one.extra) == ("他站起来，走了。", {BEGUN: 4})


class Log:
    """A desk with a book, written at and judged as the page does it."""

    def __init__(self, api: Client) -> None:
        self.api = api
        self.work, self.chapters = api.book()
        self.root = f"/api/works/{self.work}"
        self.chapter = f"{self.root}/chapters/{self.chapters[2]}"

    def write(self, seed: int, what: str = "continue", **wanted: Any) -> Any:
        how = {"length": 60, "stream": False, "sampling": {"seed": seed}, **wanted}
        return self.api.ok("POST", f"{self.chapter}/{what}", json=how)

    def judge(self, made: Any, verdict: str, **how: Any) -> None:
        path = f"{self.root}/generations/{made['generation']}/verdict"
        self.api.ok("POST", path, json={"verdict": verdict, **how})

    def take(self, made: Any, text: str, candidate: int = 0) -> None:
        """At the chapter's end, by a save that says where the text came from."""
        now = self.api.ok("GET", self.chapter)["text"]
        saved = {"text": now + text, "generation": made["generation"], "candidate": candidate}
        self.api.ok("PUT", self.chapter, json=saved)

    def read(self, path: str, **parameters: Any) -> Any:
        return self.api.ok("GET", path, params=parameters)

    def drafts(self) -> tuple[list[Draft], list[Refusal]]:
        refusals: list[Refusal] = []
        (work,) = chosen_works(self.read, [self.work])
        return list(read_drafts(self.read, work, refusals)), refusals


@pytest.fixture
def log(tmp_path: Any) -> Iterator[Log]:
    desk = make_desk(tmp_path / "desk")
    with TestClient(create_app(desk), raise_server_exceptions=False) as http:
        yield Log(Client(http, desk))


def test_a_place_that_was_tried_three_times(log: Log) -> None:
    first, second, two = log.write(1), log.write(2), log.write(3, candidates=2)
    for made in (first, second):
        log.judge(made, "refused")
    log.take(two, two["candidates"][1]["text"], candidate=1)
    log.write(4)  # nobody said anything about it
    drafts, refusals = log.drafts()
    assert refusals == []
    found = list(preferences(drafts, "dpo"))
    refused = [first["text"], second["text"], two["candidates"][0]["text"]]
    assert {each.chosen for each in found} == {_answer(two, two["candidates"][1]["text"])}
    assert [each.rejected for each in found] == [_answer(two, text) for text in refused]
    asked = [m for m in two["prompt"]["messages"] if m["role"] != "assistant"]
    assert [(turn.role, turn.text) for turn in found[0].turns] == [
        (each["role"], each["content"]) for each in asked
    ]
    assert found[0].origin.work == "试书"
    assert found[0].origin.place.startswith("第三章 渡口 · ")


def _answer(made: Any, text: str) -> str:
    """After what the prompt began, as the desk sent it."""
    last = made["prompt"]["messages"][-1]
    return last["content"] + text.rstrip() if last["role"] == "assistant" else text.strip()


def test_another_request_is_another_place(log: Log) -> None:
    log.judge(log.write(1, beat="下雨了。"), "refused")
    made = log.write(2, beat="天晴了。")
    log.take(made, made["text"])
    drafts, _ = log.drafts()
    assert [each.wanted for each in drafts] == [False, True]
    assert list(preferences(drafts, "dpo")) == []


def test_what_was_mended_is_better_than_what_was_written(log: Log) -> None:
    made = log.write(1)
    text = made["text"]
    mended = text.replace(text[5:9], "改过了的")
    log.judge(made, "accepted", text=mended)
    (pair,) = preferences(log.drafts()[0], "dpo")
    assert (pair.chosen, pair.rejected) == (_answer(made, mended), _answer(made, text))


def test_a_rewriting_is_judged_too(log: Log) -> None:
    where = {"start": 0, "end": 5, "task": "polish"}
    refused, made = (log.write(seed, "rewrite", **where) for seed in (1, 2))
    log.judge(refused, "refused")
    log.judge(made, "accepted")
    (pair,) = preferences(log.drafts()[0], "dpo")
    assert (pair.chosen, pair.rejected) == (made["text"].strip(), refused["text"].strip())


def test_what_cannot_be_learned_from_is_told(log: Log) -> None:
    little, gone = log.write(1), log.write(2)
    log.take(little, little["text"][:3])
    log.take(gone, gone["text"])
    assert [each.wanted for each in log.drafts()[0]] == [True]
    log.api.http.delete(log.chapter)
    drafts, refusals = log.drafts()
    assert drafts == []
    assert all("已经删除" in each.reason for each in refusals)
    log.api.ok("POST", f"{log.chapter}/restore")
    (told,) = log.drafts()[1]
    assert "不到一半" in told.reason
    assert "《试书》" in told.source


def test_pages_of_the_log_are_read_to_the_end(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.data.preferences_log.PAGE", 2)
    for seed in range(5):
        log.judge(log.write(seed), "refused")
        log.take(made := log.write(seed + 10), made["text"])
    drafts, refusals = log.drafts()
    assert refusals == []
    assert [each.wanted for each in drafts] == [False, True] * 5


# --- the command -------------------------------------------------------------------------


@pytest.fixture
def opened(log: Log, monkeypatch: pytest.MonkeyPatch) -> Log:
    @contextmanager
    def desk(*_: object) -> Iterator[Desk]:
        http: Any = log.api.http
        yield Desk(http)

    monkeypatch.setattr("training.publishing.desk.open_desk", desk)
    return log


def call(*words: object) -> Any:
    given = ["data", "preferences", "--name", "drafts", "--json", *map(str, words)]
    result = CliRunner().invoke(yanchi.app, given)
    told = json.loads(result.stdout)
    assert (result.exit_code == 1) == ("error" in told), result.output
    return told["error"]["message"] if "error" in told else told


def test_a_data_set_of_pairs_or_of_single_drafts(opened: Log, tmp_path: Any) -> None:
    opened.judge(opened.write(1), "refused")
    opened.take(made := opened.write(2), made["text"])
    told = call("--work", "试书", "--data-dir", tmp_path)
    assert (told["kind"], told["rows"]) == ("preference", 1)
    assert told["report"] == {"accepted": 1, "refused": 1}
    (pair,) = store.load(tmp_path / "datasets" / "drafts").train
    assert isinstance(pair, Preference)
    assert pair.chosen == _answer(made, made["text"])
    told = call("--method", "kto", "--replace", "--data-dir", tmp_path)
    assert told["rows"] == 2


def test_what_cannot_be_compared_is_said(opened: Log, tmp_path: Any) -> None:
    assert "采纳的有 0 份" in call("--data-dir", tmp_path)
    opened.judge(opened.write(1, beat="下雨了。"), "refused")
    opened.take(made := opened.write(2), made["text"])
    assert "--method kto" in call("--data-dir", tmp_path)
    assert "现有：《试书》" in call("--work", "没有这本", "--data-dir", tmp_path)
    with pytest.raises(BadInput, match="没有作品"):
        chosen_works(opened.read, ["没有这本"])


def test_without_a_desk_it_says_how_to_open_one(tmp_path: Any) -> None:
    assert "yanchi serve" in call("--data-dir", tmp_path)
