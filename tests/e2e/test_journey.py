"""What an author does on the first day, in a real browser."""

import json
from pathlib import Path

import pytest

from server.engines.scripted import Delay, Fail, Text
from server.errors import EngineLost
from tests.e2e.cdp import ALT, CONTROL, Browser, until
from tests.e2e.served import Served, plays

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
LOST = EngineLost("引擎断开了，请再试一次。")
READY = "document.querySelector('#desk').dataset.state === 'ready'"
TEXT = "document.querySelector('#text').value"
GHOST = "document.querySelector('#ghost').textContent"
SAVED = "document.querySelector('#saved').textContent === '已保存'"


def enter(page: Browser, served: Served, work: str, chapter: str) -> None:
    page.open(f"{served.address}/#/w/{work}/{chapter}")
    page.wait(f"document.querySelector('#contents [data-id=\"{chapter}\"][aria-current]')")


def strip_says(page: Browser, words: str) -> None:
    page.wait(f"document.querySelector('#strip').textContent.includes({json.dumps(words)})")


def press_button(page: Browser, word: str) -> None:
    """A click on the button of the strip that says `word`."""
    page.wait(
        "(() => { const b = [...document.querySelectorAll('#strip button')]"
        f".find(b => b.textContent.includes({json.dumps(word)})); b?.click(); return b; }})()"
    )


def test_a_file_becomes_a_work_that_is_continued(
    page: Browser, served: Served, tmp_path: Path
) -> None:
    file = tmp_path / "青灯记.txt"
    file.write_bytes(NOVEL.encode("gb18030"))
    page.wait("document.querySelector('.dropzone input')")
    page.choose_file(".dropzone input", file)
    page.wait("document.querySelectorAll('.imp .tb tr').length === 3")
    assert served.ok("GET", "/api/works") == []  # a preview keeps nothing
    assert page.evaluate("document.querySelector('.imp select').value") == "gb18030"
    assert page.evaluate("document.querySelector('.imp [name=title]').value") == "青灯记"
    page.click(".imp .primary")
    page.wait(f"{TEXT}.includes('只借一盏')")

    page.evaluate("document.querySelector('#text').focus()")
    page.type("他回头看了一眼。")
    page.press("Enter", CONTROL)
    page.wait(READY)
    [work] = served.ok("GET", "/api/works")
    assert (work["title"], work["author"], work["chapters"]) == ("青灯记", "试笔", 3)
    chapter = served.ok("GET", f"/api/works/{work['id']}/chapters")[-1]
    before = served.chapter(work["id"], chapter["id"])
    assert before["text"].endswith("他回头看了一眼。")  # saved before it was continued
    ghost = page.evaluate("document.querySelector('#ghost').lastChild.data")
    assert len(ghost) > 100
    assert ghost not in page.evaluate(TEXT)  # not part of the document
    assert "Tab 收下" in page.evaluate("document.querySelector('#live').textContent")
    assert page.evaluate("document.querySelector('#why .stack').ariaLabel").startswith("词元构成")
    assert "本章正文" in page.evaluate("document.querySelector('#why').textContent")

    page.press("Tab")
    page.wait(f"{TEXT}.endsWith({json.dumps(ghost)})")
    after = served.chapter(work["id"], chapter["id"])
    assert after["revision"] == before["revision"] + 1
    assert after["text"] == before["text"] + ghost
    assert page.evaluate(f"({GHOST})") == ""

    page.press("z", CONTROL)  # taking is one step of undo
    page.wait(f"{TEXT} === {json.dumps(before['text'])}")


@plays(tokens_per_second=20)
def test_escape_stops_the_engine_and_what_is_written_can_be_taken(
    page: Browser, served: Served
) -> None:
    work, [chapter] = served.book(("第一章", "夜里起了雾。"))
    enter(page, served, work, chapter)
    page.press("Enter", CONTROL)
    page.wait(f"{GHOST}.length > 12")
    assert served.engine.running == 1
    page.press("Escape")
    until(lambda: served.engine.running == 0, "the engine's rest", 3)
    page.wait(READY)
    until(lambda: _states(served, work) == ["cancelled"], "the log's entry")
    written = page.evaluate("document.querySelector('#ghost').lastChild.data")
    page.press("Tab")
    page.wait(f"{TEXT} === {json.dumps('夜里起了雾。' + written)}")
    assert served.chapter(work, chapter)["text"] == "夜里起了雾。" + written


def _states(served: Served, work: str) -> list[str]:
    return [g["state"] for g in served.ok("GET", f"/api/works/{work}/generations")]


def test_refusing_costs_nothing_and_the_attempt_stays(page: Browser, served: Served) -> None:
    work, [chapter] = served.book(("第一章", "夜里起了雾。"))
    enter(page, served, work, chapter)
    page.press("Enter", CONTROL)
    page.wait(READY)
    page.press("r", ALT)  # another attempt; the first is refused
    page.wait(f"{READY} && document.querySelectorAll('#history .hv').length === 2")
    page.press("Escape")
    page.wait(f"{GHOST} === ''")
    assert served.chapter(work, chapter)["text"] == "夜里起了雾。"
    verdicts = "/api/works/" + work + "/generations"
    until(lambda: [g["verdict"] for g in served.ok("GET", verdicts)] == ["refused"] * 2, "both")
    page.click("#tab-history")
    page.evaluate("document.querySelector('#history .btn:not(.quiet)').click()")  # 再看
    page.wait(READY)
    page.click("#text")
    page.press("Tab")
    page.wait(f"{TEXT}.length > 100")
    assert served.chapter(work, chapter)["revision"] == 2


@plays([Fail(LOST, after=6)], [Delay(0.1), Text("雾散了，灯还亮着。")])
def test_a_break_in_mid_stream_names_the_cause_and_one_way_on(
    page: Browser, served: Served
) -> None:
    work, [chapter] = served.book(("第一章", "夜里起了雾。"))
    enter(page, served, work, chapter)
    page.click("#go")
    strip_says(page, "引擎断开了，请再试一次。已写的")
    assert page.evaluate("document.querySelectorAll('#strip button').length") == 1
    press_button(page, "再试")
    page.wait(READY)
    press_button(page, "收下")
    page.wait(f"{TEXT} === '夜里起了雾。雾散了，灯还亮着。'")


def test_an_engine_that_starts_is_told_by_lamp_and_strip(page: Browser, served: Served) -> None:
    work, [chapter] = served.book(("第一章", "夜里起了雾。"))
    served.engine.state = "starting"
    enter(page, served, work, chapter)
    page.evaluate("location.reload()")
    page.wait("document.querySelector('#engine-state')?.textContent === '启动中'")
    page.wait("document.querySelector('#text')?.value")
    page.click("#go")
    strip_says(page, "启动")
    served.engine.state = "ready"
    page.wait("document.querySelector('#engine-state').textContent === '就绪'")
    page.faults.clear()  # the browser itself notes the 503


@plays([Text("他没有答。")])
def test_the_continuation_goes_where_the_caret_is(page: Browser, served: Served) -> None:
    """Offsets count characters: neither UTF-16 halves nor the \\r of Windows' line ends."""
    text = "𠮷野家的灯亮着。😀\r\n“谁？”\r\n门外只有雨。"
    work, [chapter] = served.book(("第一章", text))
    enter(page, served, work, chapter)
    page.evaluate("(() => { const t = document.querySelector('#text'); const i ="
                  " t.value.indexOf('门外'); t.setSelectionRange(i, i); })()")  # fmt: skip
    page.press("Enter", CONTROL)
    page.wait(READY)
    assert page.evaluate("document.querySelector('#ghost').matches('.apart')")
    page.press("Tab")
    page.wait(f"{TEXT}.includes('他没有答。门外')")
    assert served.chapter(work, chapter)["text"] == text.replace("门外", "他没有答。门外")


@plays([Text(EVIL)])
def test_a_script_in_a_book_does_not_run(page: Browser, served: Served, tmp_path: Path) -> None:
    file = tmp_path / "<b>书<b>.txt"
    body = f"第一章 {EVIL}\n\n{EVIL}她说：“{EVIL}”\n\n第二章 {EVIL}\n\n{EVIL}雨停了。\n"
    file.write_text(f"《{EVIL}》\n作者：{EVIL}\n\n{body}", encoding="utf-8")
    page.wait("document.querySelector('.dropzone input')")
    page.choose_file(".dropzone input", file)
    page.wait("document.querySelector('.imp .primary')")
    page.click(".imp .primary")
    page.wait(f"{TEXT}.includes('雨停了')")
    page.press("Enter", CONTROL)
    page.wait(READY)
    page.press("k", CONTROL)
    page.type("onerror")
    page.wait("document.querySelector('#found li')")
    page.press("Escape")
    page.wait("!document.querySelector('#search').open")
    page.open(f"{served.address}/#/")
    page.wait("document.querySelector('.book')")
    assert page.evaluate("window.hacked === undefined")
    assert page.evaluate("document.querySelectorAll('img, body script').length") == 0


def test_a_broken_file_is_one_sentence(page: Browser, served: Served, tmp_path: Path) -> None:
    file = tmp_path / "图片.txt"
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20)
    page.wait("document.querySelector('.dropzone input')")
    page.choose_file(".dropzone input", file)
    page.wait("document.querySelector('#import [role=alert]')")
    told = page.evaluate("document.querySelector('#import [role=alert]').textContent")
    assert told.startswith("图片.txt：")
    assert served.ok("GET", "/api/works") == []
    page.faults.clear()  # the browser itself notes the 422


def test_a_line_that_is_no_heading_joins_the_chapter_before(
    page: Browser, served: Served, tmp_path: Path
) -> None:
    file = tmp_path / "书.txt"
    file.write_text(NOVEL, encoding="utf-8")
    page.wait("document.querySelector('.dropzone input')")
    page.choose_file(".dropzone input", file)
    page.wait("document.querySelectorAll('.imp .tb tr').length === 3")
    page.click(".imp .tb tr:last-child button")
    page.wait("document.querySelectorAll('.imp .tb tr').length === 2")
    page.evaluate("document.querySelector('.imp [name=title]').select()")
    page.click(".imp [name=title]")
    page.evaluate("document.querySelector('.imp [name=title]').select()")
    page.type("改过的书名")
    page.click(".imp .primary")
    page.wait(f"{TEXT}.includes('第二章 借灯')")
    assert [w["title"] for w in served.ok("GET", "/api/works")] == ["改过的书名"]
