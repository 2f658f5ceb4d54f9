"""The manuscript in a real browser: typed, composed, pasted, found, and never lost."""

import json
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.axe import faults
from tests.e2e.visit import Visit

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

FOG = "夜里起了雾。\n𠮷老板把缺角的铜铃挂回檐下。\n\n“风。”她说。"
FERRY = "渡口的船只剩一条。铜铃响了一声。"
COPIES = """async () => {
  const db = await new Promise((done) => {
    const asked = indexedDB.open("yanchi-copies");
    asked.onsuccess = () => done(asked.result);
  });
  if (!db.objectStoreNames.contains("copies")) return [];
  const all = db.transaction("copies").objectStore("copies").getAll();
  return await new Promise((done) => (all.onsuccess = () => done(all.result.map((c) => c.text))));
}"""
PASTE = """([html, text]) => {
  const data = new DataTransfer();
  if (html) data.setData("text/html", html);
  data.setData("text/plain", text);
  const how = { clipboardData: data, bubbles: true, cancelable: true };
  document.querySelector(".ProseMirror").dispatchEvent(new ClipboardEvent("paste", how));
}"""


class Desk:
    """One book of two chapters, the first of them open and the caret at its end."""

    def __init__(self, visit: Visit, first: str = FOG) -> None:
        self.visit = visit
        self.page = visit.page
        visit.context.add_init_script("localStorage.setItem('yanchi.tour', '{\"done\":true}')")
        self.work, self.chapters = visit.served.book(("第一章　雾", first), ("第二章　渡口", FERRY))
        self.show()

    def show(self, chapter: int = 0, page: Page | None = None) -> None:
        page = page or self.page
        page.goto(f"{self.visit.served.address}/#/w/{self.work}/{self.chapters[chapter]}")
        paper(page).filter(has_text="。").wait_for()
        paper(page).click()
        page.keyboard.press("Control+End")

    def stored(self, chapter: int = 0) -> dict[str, Any]:
        return self.visit.served.chapter(self.work, self.chapters[chapter])

    def saved(self, text: str, chapter: int = 0) -> None:
        self.visit.until(lambda: self.stored(chapter)["text"] == text, f"saved: {text[-40:]}")

    def path(self, chapter: int = 0) -> str:
        return f"/api/works/{self.work}/chapters/{self.chapters[chapter]}"

    def elsewhere(self, text: str) -> None:
        wish = {"text": text, "base_revision": self.stored()["revision"]}
        self.visit.served.ok("PUT", self.path(), json=wish)

    def texts(self) -> list[str]:
        """Every revision's text, oldest first."""
        newest = self.stored()["revision"]
        get = self.visit.served.ok
        return [get("GET", f"{self.path()}/revisions/{n + 1}")["text"] for n in range(newest)]


def paper(page: Page) -> Locator:
    return page.get_by_role("textbox", name="正文")


def shown(page: Page) -> str:
    lines = page.evaluate(
        "[...document.querySelectorAll('.ProseMirror > p')].map((p) => p.textContent)"
    )
    return "\n".join(lines)


@pytest.fixture
def desk(visit: Visit) -> Desk:
    return Desk(visit)


def test_what_is_typed_is_saved_by_itself_and_survives_a_reload(desk: Desk) -> None:
    assert shown(desk.page) == FOG
    desk.page.keyboard.type("灯灭了。")
    desk.page.keyboard.press("Enter")
    desk.page.keyboard.type("　又亮了")
    desk.saved(FOG + "灯灭了。\n　又亮了")
    desk.page.reload()
    paper(desk.page).filter(has_text="又亮了").wait_for()
    assert shown(desk.page) == FOG + "灯灭了。\n　又亮了"


def test_a_composition_is_not_broken_and_not_saved_half(desk: Desk) -> None:
    cdp = desk.visit.cdp()

    def compose(text: str) -> None:
        end = len(text)
        wish = {"text": text, "selectionStart": end, "selectionEnd": end}
        cdp.send("Input.imeSetComposition", wish)
        desk.page.wait_for_timeout(150)

    for pinyin in ("d", "de", "den", "deng", "deng m", "deng mi", "deng mie"):
        compose(pinyin)
    # Shortcuts belong to the input method, another tab's save waits, nothing is saved half.
    desk.page.evaluate(
        "dispatchEvent(new KeyboardEvent('keydown', "
        "{ key: 'F9', code: 'F9', isComposing: true, bubbles: true }))"
    )
    desk.page.wait_for_timeout(1500)
    assert desk.page.locator("html[data-focus]").count() == 0
    assert desk.stored()["text"] == FOG
    cdp.send("Input.insertText", {"text": "灯灭"})
    for pinyin in ("l", "le"):
        compose(pinyin)
    cdp.send("Input.insertText", {"text": "了"})
    desk.saved(FOG + "灯灭了")
    assert shown(desk.page) == FOG + "灯灭了"


def test_without_the_service_one_types_on_and_all_is_saved_when_it_is_back(desk: Desk) -> None:
    desk.visit.expected = ["ERR_INTERNET_DISCONNECTED"]
    desk.visit.context.set_offline(True)
    desk.page.keyboard.type("断线时写的。")
    expect(desk.page.get_by_text("连不上服务").first).to_be_visible()
    desk.page.keyboard.type("又写了。")
    desk.visit.until(lambda: any("又写了" in text for text in desk.page.evaluate(COPIES)), "a copy")
    desk.visit.context.set_offline(False)
    desk.saved(FOG + "断线时写的。又写了。")
    desk.visit.until(lambda: desk.page.evaluate(COPIES) == [], "the copy to be dropped")


def test_what_a_crashed_page_had_not_saved_is_found_again(desk: Desk) -> None:
    desk.visit.expected = ["ERR_FAILED"]
    desk.page.route("**/api/**", lambda route: route.abort())
    desk.page.keyboard.type("没来得及存。")
    desk.visit.until(
        lambda: any("没来得及存" in text for text in desk.page.evaluate(COPIES)), "a copy"
    )
    second = desk.visit.tab()
    desk.page.close(run_before_unload=False)
    assert desk.stored()["text"] == FOG
    desk.show(page=second)
    paper(second).filter(has_text="没来得及存").wait_for()
    for _ in range(600):
        if desk.stored()["text"] == FOG + "没来得及存。":
            break
        second.wait_for_timeout(100)
    assert desk.stored()["text"] == FOG + "没来得及存。"


@pytest.mark.parametrize(
    ("choice", "kept", "snapshots"),
    [("留这里的", "我写的。", 0), ("留别处的", "别处写的。", 0), ("都留", "别处写的。", 1)],
)
def test_two_writers_choose_and_neither_text_is_lost(
    desk: Desk, choice: str, kept: str, snapshots: int
) -> None:
    desk.visit.expected = ["409"]
    desk.elsewhere(FOG + "别处写的。")
    desk.page.keyboard.type("我写的。")
    desk.page.get_by_role("button", name="比一比再选").click()
    dialog = desk.page.get_by_role("dialog", name="这一章在别处也改过，留哪一份？")
    expect(dialog.locator("ins")).to_have_text(["我"])
    expect(dialog.locator("mark")).to_have_text(["别处"])
    dialog.get_by_role("button", name=choice, exact=True).click()
    expect(dialog).to_be_hidden()
    desk.saved(FOG + kept)
    desk.visit.until(lambda: shown(desk.page) == FOG + kept, "the chosen text on the paper")
    assert {FOG + "我写的。", FOG + "别处写的。"} <= set(desk.texts())
    revisions = desk.visit.served.ok("GET", f"{desk.path()}/revisions?kept=true")
    assert len(revisions) == snapshots


def test_a_second_tab_follows_the_first(desk: Desk) -> None:
    second = desk.visit.tab()
    desk.show(page=second)
    desk.page.bring_to_front()
    desk.page.keyboard.type("第一页写的。")
    desk.saved(FOG + "第一页写的。")
    paper(second).filter(has_text="第一页写的").wait_for()
    second.bring_to_front()
    second.keyboard.type("第二页写的。")
    both = shown(second)
    assert both.count("第一页写的。") == both.count("第二页写的。") == 1
    desk.saved(both)
    paper(desk.page).filter(has_text="第二页写的").wait_for()


def test_a_page_pasted_becomes_plain_paragraphs_and_runs_nothing(desk: Desk) -> None:
    html = (
        "<p style='text-indent:2em'>　　第一段，<b>粗</b></p><ul><li>甲</li></ul>"
        "<script>window.ran = 1</script><img src=x onerror='window.ran = 2'>"
        "<table><tr><td>一</td><td>二</td></tr></table>"
    )
    desk.page.evaluate(PASTE, [html, "别的"])
    desk.saved(FOG + "第一段，粗\n甲\n一　二")
    assert desk.page.evaluate("window.ran") is None
    desk.page.keyboard.press("Control+z")
    desk.saved(FOG)


def test_a_megabyte_is_pasted_and_taken_back(desk: Desk) -> None:
    line = "江水一层一层地推着雾，推到石阶前，又慢慢退回去。" * 3
    text = "\r\n".join([line] * 4800)
    assert len(text.encode()) > 1_000_000
    desk.page.evaluate(PASTE, ["", text])
    desk.saved(FOG + text.replace("\r\n", "\n"))
    desk.page.keyboard.press("Control+z")
    desk.saved(FOG)


def test_a_copy_taken_within_the_page_is_the_text_itself(desk: Desk) -> None:
    desk.page.keyboard.press("Control+a")
    desk.page.keyboard.press("Control+c")
    assert desk.page.evaluate("navigator.clipboard.readText()") == FOG
    desk.page.keyboard.press("Control+End")
    desk.page.keyboard.press("Control+v")
    desk.saved(FOG + FOG)


def test_finding_and_replacing_in_the_chapter_is_one_step(desk: Desk) -> None:
    page = desk.page
    page.keyboard.press("Control+KeyF")
    bar = page.get_by_role("search", name="查找")
    bar.get_by_role("textbox", name="查找").fill("。")
    expect(bar.get_by_role("status")).to_have_text("1 / 4")
    page.keyboard.press("Enter")
    expect(bar.get_by_role("status")).to_have_text("2 / 4")
    bar.get_by_role("button", name="替换", exact=True).first.click()
    bar.get_by_role("textbox", name="替换成").fill("！")
    bar.get_by_role("button", name="全部替换").click()
    desk.saved(FOG.replace("。", "！"))
    page.keyboard.press("Escape")
    expect(bar).to_be_hidden()
    page.keyboard.press("Control+z")
    desk.saved(FOG)


def test_replacing_in_the_book_shows_every_place_before(desk: Desk) -> None:
    page = desk.page
    page.keyboard.press("Control+KeyH")
    bar = page.get_by_role("search", name="查找")
    bar.get_by_role("textbox", name="查找").fill("铜铃")
    bar.get_by_role("textbox", name="替换成").fill("铜锣")
    bar.get_by_role("button", name="全书替换…").click()
    dialog = page.get_by_role("dialog", name="全书替换")
    expect(dialog.locator("del")).to_have_text(["铜铃", "铜铃"])
    assert desk.stored(1)["text"] == FERRY
    dialog.get_by_role("button", name="替换 2 处").click()
    desk.saved(FOG.replace("铜铃", "铜锣"))
    desk.saved(FERRY.replace("铜铃", "铜锣"), 1)
    desk.visit.until(lambda: "铜锣" in shown(page), "the new words on the paper")


def test_chapters_are_turned_by_keys_and_what_was_typed_is_saved(desk: Desk) -> None:
    page = desk.page
    page.keyboard.type("翻页前写的。")
    page.keyboard.press("Alt+ArrowDown")
    paper(page).filter(has_text="渡口的船").wait_for()
    desk.saved(FOG + "翻页前写的。")
    page.keyboard.press("Alt+ArrowUp")
    paper(page).filter(has_text="翻页前写的。").wait_for()
    assert desk.stored(1)["text"] == FERRY


def test_focus_hides_the_rest_and_typewriter_holds_the_line(visit: Visit) -> None:
    desk = Desk(visit, "\n".join(f"第{n}段，雾推到石阶前。" for n in range(60)))
    page = desk.page
    page.keyboard.press("F9")
    expect(page.get_by_role("navigation", name="目录")).to_be_hidden()
    expect(page.get_by_role("region", name="续写")).to_be_hidden()
    expect(page.locator("p.here")).to_have_count(1)
    page.keyboard.press("F9")
    expect(page.get_by_role("navigation", name="目录")).to_be_visible()
    page.keyboard.press("F10")
    height = """() => {
      const paper = document.querySelector("[data-region=paper]").getBoundingClientRect();
      const caret = getSelection().getRangeAt(0).getClientRects()[0];
      return caret ? (caret.top + caret.bottom) / 2 / paper.height - paper.top / paper.height : 0;
    }"""
    for key in ("ArrowUp", "ArrowUp", "End", "ArrowUp"):
        page.keyboard.press(key)
        visit.until(lambda: abs(page.evaluate(height) - 0.45) < 0.03, f"the line held at {key}")


def test_a_locked_chapter_is_read_until_it_is_unlocked(desk: Desk) -> None:
    desk.visit.served.ok("PATCH", desk.path(), json={"status": "locked"})
    desk.page.reload()
    notice = desk.page.get_by_text("这一章已锁定，只能看。")
    expect(notice).to_be_visible()
    expect(paper(desk.page)).to_have_attribute("contenteditable", "false")
    desk.page.get_by_role("button", name="解锁").click()
    expect(notice).to_be_hidden()
    paper(desk.page).click()
    desk.page.keyboard.press("Control+End")
    desk.page.keyboard.type("解锁后。")
    desk.saved(FOG + "解锁后。")


def test_name_notes_and_snapshot_are_kept(desk: Desk) -> None:
    page = desk.page
    name = page.get_by_role("textbox", name="章名")
    name.fill("雾夜")
    name.press("Enter")
    expect(paper(page)).to_be_focused()
    desk.visit.until(lambda: desk.stored()["name"] == "雾夜", "the name")
    page.keyboard.press("Control+KeyS")
    expect(page.get_by_text("记下了")).to_be_visible()
    assert len(desk.visit.served.ok("GET", f"{desk.path()}/revisions?kept=true")) == 1
    page.get_by_role("button", name="本章笔记").click()
    page.keyboard.type("铜铃还没收。")
    desk.visit.until(lambda: desk.stored()["notes"] == "铜铃还没收。", "the notes")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="本章笔记")).to_be_hidden()


def test_f6_walks_the_page(desk: Desk) -> None:
    seen = []
    for _ in range(6):
        desk.page.keyboard.press("F6")
        seen.append(
            desk.page.evaluate("document.activeElement.closest('[data-region]')?.dataset.region")
        )
    assert {"bar", "tree", "paper", "beat"} <= set(seen)


def test_axe_finds_nothing_serious_in_finding_and_notes(visit: Visit) -> None:
    look = json.dumps({"theme": "dark", "sideOpen": False})
    visit.context.add_init_script(f"localStorage.setItem('yanchi.look', {json.dumps(look)})")
    desk = Desk(visit)
    desk.page.keyboard.press("Control+KeyH")
    desk.page.get_by_role("button", name="本章笔记").click()
    assert faults(desk.page) == []


def test_an_expression_that_never_ends_is_given_up_and_says_so(desk: Desk) -> None:
    page = desk.page
    page.keyboard.type("a" * 40)
    desk.saved(FOG + "a" * 40)
    page.keyboard.press("Control+KeyF")
    bar = page.get_by_role("search", name="查找")
    bar.get_by_role("button", name="正则表达式").click()
    field = bar.get_by_role("textbox", name="查找")
    field.fill("(a+)+雨")
    expect(bar.get_by_role("status")).to_have_text("这个表达式太费时，没有找完")
    field.fill("铜.")
    expect(bar.get_by_role("status")).to_have_text("1 / 1")
    field.fill("(铜")
    expect(bar.get_by_role("status")).to_have_text("表达式不完整")
    page.keyboard.press("Escape")
    expect(paper(page)).to_be_focused()


def test_what_was_done_in_a_chapter_can_be_undone_after_coming_back(desk: Desk) -> None:
    page = desk.page
    page.keyboard.type("她回头。")
    desk.saved(FOG + "她回头。")
    expect(page.get_by_role("heading", level=1)).to_have_text("试书 · 第一章 雾")
    page.keyboard.press("Alt+ArrowDown")
    expect(paper(page)).to_contain_text("渡口的船")
    expect(page.get_by_role("heading", level=1)).to_have_text("试书 · 第二章 渡口")
    page.keyboard.press("Control+z")
    page.keyboard.press("Alt+ArrowUp")
    expect(paper(page)).to_contain_text("她回头。")
    page.keyboard.press("Control+z")
    desk.saved(FOG)
    page.keyboard.press("Control+y")
    desk.saved(FOG + "她回头。")
    assert desk.stored(1)["text"] == FERRY
