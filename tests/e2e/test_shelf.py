"""The shelf: works, their covers and bin, and files on their way in."""

import base64
import re
from typing import Any

import pytest
from playwright.sync_api import FilePayload, Locator, expect

from tests.e2e.axe import faults
from tests.e2e.visit import Visit

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

RAIN = "雨打着瓦，一夜没有停。\n灯亮着，没有人说话。\n" * 12
NUMERALS = "一二三四五六七八九"


def novel(*numbers: int, prologue: bool = True) -> str:
    chapters = [f"第{NUMERALS[n - 1]}章 檐下雨{n}\n\n{RAIN}" for n in numbers]
    opening = f"楔子\n\n{RAIN}\n" if prologue else ""
    return opening + "\n".join(chapters)


def file(name: str, text: str | bytes, encoding: str = "utf-8") -> FilePayload:
    data = text if isinstance(text, bytes) else text.encode(encoding)
    return {"name": name, "mimeType": "application/octet-stream", "buffer": data}


def shelf(visit: Visit, *titles: str) -> None:
    visit.context.add_init_script("localStorage.setItem('yanchi.tour', '{\"done\":true}')")
    for title in titles:
        visit.served.ok("POST", "/api/works", json={"title": title})
    visit.open()
    expect(visit.page.get_by_role("heading", name="书架", exact=True)).to_be_visible()


def titles(visit: Visit) -> list[str]:
    found: list[str] = visit.page.locator(".books a b").all_inner_texts()
    return found


def bring(visit: Visit, *files: FilePayload) -> Locator:
    visit.page.locator("input[type=file]").set_input_files(list(files))
    preview = visit.page.get_by_role("region", name="导入预览")
    preview.wait_for()
    return preview


def chapters(preview: Locator) -> list[str]:
    rows = preview.get_by_role("list", name="读出的章节").locator(".title")
    found: list[str] = rows.all_inner_texts()
    return found


def works(visit: Visit) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = visit.served.ok("GET", "/api/works")
    return found


def test_a_new_work_is_named_bound_and_opened(visit: Visit) -> None:
    shelf(visit, "旧书")
    visit.page.get_by_role("button", name="新作品").click()
    dialog = visit.page.get_by_role("dialog", name="新作品")
    expect(dialog.get_by_label("书名")).to_be_focused()
    dialog.get_by_role("button", name="开始写").click()
    dialog.get_by_label("书名").fill("檐下铃")
    dialog.get_by_role("radio", name="石绿").check(force=True)
    dialog.get_by_label("每天的目标（字）").fill("2000")
    dialog.get_by_role("button", name="第一回").click()
    dialog.get_by_role("button", name="开始写").click()
    visit.page.get_by_role("button", name="从第一章写起").click()
    visit.page.get_by_role("treeitem", name="第一回").wait_for()
    made = next(work for work in works(visit) if work["title"] == "檐下铃")
    assert (made["cover"], made["goal"], made["unit"]) == ("malachite", 2000, "回")


def test_a_work_gets_another_name_and_cover(visit: Visit) -> None:
    shelf(visit, "旧名")
    visit.page.get_by_role("button", name="《旧名》：更多").click()
    visit.page.get_by_role("menuitem", name="改名与封面").click()
    dialog = visit.page.get_by_role("dialog", name="改名与封面")
    dialog.get_by_label("书名").fill("新名")
    dialog.get_by_role("radio", name="胭脂").check(force=True)
    dialog.get_by_role("button", name="保存").click()
    visit.until(lambda: titles(visit) == ["新名"], "the new name")
    assert works(visit)[0]["cover"] == "rouge"
    expect(visit.page.locator(".books .cover.rouge")).to_be_visible()


def test_the_bin_gives_back_and_forgets_for_good(visit: Visit) -> None:
    shelf(visit, "甲", "乙")
    page = visit.page
    page.get_by_role("button", name="《甲》：更多").click()
    page.get_by_role("menuitem", name="移到回收处").click()
    visit.until(lambda: titles(visit) == ["乙"], "one work left")
    page.get_by_role("button", name="撤销").click()
    visit.until(lambda: sorted(titles(visit)) == ["乙", "甲"], "both works")

    for name in ("甲", "乙"):
        page.get_by_role("button", name=f"《{name}》：更多").click()
        page.get_by_role("menuitem", name="移到回收处").click()
    expect(page.get_by_role("heading", name="书架还是空的")).to_be_visible()
    page.get_by_role("button", name="回收处里还有书").click()
    dialog = page.get_by_role("dialog", name="回收处")
    dialog.get_by_role("button", name="放回：甲").click()
    dialog.get_by_role("button", name="彻底删除：乙").click()
    expect(dialog.get_by_text("找不回来")).to_be_visible()
    dialog.get_by_role("button", name="彻底删除").click()
    expect(dialog.get_by_text("回收处是空的。")).to_be_visible()
    dialog.get_by_role("button", name="关上").click()
    visit.until(lambda: titles(visit) == ["甲"], "the one that came back")
    assert visit.served.ok("GET", "/api/works?bin=true") == []


def test_the_order_is_chosen_and_remembered(visit: Visit) -> None:
    shelf(visit, "第10夜", "第9夜")
    longest = visit.served.ok("POST", "/api/works", json={"title": "白夜"})["id"]
    body = {"title": "", "text": RAIN}
    visit.served.ok("POST", f"/api/works/{longest}/chapters", json=body)
    visit.page.reload()
    for choice, order in [("书名", ["白夜", "第9夜", "第10夜"]), ("字数", ["白夜"])]:
        visit.page.get_by_label(re.compile("^排序")).click()
        visit.page.get_by_role("option", name=choice).click()
        visit.until(lambda order=order: titles(visit)[: len(order)] == order, choice)
    visit.page.reload()
    expect(visit.page.get_by_label("排序：字数")).to_be_visible()


def test_today_is_told_against_the_goals(visit: Visit) -> None:
    work = visit.served.ok("POST", "/api/works", json={"title": "书", "goal": 100})["id"]
    body = {"title": "", "text": "雨" * 30}
    visit.served.ok("POST", f"/api/works/{work}/chapters", json=body)
    shelf(visit)
    expect(visit.page.get_by_text("1 部作品 · 今日已写 30 字 · 距目标还有 70 字")).to_be_visible()


def test_a_book_opens_its_desk_once(visit: Visit) -> None:
    """Built twice, it would forget what the author pressed in between."""
    visit.served.book(("雨夜", RAIN), ("渡口", RAIN))
    shelf(visit)
    visit.page.evaluate(
        """() => {
          window.desks = 0;
          new MutationObserver(told => {
            for (const { addedNodes } of told)
              for (const node of addedNodes)
                if (node.nodeType === 1 && (node.matches(".desk") || node.querySelector(".desk")))
                  window.desks++;
          }).observe(document.body, { childList: true, subtree: true });
        }"""
    )
    visit.page.locator(".books").get_by_role("link", name="试书").click()
    expect(visit.page.get_by_role("treeitem", name="渡口")).to_have_attribute(
        "aria-current", "page"
    )
    expect(visit.page.locator(".ProseMirror")).to_contain_text("雨打着瓦")
    assert visit.page.evaluate("window.desks") == 1


def test_the_sample_comes_back_onto_an_empty_shelf(visit: Visit) -> None:
    shelf(visit)
    visit.page.get_by_role("button", name="看看样书").click()
    visit.page.get_by_role("tree").get_by_role("treeitem").first.wait_for()
    assert works(visit)[0]["chapters"] >= 8


def test_a_file_is_corrected_before_it_is_saved(visit: Visit) -> None:
    shelf(visit)
    preview = bring(visit, file("青灯记.txt", novel(1, 2, 4), "gb18030"))
    expect(preview.get_by_text("还没有保存任何内容")).to_be_visible()
    assert chapters(preview) == ["楔子", *(f"第{NUMERALS[n - 1]}章 檐下雨{n}" for n in (1, 2, 4))]
    expect(preview.get_by_text("中间可能缺章")).to_be_visible()
    expect(preview.get_by_label("编码：编码 GB18030 (GBK)")).to_be_visible()

    preview.get_by_role("button", name="第四章 檐下雨4：与上并").click()
    expect(preview.get_by_role("button", name="导入 3 章")).to_be_enabled()
    preview.get_by_role("button", name="退回一步").click()
    expect(preview.get_by_role("button", name="导入 4 章")).to_be_enabled()
    preview.get_by_role("button", name="第四章 檐下雨4：与上并").click()
    expect(preview.get_by_role("button", name="导入 3 章")).to_be_enabled()
    preview.get_by_label("书名").fill("青灯")
    assert works(visit) == []

    preview.get_by_role("button", name="导入 3 章").click()
    tree = visit.page.get_by_role("tree")
    expect(tree.get_by_role("treeitem")).to_have_count(3)
    (work,) = works(visit)
    assert (work["title"], work["chapters"], work["numbering"]) == ("青灯", 3, "own")


def test_a_chapter_is_split_and_renamed(visit: Visit) -> None:
    shelf(visit)
    text = novel(1, 2, prologue=False).replace("灯亮着", "借灯\n灯亮着", 1)
    preview = bring(visit, file("青灯记.txt", text))
    preview.get_by_role("button", name=re.compile("^第一章 檐下雨1")).first.click()
    preview.get_by_role("button", name="第一章 檐下雨1：在此拆开").click()
    preview.get_by_role("button", name="借灯", exact=True).click()
    visit.until(
        lambda: chapters(preview) == ["第一章 檐下雨1", "借灯", "第二章 檐下雨2"], "three chapters"
    )
    preview.get_by_role("button", name="借灯：改名").click()
    field = preview.get_by_role("textbox", name="新的章名")
    field.fill("第二章 借灯")
    field.press("Enter")
    visit.until(lambda: chapters(preview)[1] == "第二章 借灯", "the new name")
    preview.get_by_role("button", name="导入 3 章").click()
    expect(visit.page.get_by_role("treeitem", name="第二章 借灯")).to_be_visible()
    (work,) = works(visit)
    root = f"/api/works/{work['id']}/chapters"
    texts = [
        visit.served.ok("GET", f"{root}/{c['id']}")["text"] for c in visit.served.ok("GET", root)
    ]
    assert texts[1].startswith("灯亮着")
    assert "借灯" not in "".join(texts)


def test_files_are_dropped_anywhere_and_wait_their_turn(visit: Visit) -> None:
    shelf(visit, "旧书")
    data = base64.b64encode(novel(1, 2).encode()).decode()
    visit.page.evaluate(
        """data => {
          const bytes = Uint8Array.from(atob(data), sign => sign.charCodeAt(0));
          const files = new DataTransfer();
          for (const name of ["甲.txt", "乙.txt"]) files.items.add(new File([bytes], name));
          for (const kind of ["dragenter", "dragover", "drop"])
            document.querySelector("h1").dispatchEvent(
              new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: files }));
        }""",
        data,
    )
    preview = visit.page.get_by_role("region", name="导入预览")
    expect(preview.get_by_role("button", name="乙.txt")).to_be_visible()
    preview.get_by_role("button", name="导入 3 章").click()
    expect(visit.page.get_by_text("《甲》导入了，3 章。")).to_be_visible()
    visit.until(lambda: "甲" in titles(visit), "the first book on the shelf")
    preview.get_by_role("button", name="不导入").click()
    expect(preview).to_have_count(0)
    assert sorted(work["title"] for work in works(visit)) == ["旧书", "甲"]


def test_what_cannot_be_read_says_why_and_how_on(visit: Visit) -> None:
    visit.expected.append("422")
    shelf(visit)
    preview = bring(visit, file("空.txt", "  \n\n"), file("好.txt", novel(1, 2)))
    expect(preview.get_by_role("alert")).to_contain_text("空的")
    preview.get_by_role("button", name="好.txt").click()
    expect(preview.get_by_role("button", name="导入 3 章")).to_be_enabled()
    preview.get_by_role("button", name="空.txt").click()
    preview.get_by_role("button", name="不导入").click()
    expect(preview.get_by_role("button", name="导入 3 章")).to_be_visible()


def test_thousands_of_chapters_keep_few_rows_on_the_page(visit: Visit) -> None:
    shelf(visit)
    text = "\n".join(f"第{n}章 夜{n}\n\n雨下了一夜。灯亮着。" for n in range(1, 3001))
    preview = bring(visit, file("长书.txt", text))
    expect(preview.get_by_role("button", name="导入 3,000 章")).to_be_visible()
    assert 5 < len(chapters(preview)) < 80
    first = preview.locator("[data-chapter='0']")
    first.click()
    first.press("ArrowDown")
    expect(preview.locator("[data-chapter='1']")).to_be_focused()
    preview.get_by_role("list", name="读出的章节").evaluate("list => (list.scrollTop = 1e9)")
    expect(preview.get_by_role("button", name=re.compile("^第3000章 夜3000"))).to_be_visible()
    assert len(chapters(preview)) < 80


@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 360)])
def test_axe_finds_nothing(visit: Visit, theme: str, width: int) -> None:
    visit.page.set_viewport_size({"width": width, "height": 844})
    look = f'{{"theme":"{theme}"}}'
    visit.context.add_init_script(f"localStorage.setItem('yanchi.look', '{look}')")
    work, _ = visit.served.book(("雨夜", RAIN), ("渡口", RAIN))
    shelf(visit)
    bring(visit, file("青灯记.txt", novel(1, 2, 4)))
    check(visit)
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
    visit.page.get_by_role("button", name="新作品").click()
    visit.page.get_by_role("dialog").wait_for()
    check(visit)
    visit.open(f"#/w/{work}")
    if width < 900:
        visit.page.get_by_role("button", name="目录", exact=True).click()
    visit.page.get_by_role("treeitem").first.wait_for()
    check(visit)


def check(visit: Visit) -> None:
    """What is still fading in has not its contrast yet."""
    visit.page.evaluate("Promise.all(document.getAnimations().map(one => one.finished))")
    assert faults(visit.page) == []
