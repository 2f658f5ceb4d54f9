"""A selection rewritten: shown as differences, taken or refused one by one, one step of undo."""

import pytest
from playwright.sync_api import Locator, expect

from server.engines.scripted import Text
from tests.e2e.served import plays
from tests.e2e.visit import Visit

pytestmark = pytest.mark.e2e

OLD = "他左手转橘子，右手不动。他先看一眼那块表。"
NEW = "他左手慢慢转着橘子，右手不动。他总要先看那块表。"
TEXT = f"雨停了。\n{OLD}\n她没有回头。"


class Desk:
    """A chapter whose second paragraph is selected, and the bar beside it."""

    def __init__(self, visit: Visit) -> None:
        self.visit, self.page = visit, visit.page
        self.work, (self.chapter,) = visit.served.book(("夜渡", TEXT))
        visit.open(f"#/w/{self.work}/{self.chapter}")
        expect(self.paper.locator("p").last).to_have_text("她没有回头。")
        self.paper.locator("p").nth(1).click(click_count=3)
        self.press("Alt+Enter")

    @property
    def paper(self) -> Locator:
        return self.page.get_by_role("textbox", name="正文")

    @property
    def bar(self) -> Locator:
        return self.page.get_by_role("dialog", name="改写选中的文字")

    @property
    def review(self) -> Locator:
        return self.page.get_by_role("toolbar", name="逐处收下或不要")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def polished(self) -> None:
        self.bar.get_by_role("button", name="润色").click()
        expect(self.review).to_be_focused()

    def saved(self, text: str) -> None:
        def kept() -> str:
            found: str = self.visit.served.chapter(self.work, self.chapter)["text"]
            return found

        self.visit.until(lambda: kept() == text, f"{text!r} saved, not {kept()!r}")


def test_the_bar_opens_from_the_keyboard_beside_the_selection(visit: Visit) -> None:
    desk = Desk(visit)
    expect(desk.bar.get_by_role("button", name="改写", exact=True)).to_be_focused()
    bar = desk.bar.bounding_box()
    picked = visit.page.locator(".picked").bounding_box()
    assert bar is not None
    assert picked is not None
    below, above = (
        picked["y"] + picked["height"] <= bar["y"],
        bar["y"] + bar["height"] <= picked["y"],
    )
    assert below or above
    desk.press("Escape")
    expect(desk.bar).to_have_count(0)
    expect(desk.paper).to_be_focused()


@plays([Text(NEW)])
def test_all_is_taken_in_one_step(visit: Visit) -> None:
    desk = Desk(visit)
    desk.polished()
    assert visit.served.chapter(desk.work, desk.chapter)["text"] == TEXT
    desk.press("Control+Enter")
    desk.saved(TEXT.replace(OLD, NEW))
    expect(desk.paper).to_be_focused()
    (entry,) = visit.served.ok("GET", f"/api/works/{desk.work}/generations")
    assert (entry["verdict"], entry["outputs"][0]["text"]) == ("accepted", NEW)
    start = TEXT.index(OLD)
    assert (entry["kind"], entry["start"], entry["end"]) == ("rewrite", start, start + len(OLD))
    desk.press("Control+z")
    desk.saved(TEXT)


@plays([Text(NEW)])
def test_each_change_is_decided_by_a_key_or_a_click(visit: Visit) -> None:
    desk = Desk(visit)
    desk.polished()
    expect(desk.review).to_contain_text("1 / 2 处")
    desk.press("Tab", "Enter")
    expect(visit.page.locator("ins.taken")).to_have_text("总要先看")
    expect(desk.review).to_contain_text("1 / 2 处")
    assert visit.served.chapter(desk.work, desk.chapter)["text"] == TEXT
    visit.page.locator("del.open", has_text="转").click()
    desk.saved(TEXT.replace("先看一眼", "总要先看"))


@plays([Text(NEW)])
def test_escape_leaves_everything_as_it_was(visit: Visit) -> None:
    desk = Desk(visit)
    desk.polished()
    desk.press("Escape")
    expect(desk.review).to_have_count(0)
    expect(desk.paper.locator("p").nth(1)).to_have_text(OLD)
    log = f"/api/works/{desk.work}/generations"
    visit.until(lambda: visit.served.ok("GET", log)[0]["verdict"] == "refused", "a verdict")


@plays([Text(OLD)])
def test_nothing_to_change_is_told(visit: Visit) -> None:
    desk = Desk(visit)
    desk.bar.get_by_role("button", name="润色").click()
    expect(visit.page.locator(".strip")).to_contain_text("没有改动")


@plays([Text(NEW)])
def test_writing_into_the_stretch_makes_it_void(visit: Visit) -> None:
    desk = Desk(visit)
    desk.polished()
    desk.paper.locator("p").nth(1).click(position={"x": 60, "y": 10})
    visit.page.keyboard.type("啊")
    expect(desk.review).to_have_count(0)
    expect(visit.page.locator("del, ins")).to_have_count(0)


LONG = "屋外的雨还没有停，铜铃在檐下响了两声。陈姨把茶放在桌上，转身去看炉子里的火。"


@plays([Text(NEW + LONG * 6)], tokens_per_second=25)
def test_changes_show_while_they_are_written_and_can_be_taken_when_stopped(visit: Visit) -> None:
    work, (chapter,) = visit.served.book(("夜渡", f"雨停了。\n{OLD}{LONG * 6}\n她没有回头。"))
    visit.open(f"#/w/{work}/{chapter}")
    paper = visit.page.get_by_role("textbox", name="正文")
    expect(paper.locator("p").last).to_have_text("她没有回头。")
    paper.locator("p").nth(1).click(click_count=3)
    above = paper.locator("p").first.bounding_box()
    # At once after the selection: what the rewriting needs may still be on its way.
    visit.page.keyboard.press("Alt+Enter")
    visit.page.get_by_role("button", name="润色").click()
    strip = visit.page.locator(".strip")
    expect(paper.locator("ins.open")).to_have_text(["慢慢转着", "总要先看"])
    expect(strip).to_contain_text("正在改")
    expect(paper.locator(".awaited").last).to_be_visible()
    assert paper.locator("p").first.bounding_box() == above
    visit.page.keyboard.press("Escape")
    review = visit.page.get_by_role("toolbar", name="逐处收下或不要")
    expect(review).to_be_focused()
    expect(paper.locator(".awaited")).to_have_count(0)
    visit.until(lambda: visit.served.engine.running == 0, "the engine stopped")
    visit.page.keyboard.press("Control+Enter")
    expect(paper.locator("p").nth(1)).to_contain_text("他左手慢慢转着橘子，右手不动。他总要先看")
    visit.page.keyboard.press("Control+z")
    expect(paper.locator("p").nth(1)).to_have_text(OLD + LONG * 6)
