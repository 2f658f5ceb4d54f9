"""Ghost text: it comes, it is no part of the text, and it is as easily refused as taken."""

from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from server.engines.scripted import Fail, Text
from server.errors import EngineLost
from tests.e2e.served import plays
from tests.e2e.visit import Visit

pytestmark = pytest.mark.e2e

BEFORE = "雨是申时停的。\n她没有回头。"
SAID = "他没有动，看着水面。“风。”她说。"
LOST = EngineLost("模型断开了，已写的部分已留下。")


class Desk:
    """A chapter open in the page, the caret at its end."""

    def __init__(self, visit: Visit, text: str = BEFORE) -> None:
        self.visit, self.page = visit, visit.page
        self.work, (self.chapter,) = visit.served.book(("夜渡", text))
        visit.open(f"#/w/{self.work}/{self.chapter}")
        expect(self.paper.locator("p").last).to_have_text(text.splitlines()[-1])
        self.paper.click()
        self.page.keyboard.press("Control+End")

    @property
    def paper(self) -> Locator:
        return self.page.get_by_role("textbox", name="正文")

    @property
    def beat(self) -> Locator:
        return self.page.get_by_label("剧情提示")

    @property
    def ghost(self) -> Locator:
        return self.page.locator(".ghost")

    def face(self, name: str) -> None:
        expect(self.page.locator(f".strip[data-face={name}]")).to_be_visible()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def text(self) -> str:
        """What the paper holds, without what is only shown in it."""
        lines: list[str] = self.paper.locator("p").evaluate_all(
            """all => all.map(p => {
                 const copy = p.cloneNode(true);
                 copy.querySelectorAll('.ghost').forEach(ghost => ghost.remove());
                 return copy.textContent;
               })"""
        )
        return "\n".join(lines)

    def shown(self) -> str:
        return self.ghost.text_content() or "" if self.ghost.count() else ""

    def kept(self) -> str:
        """What the server has."""
        text: str = self.visit.served.chapter(self.work, self.chapter)["text"]
        return text

    def log(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.visit.served.ok(
            "GET", f"/api/works/{self.work}/generations"
        )
        return found

    def habits(self) -> dict[str, Any]:
        work = self.visit.served.ok("GET", f"/api/works/{self.work}")
        found: dict[str, Any] = work["defaults"].get("continuation", {})
        return found

    def continued(self) -> None:
        self.press("Control+Enter")
        self.face("ready")

    def saved(self, text: str) -> None:
        self.visit.until(lambda: self.kept() == text, f"{text!r} saved, not {self.kept()!r}")


@plays([Text(SAID)])
def test_tab_takes_all_as_one_step_after_a_snapshot(visit: Visit) -> None:
    desk = Desk(visit)
    desk.continued()
    assert desk.shown() == SAID
    assert desk.text() == BEFORE == desk.kept()
    expect(desk.ghost).to_have_attribute("aria-hidden", "true")
    expect(visit.page.locator("p.sr[role=status]")).to_contain_text("Tab 收下，Esc 不要")
    desk.press("Tab")
    desk.saved(BEFORE + SAID)
    assert desk.text() == BEFORE + SAID
    assert desk.shown() == ""
    assert [entry["verdict"] for entry in desk.log()] == ["accepted"]
    revisions = visit.served.ok(
        "GET", f"/api/works/{desk.work}/chapters/{desk.chapter}/revisions?kept=true"
    )
    assert [entry["label"] for entry in revisions] == ["收下续写前"]
    desk.press("Control+z")
    desk.saved(BEFORE)


@plays([Text(SAID)])
def test_clauses_are_taken_one_by_one(visit: Visit) -> None:
    desk = Desk(visit)
    desk.continued()
    expect(desk.ghost.locator(".next")).to_have_text("他没有动，")
    desk.press("Control+ArrowRight", "Control+ArrowRight")
    visit.until(lambda: desk.text() == BEFORE + "他没有动，看着水面。", "two clauses")
    assert desk.shown() == "“风。”她说。"
    desk.press("Control+ArrowRight", "Control+ArrowRight")
    desk.saved(BEFORE + SAID)
    desk.face("idle")


@plays([Text(SAID)])
def test_escape_refuses_and_the_attempt_is_kept(visit: Visit) -> None:
    desk = Desk(visit)
    desk.continued()
    desk.press("Escape")
    expect(desk.ghost).to_have_count(0)
    assert desk.text() == BEFORE
    visit.until(lambda: [e["verdict"] for e in desk.log()] == ["refused"], "a verdict")
    assert desk.log()[0]["outputs"][0]["text"] == SAID


@plays(tokens_per_second=30)
def test_stopping_is_instant_and_stops_the_engine(visit: Visit) -> None:
    desk = Desk(visit)
    desk.press("Control+Enter")
    desk.face("streaming")
    desk.press("Escape")
    desk.face("ready")
    stopped = desk.shown()
    assert stopped
    visit.until(lambda: visit.served.engine.running == 0, "an engine at rest")
    assert desk.shown() == stopped
    assert desk.text() == BEFORE


@plays([Text(SAID)])
def test_typing_what_it_says_eats_it_and_typing_else_sends_it_away(visit: Visit) -> None:
    desk = Desk(visit)
    desk.continued()
    visit.page.keyboard.type("他没有")
    expect(desk.ghost).to_have_text("动，看着水面。“风。”她说。")
    assert desk.text() == BEFORE + "他没有"
    visit.page.keyboard.type("说话")
    expect(desk.ghost).to_have_count(0)
    desk.face("idle")
    desk.saved(BEFORE + "他没有说话")


@plays([Text("一。")], [Text("二。")])
def test_attempts_are_leafed_through(visit: Visit) -> None:
    desk = Desk(visit)
    desk.continued()
    desk.press("Alt+KeyR")
    expect(desk.ghost).to_have_text("二。")
    desk.press("Alt+BracketLeft")
    expect(desk.ghost).to_have_text("一。")
    desk.press("Alt+BracketRight")
    expect(desk.ghost).to_have_text("二。")
    expect(visit.page.get_by_role("button", name="下一候选").first).to_have_text("2 / 2")


@plays(tokens_per_second=30)
def test_an_input_method_is_not_disturbed_while_it_streams(visit: Visit) -> None:
    desk = Desk(visit)
    method = visit.cdp()
    desk.press("Control+Enter")
    desk.face("streaming")
    desk.press("ArrowUp", "End")
    for composed in ("n", "ni", "nih", "niha", "nihao"):
        caret = {"selectionStart": len(composed), "selectionEnd": len(composed)}
        method.send("Input.imeSetComposition", {"text": composed, **caret})
    frozen = desk.shown()
    written = visit.page.locator(".strip .num")
    before = written.inner_text()
    visit.until(lambda: written.inner_text() != before, "more of the stream")
    assert desk.shown() == frozen
    method.send("Input.insertText", {"text": "你好"})
    visit.until(lambda: len(desk.shown()) > len(frozen), "what streamed meanwhile")
    visit.page.keyboard.type("啊")
    assert desk.text() == BEFORE.replace("停的。", "停的。你好啊")
    desk.press("Escape", "Escape")
    desk.saved(BEFORE.replace("停的。", "停的。你好啊"))


@plays([Text(SAID)])
def test_composing_what_it_says_eats_it(visit: Visit) -> None:
    desk = Desk(visit)
    method = visit.cdp()
    desk.continued()
    for composed in ("t", "ta"):
        caret = {"selectionStart": len(composed), "selectionEnd": len(composed)}
        method.send("Input.imeSetComposition", {"text": composed, **caret})
    assert desk.shown() == SAID
    method.send("Input.insertText", {"text": "他"})
    expect(desk.ghost).to_have_text(SAID[1:])
    assert desk.text() == BEFORE + "他"


@plays([Text(SAID), Fail(LOST, after=4)], [Text("这次写完。")])
def test_a_break_keeps_the_part_and_offers_another_try(visit: Visit) -> None:
    desk = Desk(visit)
    desk.press("Control+Enter")
    desk.face("error")
    strip = visit.page.locator(".strip")
    expect(strip).to_contain_text(LOST.message)
    assert desk.shown()
    assert SAID.startswith(desk.shown())
    strip.get_by_role("button", name="再试").click()
    expect(desk.ghost).to_have_text("这次写完。")
    desk.press("Alt+BracketLeft")
    expect(strip).to_contain_text("没写完")


def test_an_engine_that_starts_is_waited_for(visit: Visit) -> None:
    desk = Desk(visit)
    visit.expected.append("503")
    visit.served.engine.state = "starting"
    desk.press("Control+Enter")
    desk.face("starting")
    toggle = visit.page.get_by_role("button", name="准备好就写")
    expect(toggle).to_have_attribute("aria-pressed", "true")
    visit.served.engine.state = "ready"
    desk.face("ready")
    assert desk.shown()


def test_the_bar_keeps_its_height_and_its_habits(visit: Visit) -> None:
    desk = Desk(visit)
    bar = visit.page.get_by_role("region", name="续写", exact=True)
    height = bar.bounding_box()
    visit.page.get_by_role("button", name="100", exact=True).click()
    visit.page.get_by_role("button", name="更多选项").click()
    visit.page.get_by_role("combobox", name="候选").select_option("2")
    desk.press("Escape")
    desk.beat.fill("裴照亮出铜片")
    desk.press("Enter")
    desk.face("ready")
    assert bar.bounding_box() == height
    visit.until(
        lambda: visit.served.engine.requests[-1].candidates == 2, "two candidates asked for"
    )
    visit.until(lambda: desk.habits().get("length") == 100, "the length remembered")
    visit.page.reload()
    chosen = visit.page.get_by_role("button", name="100", exact=True)
    expect(chosen).to_have_attribute("aria-pressed", "true")
    expect(desk.beat).to_have_value("裴照亮出铜片")


def test_tab_without_a_ghost_goes_to_the_beat(visit: Visit) -> None:
    desk = Desk(visit)
    desk.press("Tab")
    expect(desk.beat).to_be_focused()
    assert desk.text() == BEFORE
