"""Files of every kind through the page's import: what stands on the shelf and in the tree after."""

import io
import re
from collections.abc import Callable
from typing import Any

import docx
import pytest
from playwright.sync_api import Locator, expect

from tests.e2e.test_shelf import bring, chapters, file, shelf, works
from tests.e2e.visit import Visit
from tests.retrieval.test_pdf import chapter_texts, made

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

RAIN = "雨打着瓦，一夜没有停。\n灯亮着，没有人说话。"
FERRY = "渡口的船只剩一条。\n铜铃响了一声，他抬起头来。"
TOLD = {"第一章 雨夜": RAIN, "第二章 渡口": FERRY}
VOLUME = "第一卷 风"


def by_word() -> bytes:
    """As Word writes it: headings by style, paragraphs by paragraphs."""
    document = docx.Document()
    document.add_heading(VOLUME, level=1)
    for title, text in TOLD.items():
        document.add_heading(title, level=2)
        for line in text.split("\n"):
            document.add_paragraph(line)
    saved = io.BytesIO()
    document.save(saved)
    return saved.getvalue()


def exported(visit: Visit, form: str) -> bytes:
    """A book that this very desk wrote and then forgot."""
    ok = visit.served.ok
    work = ok("POST", "/api/works", json={"title": "渡口", "numbering": "own"})["id"]
    volume = ok("POST", f"/api/works/{work}/volumes", json={"title": VOLUME})["id"]
    for title, text in TOLD.items():
        wanted = {"title": title, "text": text, "volume_id": volume}
        ok("POST", f"/api/works/{work}/chapters", json=wanted)
    answer = visit.served.http.get(f"/api/works/{work}/export", params={"format": form})
    ok("DELETE", f"/api/works/{work}")
    return answer.content


def keep(visit: Visit, preview: Locator, count: int) -> dict[str, Any]:
    """Imports it; the work, whose tree is open now."""
    preview.get_by_role("button", name=f"导入 {count} 章").click()
    visit.page.get_by_role("tree").wait_for()
    (work,) = works(visit)
    return work


def tree(visit: Visit) -> list[str]:
    """The names in the tree, without what is told beside them."""
    rows = visit.page.get_by_role("treeitem")
    expect(rows.first).to_be_visible()
    found: list[str] = rows.evaluate_all(
        """rows => rows.map(row => ['.k', '.t'].map(part =>
             row.querySelector(part)?.textContent.trim()).filter(Boolean).join(' '))"""
    )
    return found


def texts(visit: Visit, work: str) -> dict[str, str]:
    root = f"/api/works/{work}/chapters"
    return {
        c["title"]: visit.served.chapter(work, c["id"])["text"]
        for c in visit.served.ok("GET", root)
    }


def choose(visit: Visit, preview: Locator, what: str, choice: str | re.Pattern[str]) -> None:
    """Another encoding, another way of telling chapters."""
    preview.get_by_label(re.compile(f"^{what}")).click()
    visit.page.get_by_role("option", name=choice).click()
    expect(preview.locator("[aria-busy=true]")).to_have_count(0)


MADE: dict[str, Callable[[Visit], bytes]] = {
    "渡口.docx": lambda _: by_word(),
    "出.docx": lambda visit: exported(visit, "docx"),
    "出.epub": lambda visit: exported(visit, "epub"),
    "出.md": lambda visit: exported(visit, "md"),
}


@pytest.mark.parametrize("name", MADE)
def test_a_book_with_volumes_stands_in_the_tree(visit: Visit, name: str) -> None:
    shelf(visit)
    preview = bring(visit, file(name, MADE[name](visit)))
    expect(preview.get_by_role("button", name="导入 2 章")).to_be_enabled()
    preview.get_by_label("书名").fill("夜渡")
    work = keep(visit, preview, 2)
    assert (work["title"], work["chapters"]) == ("夜渡", 2)
    assert tree(visit) == [VOLUME, *TOLD]
    assert texts(visit, work["id"]) == TOLD
    expect(visit.page.locator(".ProseMirror p").last).to_have_text(FERRY.split("\n")[-1])
    visit.open()
    chars = sum(len(text.replace("\n", "")) for text in TOLD.values())
    expect(visit.page.locator(".books li", has_text="夜渡")).to_contain_text(f"{chars} 字")


def test_a_pdf_loses_its_headers_and_keeps_its_paragraphs(visit: Visit) -> None:
    told = chapter_texts(chapters=2, each=20)
    shelf(visit)
    preview = bring(visit, file("归人.pdf", made(told)))
    visit.until(lambda: chapters(preview) == [*told], "both chapters")
    work = keep(visit, preview, 2)
    assert (work["title"], tree(visit)) == ("归人", [*told])
    kept = texts(visit, work["id"])
    assert {title: text.split("\n") for title, text in kept.items()} == told


def test_a_wrong_encoding_is_put_right_by_hand(visit: Visit) -> None:
    # So short a text may be either.
    told = {"第一章 雨夜": "雨停了。", "第二章 渡口": "他没有动。"}
    text = "\n\n".join(f"{title}\n\n{words}" for title, words in told.items())
    shelf(visit)
    preview = bring(visit, file("渡口.txt", text, "gb18030"))
    visit.until(lambda: chapters(preview) == [*told], "the titles at first")
    choose(visit, preview, "编码", "编码 Big5")
    visit.until(lambda: chapters(preview) not in ([], [*told]), "titles that look wrong")
    choose(visit, preview, "编码", "编码 GB18030 (GBK)")
    visit.until(lambda: chapters(preview) == [*told], "the titles as they were written")
    work = keep(visit, preview, 2)
    assert (tree(visit), texts(visit, work["id"])) == ([*told], told)


def test_an_encoding_that_nobody_can_guess_is_named_by_hand(visit: Visit) -> None:
    visit.expected.append("422")
    shelf(visit)
    preview = bring(visit, file("黛玉.txt", "黛玉", "gb18030"))
    expect(preview.get_by_role("alert")).to_contain_text("认不出这个文件的编码")
    expect(preview.get_by_role("alert")).to_contain_text("另存为 UTF-8")
    preview.get_by_label(re.compile("^编码")).click()
    visit.page.get_by_role("option", name="GB18030 (GBK)").click()
    expect(preview.get_by_role("button", name="导入 1 章")).to_be_enabled()
    work = keep(visit, preview, 1)
    assert texts(visit, work["id"]) == {"黛玉": "黛玉"}


def test_chapters_are_told_another_way_by_hand(visit: Visit) -> None:
    parts = [f"第{c}章 夜\n" + "\n".join(f"第{n}节 灯\n{RAIN}" for n in (1, 2, 3)) for c in (1, 2)]
    shelf(visit)
    preview = bring(visit, file("长夜.txt", "\n".join(parts)))
    visit.until(lambda: chapters(preview) == ["第1章 夜", "第2章 夜"], "two chapters")
    choose(visit, preview, "分章", re.compile("第N节"))
    expect(preview.get_by_role("button", name="导入 6 章")).to_be_enabled()
    keep(visit, preview, 6)
    sections = [f"第{n}节 灯" for n in (1, 2, 3)]
    assert tree(visit) == ["第1章 夜", *sections, "第2章 夜", *sections]


def test_empty_lines_between_paragraphs_go_unless_they_are_wanted(visit: Visit) -> None:
    shelf(visit)
    text = "# 第一章 雨\n\n雨停了。\n\n他没有动。\n\n\n天亮了。\n\n有人来。\n"
    preview = bring(visit, file("雨.md", text))
    drop = preview.get_by_role("checkbox", name="去掉段间空行（4 行）")
    expect(drop).to_be_checked()
    pane = preview.get_by_role("region", name="这一章的文字")
    expect(pane).to_contain_text("天亮了。")
    drop.uncheck()
    expect(preview.get_by_role("button", name="退回一步")).to_be_enabled()
    expect(drop).not_to_be_checked()
    drop.check()
    expect(preview.get_by_role("button", name="导入 1 章")).to_be_enabled()
    work = keep(visit, preview, 1)
    assert texts(visit, work["id"]) == {"第一章 雨": "雨停了。\n他没有动。\n\n天亮了。\n有人来。"}
    expect(visit.page.locator(".ProseMirror p")).to_have_count(5)


def test_a_project_comes_with_its_story(visit: Visit) -> None:
    ok = visit.served.ok
    work, _ = visit.served.book(*TOLD.items())
    root = f"/api/works/{work}"
    pei = ok("POST", f"{root}/characters", json={"name": "裴照", "aliases": ["阿照"]})["id"]
    xu = ok("POST", f"{root}/characters", json={"name": "许蘅"})["id"]
    ok("POST", f"{root}/relations", json={"a": pei, "b": xu, "label": "故人"})
    ok("POST", f"{root}/threads", json={"title": "铃为什么响"})
    book = ok("POST", f"{root}/lorebooks", json={"name": "渡口设定"})["id"]
    entry = {"name": "水则", "keys": ["水位"], "content": "石柱上刻着三道线。"}
    ok("POST", f"{root}/lorebooks/{book}/entries", json=entry)
    project = visit.served.http.get(f"{root}/export", params={"format": "zip"}).content
    ok("DELETE", root)

    shelf(visit)
    preview = bring(visit, file("试书.zip", project))
    expect(preview.get_by_text("人物 2 人")).to_be_visible()
    made_ = keep(visit, preview, 2)["id"]
    assert made_ != work
    assert [name.split(" ", 1)[-1] for name in tree(visit)] == ["雨夜", "渡口"]
    assert [*texts(visit, made_).values()] == [*TOLD.values()]
    page = visit.page
    visit.open(f"#/w/{made_}/story/cast")
    expect(page.get_by_role("link", name=re.compile("裴照"))).to_contain_text("阿照")
    visit.open(f"#/w/{made_}/story/relations")
    expect(page.locator("svg").get_by_role("link", name=re.compile("故人"))).to_have_count(1)
    visit.open(f"#/w/{made_}/story/threads")
    expect(page.get_by_text("铃为什么响").first).to_be_visible()
    visit.open(f"#/w/{made_}/story/lore")
    expect(page.get_by_text("水则")).to_be_visible()


WHOLE: dict[str, Callable[[Visit], bytes]] = {
    "渡口.docx": lambda _: by_word(),
    "出.epub": lambda visit: exported(visit, "epub"),
    "归人.pdf": lambda _: made(chapter_texts(1, 3)),
    "试书.zip": lambda visit: exported(visit, "zip"),
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_broken_file_says_what_is_wrong_and_what_to_do(visit: Visit, name: str) -> None:
    visit.expected += ["422", "400"]
    shelf(visit)
    whole = WHOLE[name](visit)
    preview = bring(visit, file(name, whole[: len(whole) // 2]))
    alert = preview.get_by_role("alert")
    expect(alert).to_contain_text(re.compile("损坏|不完整|打不开"))
    expect(alert).to_contain_text(re.compile("请.*(再导入|另存|重新导出|下载)"))
    assert works(visit) == []
    preview.get_by_role("button", name="不导入").click()
    preview = bring(visit, file(name, whole))
    expect(preview.get_by_role("button", name=re.compile("^导入 "))).to_be_enabled()
