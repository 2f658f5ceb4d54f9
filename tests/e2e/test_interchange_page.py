"""Cards, lorebooks and chats of other tools through the page: in from a file and out as one."""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from server.personas.interchange.files import read_card_file
from tests.e2e.visit import Visit
from tests.server.cards_made import V3, as_json, charx, png

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

CHAT: list[dict[str, Any]] = [
    {"user_name": "小顾", "character_name": "老周", "chat_metadata": {"note_prompt": "有雾。"}},
    {"name": "老周", "is_user": False, "is_system": False, "mes": "今日不渡。", "extra": {"x": 1}},
    {"name": "小顾", "is_user": True, "is_system": False, "mes": "为何？", "extra": {}},
]


def brings(page: Page, label: str, name: str, data: bytes) -> None:
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name=label, exact=True).click()
    chooser.value.set_files({"name": name, "mimeType": "", "buffer": data})


def saves(page: Page, label: str, item: str) -> Path:
    page.get_by_role("button", name=label, exact=True).click()
    with page.expect_download() as saving:
        page.get_by_role("menuitem", name=item, exact=True).click()
    return Path(saving.value.path())


def opened(visit: Visit) -> Page:
    visit.context.add_init_script("localStorage.setItem('yanchi.tour', '{\"done\":true}')")
    visit.open("#/personas")
    return visit.page


def test_a_card_comes_in_with_its_lore_and_goes_out(visit: Visit) -> None:
    page = opened(visit)
    brings(page, "导入人物卡", "老周.png", png({"ccv3": as_json(V3)}))
    expect(page.get_by_role("main").get_by_role("heading", name="老周")).to_be_visible()
    expect(page.get_by_text("“老周”来了。")).to_be_visible()

    page.get_by_role("main").get_by_role("button", name="改人物卡").click()
    sheet = page.get_by_role("dialog", name="人物卡")
    sheet.locator("summary", has_text="设定集").click()
    more = {"entries": {"0": {"uid": 0, "key": ["雾"], "content": "雾天不渡。"}}}
    brings(page, "从文件加入", "雾.json", as_json(more))
    expect(sheet.get_by_role("textbox", name="第 2 条：内容")).to_have_value("雾天不渡。")
    sheet.get_by_role("button", name="保存").click()
    expect(sheet).to_have_count(0)

    card = read_card_file(saves(page, "导出人物卡", "PNG（卡在图里）").read_bytes()).card
    assert card.kept["data"]["nickname"] == V3["data"]["nickname"]
    assert card.lore is not None
    assert [e["content"] for e in card.lore.entries] == ["左腿短一截。", "雾天不渡。"]


def test_a_chat_comes_in_and_goes_out(visit: Visit) -> None:
    page = opened(visit)
    brings(page, "导入人物卡", "老周.charx", charx({"card.json": as_json(V3), "b.png": b"x"}))
    expect(page.get_by_text("“老周”来了；没有带进来的：b.png")).to_be_visible()
    rows = "\n".join(json.dumps(row, ensure_ascii=False) for row in CHAT)
    brings(page, "导入聊天记录", "渡口.jsonl", rows.encode())
    log = page.get_by_role("log")
    expect(log).to_contain_text("今日不渡。")
    expect(log).to_contain_text("为何？")
    expect(page.get_by_role("button", name="作者注：有")).to_be_visible()
    told = saves(page, "导出", "SillyTavern 聊天记录").read_text("utf-8").splitlines()
    assert [json.loads(line) for line in told] == CHAT


def test_what_is_no_card_is_refused_on_the_page(visit: Visit) -> None:
    page = opened(visit)
    visit.expected.append("422")
    brings(page, "导入人物卡", "坏.json", b'{"name": "x"}')
    expect(page.get_by_text("文件里没有认得的人物卡")).to_be_visible()
