"""What an author does on the first day, from a file to a continued chapter; and what a book, a
card or a model may say without anything of it running."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from server.engines.scripted import Text
from tests.e2e.served import plays
from tests.e2e.visit import Visit

pytestmark = pytest.mark.e2e

NOVEL = """《青灯记》
作者：试笔

楔子

青灯寺不供佛，只供灯。

第一章 檐下雨

雨下了一夜，檐下的铜盆接满了三回。

第二章 借灯

来人说，只借一盏，天亮就还。
"""
EVIL = "<img src=x onerror=window.hacked=1><script>window.hacked=1</script>"
WIDTHS = (360, 600, 768, 901, 1024, 1101, 1280, 3840)


@plays([Text("灯芯爆了一下，屋里更静了。")])
def test_a_file_becomes_a_work_that_is_continued(visit: Visit, tmp_path: Path) -> None:
    file = tmp_path / "青灯记.txt"
    file.write_bytes(NOVEL.encode("gb18030"))
    page = visit.page
    visit.open()
    page.locator("input[type=file]").first.set_input_files(file)
    page.get_by_role("button", name="导入 3 章").click()
    page.locator(".ProseMirror").wait_for()
    tree = page.get_by_role("tree")
    tree.get_by_text("借灯").click()
    paper = page.locator(".ProseMirror")
    expect(paper).to_contain_text("天亮就还。")
    paper.click()
    page.keyboard.press("Control+End")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".ghost").first).to_contain_text("屋里更静了。")
    expect(page.get_by_role("button", name="收下")).to_be_visible()
    page.keyboard.press("Tab")
    expect(paper).to_contain_text("天亮就还。灯芯爆了一下，屋里更静了。")
    work = visit.served.ok("GET", "/api/works")[0]["id"]
    last = visit.served.ok("GET", f"/api/works/{work}/chapters")[-1]["id"]
    visit.until(
        lambda: "屋里更静了。" in visit.served.chapter(work, last)["text"], "the text is saved"
    )


@plays([Text(f"他念道：{EVIL}。")])
def test_a_script_in_a_book_or_an_answer_does_not_run(visit: Visit) -> None:
    work, [chapter] = visit.served.book((f"{EVIL}", f"纸上写着{EVIL}。"))
    visit.served.ok(
        "POST", f"/api/works/{work}/characters", json={"name": "纸上", "sheet": {"身份": EVIL}}
    )
    page = visit.page
    visit.open(f"#/w/{work}/{chapter}")
    paper = page.locator(".ProseMirror")
    expect(paper).to_contain_text("onerror")
    paper.click()
    page.keyboard.press("Control+End")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".ghost").first).to_contain_text("他念道")
    expect(page.get_by_role("button", name="收下")).to_be_visible()
    page.keyboard.press("Tab")
    for place in ("#/", f"#/w/{work}/story/cast", f"#/w/{work}/{chapter}"):
        visit.open(place)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("window.hacked") is None


def test_the_policy_refuses_a_script_that_got_in(visit: Visit) -> None:
    visit.expected.append("Content Security Policy")
    visit.open()
    page = visit.page
    page.evaluate(
        """() => {
          const script = document.createElement("script");
          script.textContent = "window.hacked = 1";
          document.body.append(script);
          document.body.setAttribute("onclick", "window.hacked = 1");
          document.body.click();
        }"""
    )
    assert page.evaluate("window.hacked") is None
    assert visit.faults


@pytest.mark.parametrize("language", ["zh", "en"])
def test_nothing_is_cut_off_at_any_width(visit: Visit, language: str) -> None:
    work, [chapter] = visit.served.book(("第一章 檐下雨", "雨下了一夜。\n她没有回头。"))
    page = visit.page
    visit.open()
    page.evaluate(
        "look => localStorage.setItem('yanchi.look', look)", json.dumps({"language": language})
    )
    rooms = ("#/", f"#/w/{work}/{chapter}", f"#/w/{work}/story/cast", "#/personas", "#/settings")
    for room in rooms:
        visit.open(room)
        page.reload()
        page.wait_for_load_state("networkidle")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{room} in {language} is {wide} px wide at {width}"
