"""A touch screen the size of a hand: the tree and the ghost by fingers alone."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, expect

from server.engines.scripted import Text
from tests.e2e.axe import faults
from tests.e2e.served import Served, plays
from tests.e2e.visit import Visit, visiting

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

PHONE = {"width": 390, "height": 844}
NAMES = ("雨夜", "渡口", "天晴")
TEXT = "雨打着瓦，一夜没有停。\n灯亮着。"
SAID = "他没有动，看着水面。"
FINGER = 44
"""What a finger hits, px."""


class Hand:
    """A book of three chapters on a phone, the last one open."""

    def __init__(self, visit: Visit) -> None:
        self.visit, self.page = visit, visit.page
        visit.context.add_init_script("localStorage.setItem('yanchi.tour', '{\"done\":true}')")
        self.work, self.chapters = visit.served.book(*((name, TEXT) for name in NAMES))
        visit.open(f"#/w/{self.work}")
        expect(self.page.locator(".ProseMirror")).to_contain_text("灯亮着")

    @property
    def tree(self) -> Locator:
        return self.page.get_by_role("tree", name="目录")

    def row(self, name: str) -> Locator:
        return self.tree.get_by_role("treeitem", name=re.compile(name))

    def sheet(self) -> None:
        self.page.get_by_role("button", name="目录", exact=True).tap()
        expect(self.tree).to_be_visible()

    def order(self) -> list[str]:
        rows = self.visit.served.ok("GET", f"/api/works/{self.work}/chapters")
        return [chapter["name"] for chapter in rows]


@pytest.fixture
def hand(chrome: Browser, web: Served) -> Iterator[Hand]:
    with visiting(chrome, web, viewport=PHONE, has_touch=True, is_mobile=True) as visit:
        yield Hand(visit)


def test_a_chapter_is_chosen_from_the_sheet(hand: Hand) -> None:
    expect(hand.tree).not_to_be_visible()
    hand.sheet()
    hand.row("雨夜").tap()
    hand.visit.until(lambda: hand.chapters[0] in hand.page.url, "the first chapter")
    expect(hand.tree).not_to_be_visible()
    expect(hand.page.locator(".crumb")).to_contain_text("雨夜")
    hand.sheet()
    expect(hand.row("雨夜")).to_have_attribute("aria-current", "page")
    hand.page.locator(".scrim").tap(position={"x": 380, "y": 600})
    expect(hand.tree).not_to_be_visible()


def test_a_chapter_is_moved_by_its_menu(hand: Hand) -> None:
    hand.sheet()
    for up in (["雨夜", "天晴", "渡口"], ["天晴", "雨夜", "渡口"]):
        hand.row("天晴").get_by_role("button", name=re.compile("更多")).tap()
        hand.page.get_by_role("menuitem", name=re.compile("^上移")).tap()
        hand.visit.until(lambda up=up: hand.order() == up, f"the order {up}")
    hand.row("天晴").get_by_role("button", name=re.compile("更多")).tap()
    hand.page.get_by_role("menuitem", name=re.compile("^下移")).tap()
    hand.visit.until(lambda: hand.order() == ["雨夜", "天晴", "渡口"], "one step back")


def test_every_row_has_its_menu_in_sight(hand: Hand) -> None:
    """Nothing hovers here: a chapter need not be opened for what can be done with it."""
    hand.sheet()
    for name in NAMES:
        expect(hand.row(name).get_by_role("button", name=re.compile("更多"))).to_be_visible()
    hand.row("雨夜").get_by_role("button", name=re.compile("更多")).tap()
    hand.page.get_by_role("menuitem", name=re.compile("^下移")).tap()
    hand.visit.until(lambda: hand.order() == ["渡口", "雨夜", "天晴"], "the first one down")
    assert hand.chapters[-1] in hand.page.url


def test_a_chapter_and_a_volume_are_sent_to_a_place(hand: Hand) -> None:
    """移到…: into another volume, and to a number."""
    api, path = hand.visit.served, f"/api/works/{hand.work}"
    one, two = (
        api.ok("POST", f"{path}/volumes", json={"title": title})["id"] for title in ("上卷", "下卷")
    )
    hand.page.reload()
    expect(hand.page.locator(".ProseMirror")).to_contain_text("灯亮着")
    hand.sheet()

    def send(name: str) -> Locator:
        hand.row(name).get_by_role("button", name=re.compile("更多")).tap()
        hand.page.get_by_role("menuitem", name="移到…").tap()
        dialog = hand.page.get_by_role("dialog", name=re.compile(f"{name}”移到"))
        expect(dialog).to_be_visible()
        return dialog

    def settle(dialog: Locator) -> None:
        dialog.get_by_role("button", name="移到这里").tap()
        expect(dialog).to_have_count(0)

    dialog = send("雨夜")
    dialog.get_by_role("combobox", name="哪一卷").tap()
    hand.page.get_by_role("option", name="上卷").tap()
    expect(dialog.get_by_role("status")).to_have_text("在最前面")
    assert faults(hand.page) == []
    settle(dialog)

    def homes() -> dict[str, str | None]:
        return {row["name"]: row["volume_id"] for row in api.ok("GET", f"{path}/chapters")}

    hand.visit.until(lambda: homes() == {"雨夜": one, "渡口": None, "天晴": None}, "in its volume")

    dialog = send("渡口")
    dialog.get_by_label("第几章").fill("2")
    expect(dialog.get_by_role("status")).to_contain_text("天晴”后面")
    settle(dialog)
    hand.visit.until(lambda: hand.order()[:2] == ["天晴", "渡口"], "the second outside")

    dialog = send("上卷")
    dialog.get_by_label("第几卷").fill("2")
    settle(dialog)

    def volumes() -> list[str]:
        return [row["id"] for row in api.ok("GET", f"{path}/volumes")]

    hand.visit.until(lambda: volumes() == [two, one], "behind the other volume")


def test_what_is_in_the_sheet_is_as_large_as_a_finger(hand: Hand) -> None:
    hand.sheet()
    for target in [
        *hand.tree.get_by_role("treeitem").all(),
        *hand.page.get_by_role("navigation", name="目录").get_by_role("button").all(),
    ]:
        box = target.bounding_box()
        assert box is not None
        assert box["height"] >= FINGER, target.inner_html()


@plays([Text(SAID)], [Text("她没有来。")])
def test_a_ghost_is_taken_and_refused_by_buttons(hand: Hand) -> None:
    bar = hand.page.get_by_role("button", name="续写", exact=True)
    bar.tap()
    expect(hand.page.locator(".strip[data-face=ready]")).to_be_visible()
    expect(hand.page.locator(".ghost").first).to_contain_text(SAID)
    take = hand.page.get_by_role("button", name=re.compile("^收下"))
    box = take.bounding_box()
    assert box is not None
    assert box["height"] >= FINGER
    take.tap()
    expect(hand.page.locator(".ghost")).to_have_count(0)

    def text() -> str:
        return str(hand.visit.served.chapter(hand.work, hand.chapters[-1])["text"])

    hand.visit.until(lambda: SAID in text(), "the words are the chapter's")
    kept = text()
    bar.tap()
    expect(hand.page.locator(".ghost").first).to_contain_text("她没有来。")
    expect(hand.page.locator(".strip[data-face=ready]")).to_be_visible()
    hand.page.get_by_role("button", name=re.compile("^不要")).tap()
    expect(hand.page.locator(".ghost")).to_have_count(0)
    assert text() == kept
