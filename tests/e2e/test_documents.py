"""Documents beside a book, asked on the page: quotes with their places, or an honest nothing."""

import pytest
from playwright.sync_api import Locator, expect

from server.engines.scripted import Text
from tests.e2e.axe import faults
from tests.e2e.served import plays
from tests.e2e.visit import Visit
from tests.retrieval.test_pdf import chapter_texts, made

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

FERRY = "渡口的船只剩一条。老周头蹲在船头抽烟，说水大，不渡。"
TEXTS = chapter_texts()
PLACE = f"{FERRY.index('说水大')}-{len(FERRY) - 1}"
LINE = TEXTS["第2章 雨夜二"][20][:12]
SAID = f"水太大。\n引[1]：“说水大，不渡”\n引[2]：“{LINE}”\n引[2]：“他从来没有来过”"


def opened(visit: Visit) -> tuple[str, str, Locator]:
    """(work, its chapter, the room)."""
    visit.context.add_init_script("localStorage.setItem('yanchi.tour', '{\"done\":true}')")
    work, (chapter,) = visit.served.book(("第一章　渡口", FERRY))
    visit.open(f"#/w/{work}/story/documents")
    return work, chapter, visit.page.locator("main[aria-label]")


def asks(room: Locator, question: str) -> None:
    field = room.get_by_role("textbox", name="问题")
    field.fill(question)
    field.press("Enter")


@plays(Text(SAID))
def test_a_document_is_added_asked_and_taken_away(visit: Visit) -> None:
    work, chapter, room = opened(visit)
    expect(room.get_by_text("还没有资料。")).to_be_visible()
    pdf = {"name": "归人.pdf", "mimeType": "application/pdf", "buffer": made(TEXTS)}
    room.get_by_label("添一份资料").set_input_files(pdf)
    entry = room.get_by_role("listitem").filter(has_text="归人.pdf")
    expect(entry).to_contain_text("页")

    asks(room, f"老周头为什么不渡？{LINE}")
    expect(room.get_by_text("水太大。")).to_be_visible()
    quotes = room.locator("[aria-live] > figure")
    expect(quotes).to_have_count(2)
    link = quotes.get_by_role("link")
    expect(link).to_have_attribute("href", f"#/w/{work}/{chapter}/{PLACE}")
    cited = quotes.filter(has_text=LINE)
    expect(cited).to_contain_text("《归人》")
    expect(cited.locator("figcaption")).to_contain_text("页")
    expect(room.get_by_text("他从来没有来过")).to_contain_text("已去掉")
    assert faults(visit.page) == []

    visit.page.once("dialog", lambda dialog: dialog.accept())
    entry.get_by_role("button", name="删掉“归人”").click()
    expect(room.get_by_text("还没有资料。")).to_be_visible()
    assert visit.served.ok("GET", f"/api/works/{work}/documents") == []


@plays(Text("他病了。"))
def test_what_cannot_be_quoted_is_not_taken_for_an_answer(visit: Visit) -> None:
    _, _, room = opened(visit)
    asks(room, "老周头为什么不渡？")
    expect(room.get_by_text("文中没有。", exact=True)).to_be_visible()
    expect(room.get_by_text("他病了。")).to_contain_text("不能当真")


def test_a_file_that_cannot_be_read_is_told(visit: Visit) -> None:
    visit.expected.append("422")
    _, _, room = opened(visit)
    bad = {"name": "坏.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7 nothing"}
    room.get_by_label("添一份资料").set_input_files(bad)
    expect(visit.page.get_by_text("已损坏")).to_be_visible()
    expect(room.get_by_text("还没有资料。")).to_be_visible()


@plays(Text("水太大。" * 200), tokens_per_second=20)
def test_an_answer_is_stopped(visit: Visit) -> None:
    _, _, room = opened(visit)
    asks(room, "老周头为什么不渡？")
    expect(room.get_by_text("水太大。").first).to_be_visible()
    room.get_by_role("button", name="停").click()
    expect(room.get_by_text("停下了。")).to_be_visible()
    visit.until(lambda: visit.served.engine.running == 0, "the engine stops too")
