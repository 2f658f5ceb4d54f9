"""The side panel: why it was written so, who is here, what is owed, how it came to be; and the
card of a name in the text."""

from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Request, expect

from retrieval import timeline
from server.engines.scripted import Text
from server.settings import ROOT
from tests.e2e.served import Served, plays
from tests.e2e.visit import Visit, visiting

pytestmark = pytest.mark.e2e

FIRST = "裴照把船缆在桩上绕了三道，才抬头去看那排灯。\n阿照没有说话。"
SECOND = "许蘅来了。\n裴照走到她身旁，隔着两步站住。\n雾里传来一声铃响。"
SAID = "他没有动，看着水面。"
AGAIN = "“风。”她说，“只是风。”"


class Side:
    """Two chapters with two people in them, the second open, the caret at its end."""

    def __init__(self, visit: Visit) -> None:
        self.visit, self.page = visit, visit.page
        self.work, (self.first, self.second) = visit.served.book(("旧船", FIRST), ("夜渡", SECOND))
        self.pei = self.made(
            "characters", name="裴照", aliases=["阿照"], sheet={"身份": "渡口的船夫"},
            voice=["灯亮着，就数得清有几条船。"],
        )  # fmt: skip
        self.xu = self.made("characters", name="许蘅", aliases=[], sheet={"身份": "代书"})
        self.made(
            "progressions", character_id=self.pei, label="此刻", text="左手有伤",
            since_chapter_id=self.second, since_offset=SECOND.index("雾里"),
        )  # fmt: skip
        self.made("relations", a=self.pei, b=self.xu, label="故人，有亏欠")
        visit.open(f"#/w/{self.work}/{self.second}")
        expect(self.paper.locator("p").last).to_have_text(SECOND.splitlines()[-1])
        self.paper.click()
        self.page.keyboard.press("Control+End")

    def made(self, what: str, **fields: Any) -> str:
        row = self.visit.served.ok("POST", f"/api/works/{self.work}/{what}", json=fields)
        return str(row["id"])

    @property
    def paper(self) -> Locator:
        return self.page.get_by_role("textbox", name="正文")

    @property
    def panel(self) -> Locator:
        return self.page.get_by_role("complementary", name="旁证")

    def tab(self, name: str) -> None:
        self.panel.get_by_role("tab", name=name).click()
        expect(self.panel.get_by_role("tab", name=name)).to_have_attribute("aria-selected", "true")

    def button(self, name: str, within: Locator | None = None) -> Locator:
        return (within or self.panel).get_by_role("button", name=name, exact=True)

    def continued(self) -> None:
        """A continuation is written and stands to be taken."""
        self.paper.focus()
        self.page.keyboard.press("Control+Enter")
        expect(self.page.locator(".strip[data-face=ready]")).to_be_visible()

    def log(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.visit.served.ok(
            "GET", f"/api/works/{self.work}/generations"
        )
        return found

    def prompt(self, n: int = 0) -> dict[str, Any]:
        """Of the log's newest but `n`."""
        path = f"/api/works/{self.work}/generations/{self.log()[n]['id']}"
        found: dict[str, Any] = self.visit.served.ok("GET", path)["prompt"]
        return found

    def choice(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = self.visit.served.chapter(self.work, self.second)["context"]
        return found


@pytest.fixture
def side(visit: Visit) -> Side:
    return Side(visit)


@plays([Text(SAID)])
def test_after_a_continuation_it_is_told_what_went_in_and_why(side: Side) -> None:
    expect(side.panel.get_by_text("还没有续写过")).to_be_visible()
    side.continued()
    sent = side.prompt()
    bar = side.panel.get_by_role("img", name="词元构成")
    expect(bar).to_be_visible()
    expect(side.panel.locator(".sum")).to_contain_text(f"{sent['tokens']:,} / {sent['budget']:,}")
    items = side.panel.locator(".it:not(.drop)")
    expect(items).to_have_count(len(sent["kept"]))
    pei = items.filter(has=side.page.get_by_role("button", name="裴照", exact=True)).first
    expect(pei).to_contain_text("近文里提到")
    side.button("裴照", pei).click()
    expect(pei).to_contain_text("渡口的船夫")
    side.button("看数字表").click()
    table = side.panel.get_by_role("table")
    expect(table.get_by_role("row")).to_have_count(10)
    expect(table.get_by_role("row", name="人物与状态")).to_contain_text("条")


def test_before_a_continuation_it_is_told_on_demand_and_kept_fresh(side: Side) -> None:
    asked: list[Request] = []
    side.page.on("request", lambda r: asked.append(r) if r.url.endswith("/context") else None)
    side.button("先看看会带上什么").click()
    tail = side.panel.locator(".it").filter(has_text="本章正文")
    expect(tail).to_be_visible()
    assert len(asked) == 1
    side.paper.focus()
    side.page.keyboard.type("灯灭了。" * 6, delay=60)
    assert len(asked) == 1, "asked while the author typed"
    side.visit.until(lambda: len(asked) == 2, "asked again once the author rested")
    side.button("本章正文", tail).click()
    expect(tail).to_contain_text("灯灭了。灯灭了。")


@plays([Text(SAID)], [Text(AGAIN)])
def test_what_is_put_aside_stays_out_of_the_next_and_can_come_back(side: Side) -> None:
    side.continued()
    item = side.panel.locator(".it").filter(
        has=side.page.get_by_role("button", name="裴照", exact=True)
    )
    side.button("排除：这一章不再用", item.first).click()
    aside = side.panel.locator("li", has=side.page.get_by_role("button", name="放回"))
    expect(aside).to_contain_text("裴照")
    side.visit.until(lambda: side.choice()["excluded"] == [f"character:{side.pei}"], "it is kept")
    side.button("按此重写").click()
    side.visit.until(lambda: len(side.log()) == 2, "another attempt")
    expect(side.page.locator(".ghost")).to_contain_text("只是风")
    kept = lambda prompt: {one["id"] for one in prompt["kept"]}  # noqa: E731
    assert f"character:{side.pei}" in kept(side.prompt(1))
    assert f"character:{side.pei}" not in kept(side.prompt(0))
    side.button("与上次比").click()
    compared = side.page.get_by_role("dialog", name="与上次比")
    expect(compared.locator("del").filter(has_text="渡口的船夫").first).to_be_visible()
    side.page.keyboard.press("Escape")
    expect(compared).to_be_hidden()
    side.button("放回", aside).click()
    side.visit.until(lambda: side.choice()["excluded"] == [], "it is back")


def test_a_pin_holds_and_the_raw_prompt_is_copied(side: Side) -> None:
    side.button("先看看会带上什么").click()
    item = side.panel.locator(".it").filter(
        has=side.page.get_by_role("button", name="许蘅", exact=True)
    )
    pin = side.button("钉住：每次都带上", item.first)
    pin.click()
    side.visit.until(lambda: side.choice()["pinned"] == [f"character:{side.xu}"], "it is kept")
    expect(pin).to_have_attribute("aria-pressed", "true")
    side.button("原始提示").click()
    raw = side.page.get_by_role("dialog", name="原始提示")
    expect(raw.get_by_role("region", name="系统")).to_be_visible()
    raw.get_by_role("button", name="复制").click()
    copied = side.visit.until(
        lambda: side.page.evaluate("() => navigator.clipboard.readText()"), "something was copied"
    )
    assert "【system】" in copied
    assert "雾里传来一声铃响" in copied


def test_what_cannot_be_read_leaves_the_last_that_could(side: Side) -> None:
    side.visit.expected.append("Failed to load resource")
    side.button("先看看会带上什么").click()
    expect(side.panel.get_by_text("用上了")).to_be_visible()
    side.page.route("**/context", lambda route: route.abort())
    side.button("重新取材").click()
    expect(side.panel.get_by_text("旧", exact=True)).to_be_visible()
    expect(side.panel.get_by_text("用上了")).to_be_visible()
    side.page.unroute("**/context")
    side.button("重新取材").click()
    expect(side.panel.get_by_text("旧", exact=True)).to_be_hidden()


def test_an_item_leads_to_its_place_in_the_book(side: Side) -> None:
    side.button("先看看会带上什么").click()
    place = side.panel.locator(".it").get_by_role("button", name="到书里看").first
    place.click()
    expect(side.paper.locator("p").first).to_have_text(FIRST.splitlines()[0])


def test_the_cast_stands_as_at_the_caret(side: Side) -> None:
    side.tab("人物")
    expect(side.panel.locator(".who b")).to_have_text("裴照")
    expect(side.panel.get_by_text("左手有伤").first).to_be_visible()
    expect(side.panel.get_by_text("灯亮着，就数得清有几条船。")).to_be_visible()
    graph = side.panel.get_by_role("group", name="裴照：与许蘅，故人，有亏欠")
    graph.get_by_role("button", name="许蘅").focus()
    side.page.keyboard.press("Enter")
    expect(side.panel.locator(".who b")).to_have_text("许蘅")
    expect(side.panel.locator("dl")).to_contain_text("代书")


def test_a_card_tells_who_is_named_as_of_that_point(side: Side) -> None:
    names = side.paper.locator(".mention")
    expect(names).to_have_text(["许蘅", "裴照"])
    names.nth(1).hover()
    card = side.page.get_by_role("dialog", name="人物：裴照")
    expect(card).to_contain_text("渡口的船夫")
    expect(card).not_to_contain_text("左手有伤")  # that is told further on
    side.page.mouse.move(700, 5)
    expect(card).to_be_hidden()
    side.paper.focus()
    side.page.keyboard.press("Control+End")
    side.page.keyboard.type("他叫阿照")
    expect(names).to_have_count(3)
    side.page.keyboard.press("F2")
    expect(card).to_contain_text("左手有伤")
    expect(card).to_be_focused()
    side.page.keyboard.press("Escape")
    expect(card).to_be_hidden()
    expect(side.paper).to_be_focused()


def test_a_long_press_opens_the_card_too(chrome: Browser, web: Served) -> None:
    phone = {"width": 390, "height": 844}
    with visiting(chrome, web, viewport=phone, has_touch=True, is_mobile=True) as visit:
        side = Side(visit)
        name = side.paper.locator(".mention").first
        name.scroll_into_view_if_needed()
        box = name.bounding_box()
        assert box is not None
        point = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
        cdp = visit.cdp()
        cdp.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
        card = side.page.get_by_role("dialog", name="人物：许蘅")
        expect(card).to_contain_text("代书")
        cdp.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        card.get_by_role("button", name="在旁证里看").tap()
        expect(side.panel.locator(".who b")).to_have_text("许蘅")


def test_a_name_being_composed_is_left_to_the_input_method(side: Side) -> None:
    cdp = side.visit.cdp()
    names = side.paper.locator(".mention")
    expect(names).to_have_count(2)
    for said in ("pei", "裴", "裴照"):
        cdp.send(
            "Input.imeSetComposition",
            {"text": said, "selectionStart": len(said), "selectionEnd": len(said)},
        )
    expect(side.paper.locator("p").last).to_have_text("雾里传来一声铃响。裴照")
    expect(names).to_have_count(2)
    cdp.send("Input.insertText", {"text": "裴照"})
    expect(names).to_have_count(3)
    expect(side.paper.locator("p").last).to_have_text("雾里传来一声铃响。裴照")


def test_the_selection_is_noted_as_a_thread(side: Side) -> None:
    side.tab("伏笔")
    expect(side.panel.get_by_text("没有埋着的伏笔")).to_be_visible()
    side.paper.focus()
    side.page.keyboard.press("Control+End")
    for _ in range(5):
        side.page.keyboard.press("Shift+ArrowLeft")
    side.button("把选中的记进伏笔").click()
    form = side.panel.get_by_role("form", name="把选中的记进伏笔")
    expect(form).to_contain_text("声铃响。")
    form.get_by_label("叫什么").fill("缺角铜铃")
    side.button("记下", form).click()
    expect(side.panel.get_by_text("缺角铜铃").first).to_be_visible()
    (thread,) = side.visit.served.ok("GET", f"/api/works/{side.work}/threads")
    (event,) = thread["events"]
    assert (event["kind"], event["quote"]) == ("plant", "一声铃响。")
    assert event["offset"] == len(SECOND)
    side.paper.focus()
    side.page.keyboard.press("Control+Home")
    expect(side.panel.get_by_role("heading", name="还埋着")).to_be_hidden()
    expect(side.panel.get_by_role("heading", name="本章提到的")).to_be_visible()


@plays([Text(SAID)], [Text(AGAIN)])
def test_the_history_tells_what_came_and_leads_back(side: Side) -> None:
    side.continued()
    side.page.keyboard.press("Tab")
    whole = SECOND + SAID
    side.visit.until(
        lambda: side.visit.served.chapter(side.work, side.second)["text"] == whole, "it is saved"
    )
    side.page.keyboard.press("Alt+4")
    taken = side.panel.locator(".hv").filter(has_text="收下续写").first
    expect(taken).to_contain_text(f"模型 +{len(SAID)}")
    side.button("看改了什么", taken).click()
    expect(taken.locator("ins")).to_have_text(SAID)
    side.button("看全文", taken).click()
    version = side.page.get_by_role("dialog").filter(has_text="这一版")
    expect(version.locator("ins")).to_have_text(SAID)
    side.page.keyboard.press("Escape")
    before = side.panel.locator(".hv").last
    side.button("恢复到这里", before).click()
    expect(side.paper.locator("p").last).to_have_text(SECOND.splitlines()[-1])
    assert side.visit.served.chapter(side.work, side.second)["text"] == SECOND
    expect(side.panel.locator(".hv").first).to_contain_text("恢复")


def test_a_revision_is_kept_under_a_name(side: Side) -> None:
    side.tab("历史")
    first = side.panel.locator(".hv").first
    side.button("留着这一版", first).click()
    first.get_by_label("叫什么，可以不填").fill("第一稿")
    side.button("保存", first).click()
    expect(first).to_contain_text("第一稿")
    side.button("改名", first).click()
    first.get_by_label("叫什么，可以不填").fill("初稿")
    side.button("保存", first).click()
    side.panel.get_by_role("group", name="改动").get_by_role("button", name="留着的").click()
    expect(side.panel.locator(".hv")).to_have_count(1)
    expect(first).to_contain_text("初稿")
    side.button("不留了", first).click()
    expect(side.panel.get_by_text("还没有留着的")).to_be_visible()


@plays([Text(SAID)], [Text(AGAIN)])
def test_what_was_not_taken_is_found_and_offered_again(side: Side) -> None:
    side.continued()
    side.page.keyboard.press("Escape")
    side.continued()
    side.page.keyboard.press("Escape")
    side.tab("历史")
    rows = side.panel.locator(".written > li")
    expect(rows).to_have_count(2)
    side.panel.get_by_role("searchbox", name="在写过的里找").fill("看着水面")
    expect(rows).to_have_count(1)
    side.button("再看", rows.first).click()
    expect(side.page.locator(".ghost")).to_contain_text(SAID)
    side.button("为什么", rows.first).click()
    expect(side.panel.get_by_role("tab", name="为什么这样写")).to_have_attribute(
        "aria-selected", "true"
    )
    expect(side.panel.locator(".sum")).to_contain_text(f"{side.prompt(1)['tokens']:,}")


def test_keys_lead_to_the_tabs_and_back(side: Side) -> None:
    page = side.page
    chosen = side.panel.get_by_role("tab", selected=True)
    page.keyboard.press("Alt+3")
    expect(chosen).to_have_text("伏笔")
    expect(side.paper).to_be_focused()  # a glance: the hands stay at the text
    page.keyboard.press("Alt+3")
    expect(chosen).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(chosen).to_have_text("历史")
    page.keyboard.press("Escape")
    expect(side.paper).to_be_focused()
    page.set_viewport_size({"width": 390, "height": 844})
    page.keyboard.press("Alt+2")
    expect(side.panel).to_be_visible()
    expect(chosen).to_be_focused()
    page.keyboard.press("Escape")
    expect(side.panel).to_be_hidden()
    expect(side.paper).to_be_focused()


def test_the_page_knows_every_reason_to_keep_something_back() -> None:
    groups = ROOT / "webui" / "src" / "rooms" / "desk" / "side" / "groups.ts"
    source = groups.read_text(encoding="utf-8")
    for reason in (timeline.NOT_YET, timeline.OVER, timeline.UNKNOWN, timeline.GONE):
        assert f'"{reason}"' in source
