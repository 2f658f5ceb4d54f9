"""Talking with a persona in a real browser: openings, answers, versions, what breaks off, the card."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from server.engines.scripted import Fail, Text
from server.errors import EngineLost
from tests.e2e.axe import faults
from tests.e2e.served import plays
from tests.e2e.visit import Visit

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

CARD: dict[str, Any] = {
    "name": "阿檀",
    "summary": "看门的老人",
    "description": "{{char}}看着一扇旧门。",
    "first_message": "（抬头）{{user}}来了。",
    "alternates": ["门还没有开。"],
}


def persona(visit: Visit, **card: Any) -> str:
    visit.context.add_init_script("localStorage.setItem('yanchi.tour', '{\"done\":true}')")
    return str(visit.served.ok("POST", "/api/personas", json=CARD | card)["id"])


def begin(visit: Visit, **card: Any) -> str:
    """A new conversation on the page; the persona's id."""
    made = persona(visit, **card)
    visit.open(f"#/personas/{made}")
    visit.page.get_by_role("button", name="开始对谈").click()
    box(visit).wait_for()
    return made


def box(visit: Visit) -> Locator:
    return visit.page.get_by_role("textbox", name="说给阿檀听")


def say(visit: Visit, text: str) -> None:
    box(visit).fill(text)
    box(visit).press("Enter")


def answers(visit: Visit) -> Locator:
    return visit.page.get_by_role("log").get_by_role("article", name="阿檀")


@plays([Text("（侧耳）门外是风。")])
def test_a_conversation_from_its_opening(visit: Visit) -> None:
    made = persona(visit)
    visit.open(f"#/personas/{made}")
    visit.page.get_by_role("radio").nth(1).check()
    visit.page.get_by_role("button", name="开始对谈").click()
    expect(answers(visit)).to_contain_text(["门还没有开。"])
    say(visit, "外面是谁？")
    expect(answers(visit).last).to_contain_text("门外是风。")
    expect(box(visit)).to_have_value("")
    expect(visit.page.get_by_role("status").filter(has_text="阿檀说完了。")).to_have_count(1)
    assert answers(visit).last.locator("i").inner_text() == "（侧耳）"
    visit.page.reload()
    expect(answers(visit).last).to_contain_text("门外是风。")
    expect(visit.page.get_by_role("link", name=re.compile("外面是谁？"))).to_be_visible()


@plays([Text("听见了。")])
def test_enter_belongs_to_the_input_method_while_it_composes(visit: Visit) -> None:
    begin(visit)
    box(visit).focus()
    cdp = visit.cdp()
    cdp.send("Input.imeSetComposition", {"text": "ni", "selectionStart": 2, "selectionEnd": 2})
    key = {"type": "rawKeyDown", "key": "Process", "code": "Enter", "windowsVirtualKeyCode": 229}
    cdp.send("Input.dispatchKeyEvent", key)
    cdp.send("Input.insertText", {"text": "你听"})
    box(visit).press("Shift+Enter")
    box(visit).press_sequentially("见吗")
    expect(box(visit)).to_have_value("你听\n见吗")
    assert visit.served.engine.requests == []
    box(visit).press("Enter")
    expect(answers(visit).last).to_contain_text("听见了。")


@plays([Text("一扇木门。")], [Text("一扇铁门。")], [Text("锁是铜的。")], [Text("两把锁。")])
def test_versions_edits_and_branches_lose_nothing(visit: Visit) -> None:
    begin(visit)
    say(visit, "什么门？")
    expect(answers(visit).last).to_contain_text("一扇木门。")
    answers(visit).last.get_by_role("button", name="另说一种").click()
    expect(answers(visit).last).to_contain_text("一扇铁门。")
    expect(answers(visit).last).to_contain_text("2 / 2")
    answers(visit).last.get_by_role("button", name="上一种").click()
    expect(answers(visit).last).to_contain_text("一扇木门。")

    visit.page.keyboard.press("Alt+BracketRight")
    expect(answers(visit).last).to_contain_text("一扇铁门。")
    visit.page.keyboard.press("Alt+BracketLeft")
    expect(answers(visit).last).to_contain_text("一扇木门。")

    mine = visit.page.get_by_role("log").get_by_role("article", name="我")
    mine.get_by_role("button", name="改这句").click()
    visit.page.get_by_role("textbox", name="改好的话").fill("什么锁？")
    visit.page.get_by_role("textbox", name="改好的话").press("Control+Enter")
    expect(answers(visit).last).to_contain_text("锁是铜的。")
    mine.get_by_role("button", name="上一种").click()
    expect(answers(visit).last).to_contain_text("一扇铁门。")

    answers(visit).first.get_by_role("button", name="从这里分支").click()
    expect(answers(visit)).to_have_count(1)
    say(visit, "几把锁？")
    expect(answers(visit).last).to_contain_text("两把锁。")
    visit.page.get_by_role("button", name=re.compile("^分支")).click()
    visit.page.get_by_role("menuitemcheckbox", name=re.compile("一扇木门。")).click()
    expect(answers(visit).last).to_contain_text("一扇木门。")


@plays(
    [Text("门轴该上油了，一开就叫。"), Fail(EngineLost("模型断开了，请再试一次。"), after=2)],
    [Text("一开就叫人。")],
    [Fail(EngineLost("模型断开了，请再试一次。"))],
    [Text("还在。")],
)
def test_what_broke_off_stays_and_can_be_gone_on_with(visit: Visit) -> None:
    begin(visit)
    say(visit, "门响吗？")
    told = visit.page.get_by_role("log").get_by_role("alert")
    expect(told).to_contain_text("模型断开了")
    part = answers(visit).last.locator(".say").inner_text()
    assert "门轴该上油了，一开就叫。".startswith(part)
    told.get_by_role("button", name="接着说").click()
    expect(answers(visit).last.locator(".say")).to_have_text(f"{part}一开就叫人。")
    say(visit, "还在吗？")
    told.get_by_role("button", name="再试").click()
    expect(answers(visit).last).to_contain_text("还在。")


@plays([Text("说来话长。" * 200)], tokens_per_second=40)
def test_stopping_keeps_what_there_is(visit: Visit) -> None:
    begin(visit)
    say(visit, "从头说。")
    expect(visit.page.get_by_role("log")).to_contain_text("说来话长。")
    visit.page.get_by_role("button", name="停", exact=True).click()
    expect(answers(visit)).to_have_count(2)
    kept = answers(visit).last.locator(".say").inner_text()
    assert kept.startswith("说来话长。")
    visit.page.reload()
    expect(answers(visit).last.locator(".say")).to_have_text(kept)
    visit.until(lambda: visit.served.engine.running == 0, "the engine at rest")


@plays([Text("说来话长。" * 200)], [Text("完了。")], tokens_per_second=40)
def test_leaving_ends_the_answer_and_keeps_its_part(visit: Visit) -> None:
    begin(visit)
    say(visit, "从头说。")
    expect(visit.page.get_by_role("log")).to_contain_text("说来话长。")
    talk = visit.page.url.partition("#")[2]
    visit.page.get_by_role("link", name="设置").first.click()
    visit.until(lambda: visit.served.engine.running == 0, "the engine at rest")
    (told,) = visit.served.ok("GET", "/api/conversations")
    path = f"/api/conversations/{told['id']}/tree"
    visit.until(lambda: len(visit.served.ok("GET", path)["messages"]) == 4, "the part kept")
    visit.open(f"#{talk}")
    part = answers(visit).last.locator(".say").inner_text()
    assert part.startswith("说来话长。")
    expect(answers(visit).last).to_contain_text("说到一半断了。")
    answers(visit).last.get_by_role("button", name="接着说").click()
    expect(answers(visit).last.locator(".say")).to_have_text(f"{part}完了。")


@plays([Text("是铜的。")])
def test_the_card_its_lore_and_why(visit: Visit) -> None:
    made = begin(visit)
    visit.page.get_by_role("complementary", name="人物卡").get_by_role(
        "button", name="改人物卡"
    ).click()
    card = visit.page.get_by_role("dialog", name="人物卡")
    card.get_by_role("textbox", name="一句话").fill("守着一把锁")
    card.get_by_text("设定集").click()
    card.get_by_role("button", name="加一条").click()
    card.get_by_role("textbox", name=re.compile("关键词")).fill("铜锁、钥匙")
    card.get_by_role("textbox", name="第 1 条：内容").fill("铜锁是祖上传的。")
    card.get_by_role("button", name="保存").click()
    expect(card).to_have_count(0)
    expect(visit.page.get_by_role("navigation", name="人物")).to_contain_text("守着一把锁")
    (entry,) = visit.served.ok("GET", f"/api/personas/{made}/lore")
    assert entry["keys"] == ["铜锁", "钥匙"]

    say(visit, "那把铜锁呢？")
    badge = answers(visit).last.get_by_role("button", name=re.compile("依据 1 条"))
    badge.click()
    expect(answers(visit).last).to_contain_text("铜锁是祖上传的。")
    answers(visit).last.get_by_role("button", name="为什么这样说").click()
    why = visit.page.get_by_role("dialog", name="这句话由什么写成")
    expect(why).to_contain_text("铜锁是祖上传的。")
    expect(why).to_contain_text("出现在最新一段里")


@plays([Text("门没有锁。")])
def test_a_short_name_and_lore_that_is_always_told(visit: Visit) -> None:
    visit.expected += ["409", "422"]
    visit.served.ok("POST", "/api/personas", json={"name": "阿梨", "slug": "a-li"})
    made = begin(visit)
    visit.page.get_by_role("button", name="改人物卡").click()
    card = visit.page.get_by_role("dialog", name="人物卡")
    card.get_by_text("设定集").click()
    card.get_by_role("button", name="加一条").click()
    card.get_by_role("textbox", name="第 1 条：内容").fill("门是槐木的。")
    card.get_by_role("checkbox", name="总是带上").check()
    card.get_by_text("更多").click()
    short = card.get_by_role("textbox", name=re.compile("^短名"))
    for wrong, told in (("A Tan", "slug"), ("a-li", "已有人用了")):
        short.fill(wrong)
        card.get_by_role("button", name="保存").click()
        expect(card.get_by_role("alert")).to_contain_text(told)
    short.fill("a-tan")
    card.get_by_role("button", name="保存").click()
    expect(card).to_have_count(0)
    (entry,) = visit.served.ok("GET", f"/api/personas/{made}/lore")
    assert (entry["content"], entry["constant"]) == ("门是槐木的。", True)
    say(visit, "外面冷吗？")
    expect(answers(visit).last).to_contain_text("门没有锁。")
    sent = "".join(m.content for m in visit.served.engine.requests[-1].messages)
    assert "门是槐木的。" in sent
    visit.open("#/personas/a-tan")
    expect(visit.page.get_by_role("heading", name="阿檀")).to_be_visible()


@plays([Text("不知道。")])
def test_they_know_what_they_know_where_they_stand(visit: Visit) -> None:
    work, chapters = visit.served.book(("第一章　雨", "雨下了一夜。"), ("第二章　晴", "天晴了。"))
    root = f"/api/works/{work}"
    who = visit.served.ok("POST", f"{root}/characters", json={"name": "阿檀"})["id"]
    fact = {"entity": "阿檀", "attribute": "伤", "value": "断了一指",
            "since_chapter_id": chapters[1], "since_offset": 2}  # fmt: skip
    visit.served.ok("POST", f"{root}/facts", json=fact)
    begin(visit, work_id=work, character_id=who, chapter_id=chapters[0])
    expect(visit.page.get_by_role("main").get_by_text("截至第一章　雨")).to_be_visible()
    side = visit.page.get_by_role("complementary", name="人物卡")
    expect(side).to_contain_text("此刻还不知道")
    say(visit, "阿檀，你的手？")
    expect(answers(visit).last).to_contain_text("此刻还不知道")
    slider = side.get_by_role("slider", name="截至第几章")
    slider.press("ArrowRight")
    expect(visit.page.get_by_role("main").get_by_text("截至第二章　晴")).to_be_visible()
    expect(side).to_contain_text("此刻知道")
    expect(side).not_to_contain_text("此刻还不知道")


@plays([Text("好。")])
def test_a_note_an_export_and_the_bin(visit: Visit, tmp_path: Path) -> None:
    begin(visit)
    visit.page.get_by_role("button", name="作者注：无").click()
    notes = visit.page.get_by_role("dialog", name="对谈的设定")
    notes.get_by_role("textbox", name=re.compile("^作者注")).fill("下雪了。")
    notes.get_by_role("button", name="保存").click()
    expect(visit.page.get_by_role("button", name="作者注：有")).to_be_visible()
    say(visit, "走吧。")
    expect(answers(visit).last).to_contain_text("好。")
    sent = "".join(m.content for m in visit.served.engine.requests[-1].messages)
    assert "作者注：下雪了。" in sent

    visit.page.get_by_role("button", name="导出").click()
    with visit.page.expect_download() as saving:
        visit.page.get_by_role("menuitem", name="训练数据（JSONL）").click()
    saving.value.save_as(tmp_path / "talk.jsonl")
    told = json.loads((tmp_path / "talk.jsonl").read_text("utf-8"))
    assert told["conversations"] == [
        {"from": "human", "value": "走吧。"},
        {"from": "gpt", "value": "好。"},
    ]

    visit.page.get_by_role("main").get_by_role("button", name="更多").click()
    visit.page.get_by_role("menuitem", name="删除这段对谈").click()
    expect(visit.page.get_by_role("button", name="开始对谈")).to_be_visible()
    expect(visit.page.get_by_role("link", name=re.compile("走吧。"))).to_have_count(0)
    visit.page.get_by_role("button", name="撤销").click()
    visit.page.get_by_role("link", name=re.compile("走吧。")).first.click()
    expect(answers(visit).last).to_contain_text("好。")


@plays([Text("莲子熟了。")], [Text("门没关。")], [Text("风大。")], [Text("吃吧。")])
def test_several_talk(visit: Visit) -> None:
    visit.page.set_viewport_size({"width": 390, "height": 800})
    persona(visit)
    for name in ("阿莲", "老水"):
        visit.served.ok("POST", "/api/personas", json={"name": name, "description": "卖莲子。"})
    visit.open("#/personas")
    page, log = visit.page, visit.page.get_by_role("log")
    page.get_by_role("button", name="人物", exact=True).click()
    page.get_by_role("button", name="几个人一起聊").click()
    dialog = page.get_by_role("dialog", name="几个人一起聊")
    for name in ("阿檀", "阿莲"):
        dialog.get_by_role("checkbox", name=name).check()
    dialog.get_by_role("button", name="开始对谈").click()
    box = page.get_by_role("textbox", name="说给大家听")
    box.fill("阿莲，熟了吗？")
    box.press("Enter")
    expect(log.get_by_role("article", name="阿莲")).to_contain_text("莲子熟了。")

    seats = page.get_by_role("group", name="谁在场")
    tan = seats.get_by_role("button", name="让阿檀说")
    expect(tan).to_have_accessible_description("下一个")
    tan.press("Enter")
    expect(log.get_by_role("article", name="阿檀").last).to_contain_text("门没关。")
    seats.get_by_role("spinbutton", name="聊几句").fill("2")
    seats.get_by_role("button", name="让他们聊").click()
    expect(log.get_by_role("article", name="阿莲").last).to_contain_text("风大。")
    expect(log.get_by_role("article", name="阿檀").last).to_contain_text("吃吧。")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert faults(page) == []

    seats.get_by_role("button", name="谁在场").click()
    company = page.get_by_role("dialog", name="谁在场")
    expect(company.get_by_role("checkbox", name="阿檀", exact=True)).to_be_disabled()
    company.get_by_role("checkbox", name="阿莲静音").check()
    company.get_by_role("checkbox", name="老水", exact=True).check()
    company.get_by_role("button", name="保存").click()
    expect(seats.get_by_role("button", name="让老水说")).to_have_accessible_description("下一个")


@plays([Text("（点头）好。")])
def test_a_narrow_screen_and_assistive_tools(visit: Visit) -> None:
    visit.page.set_viewport_size({"width": 360, "height": 700})
    begin(visit)
    say(visit, "走吧。" * 20)
    expect(answers(visit).last).to_contain_text("好。")
    assert visit.page.evaluate("document.documentElement.scrollWidth") == 360
    visit.page.get_by_role("button", name="人物", exact=True).click()
    people = visit.page.get_by_role("navigation", name="人物")
    expect(people).to_be_visible()
    visit.page.keyboard.press("Escape")
    expect(people).not_to_be_visible()
    assert faults(visit.page) == []
