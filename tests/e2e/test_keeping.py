"""No word is lost: saving, crashes, two writers, and the chapters themselves."""

import json

import pytest

from tests.e2e.cdp import CONTROL, Browser, until
from tests.e2e.served import Served, plays

pytestmark = pytest.mark.e2e

TEXT = "document.querySelector('#text').value"
SAVED = "document.querySelector('#saved').textContent"
STRIP = "document.querySelector('#strip').textContent"
PRESS = "[...document.querySelectorAll('#strip button')].find(b => b.textContent === %s).click()"


@pytest.fixture
def opened(page: Browser, served: Served) -> tuple[str, str]:
    """A chapter on the paper, the caret at its end: (work, chapter)."""
    work, [chapter] = served.book(("第一章　雾", "夜里起了雾。"))
    show(page, served, work, chapter)
    return work, chapter


def show(page: Browser, served: Served, work: str, chapter: str) -> None:
    page.open(f"{served.address}/#/w/{work}/{chapter}")
    page.wait(f"document.querySelector('#contents [data-id=\"{chapter}\"][aria-current]')")
    page.evaluate("document.querySelector('#text').focus()")


def test_an_edit_is_saved_by_itself_and_survives_a_reload(
    page: Browser, served: Served, opened: tuple[str, str]
) -> None:
    page.type("灯灭了。")
    page.wait(f"{SAVED} === '未保存'")
    page.wait(f"{SAVED} === '已保存'")
    assert served.chapter(*opened)["text"] == "夜里起了雾。灯灭了。"
    page.evaluate("location.reload()")
    page.wait(f"document.querySelector('#text')?.value && {TEXT} === '夜里起了雾。灯灭了。'")
    page.wait("document.querySelector('#count').textContent === '10 字'")
    assert served.chapter(*opened)["revision"] == 2


def test_what_the_server_never_got_is_found_again(
    page: Browser, served: Served, opened: tuple[str, str]
) -> None:
    page.block("*/api/*")
    page.evaluate(  # a browser that dies says no farewell
        "addEventListener('visibilitychange', (e) => e.stopImmediatePropagation(), true)"
    )
    page.type("灯灭了。")
    page.wait(f"{STRIP}.includes('连不上服务，您照常写')")
    page.type("又亮了。")
    page.wait("Object.values(localStorage).some(v => v.includes('又亮了'))")
    page.open("about:blank")  # the page is gone, and with it what was not saved
    page.block()
    assert served.chapter(*opened)["text"] == "夜里起了雾。"
    show(page, served, *opened)
    page.wait(f"{TEXT} === '夜里起了雾。灯灭了。又亮了。' && {SAVED} === '已保存'")
    assert served.chapter(*opened)["text"] == "夜里起了雾。灯灭了。又亮了。"
    page.faults.clear()  # the browser itself notes the lost connection


@pytest.mark.parametrize(("word", "kept"), [("留这份", "我写的。"), ("留那份", "别人写的。")])
def test_two_writers_choose_and_neither_text_is_lost(
    page: Browser, served: Served, opened: tuple[str, str], word: str, kept: str
) -> None:
    path = f"/api/works/{opened[0]}/chapters/{opened[1]}"
    served.ok("PUT", path, json={"text": "夜里起了雾。别人写的。", "base_revision": 1})
    page.type("我写的。")
    page.wait(f"{STRIP}.includes('这一章在别处也改过，留哪一份？')")
    page.evaluate(PRESS % json.dumps("看那份"))
    page.wait("document.querySelector('.other')?.textContent === '夜里起了雾。别人写的。'")
    page.press("Escape")
    page.evaluate(PRESS % json.dumps(word))
    page.wait(f"{SAVED} === '已保存' && {TEXT} === {json.dumps('夜里起了雾。' + kept)}")
    assert served.chapter(*opened)["text"] == "夜里起了雾。" + kept
    revisions = [served.ok("GET", f"{path}/revisions/{n}")["text"] for n in (2, 3)]
    assert revisions == ["夜里起了雾。别人写的。", "夜里起了雾。我写的。"]
    page.faults.clear()  # the browser itself notes the 409


def test_keys_belong_to_the_input_method_while_it_composes(
    page: Browser, served: Served, opened: tuple[str, str]
) -> None:
    page.send("Input.imeSetComposition", text="deng", selectionStart=4, selectionEnd=4)
    page.press("Enter", CONTROL)
    page.press("k", CONTROL)
    assert page.evaluate("document.querySelector('#search').open") is False
    page.type("灯")  # commits the composition
    page.wait(f"{SAVED} === '已保存'")
    assert served.chapter(*opened)["text"] == "夜里起了雾。灯"
    assert served.engine.requests == []


@plays(tokens_per_second=40)
def test_writing_on_lets_go_of_the_continuation(
    page: Browser, served: Served, opened: tuple[str, str]
) -> None:
    page.press("Enter", CONTROL)
    page.wait("!document.querySelector('#ghost').hidden")
    page.type("我自己来。")
    page.wait("document.querySelector('#ghost').hidden")
    until(lambda: served.engine.running == 0, "the engine's rest", 5)
    page.wait(f"{SAVED} === '已保存'")
    assert served.chapter(*opened)["text"] == "夜里起了雾。我自己来。"


def test_chapters_are_made_named_locked_binned_and_put_back(
    page: Browser, served: Served, opened: tuple[str, str]
) -> None:
    work, first = opened
    path = f"/api/works/{work}/chapters"
    page.click("#new-chapter")
    page.wait("document.querySelector('#title').value === '第二章'")
    page.wait("document.activeElement.id === 'title'")
    page.type("第二章　渡口")
    page.press("Enter")
    page.wait("document.querySelector('[aria-current] .t')?.textContent === '渡口'")
    assert [c["title"] for c in served.ok("GET", path)] == ["第一章　雾", "第二章　渡口"]

    page.evaluate(
        "(() => { const s = document.querySelector('#status'); s.value = 'locked';"
        " s.dispatchEvent(new Event('change')); })()"
    )
    page.wait("document.querySelector('#text').readOnly && document.querySelector('#go').disabled")
    assert served.ok("GET", path)[1]["status"] == "locked"

    show(page, served, work, first)
    page.click("#bin")
    page.wait(f"{STRIP}.includes('移到了回收处')")
    assert [c["title"] for c in served.ok("GET", path)] == ["第二章　渡口"]
    page.evaluate(PRESS % json.dumps("放回"))
    page.wait("document.querySelectorAll('#contents .row').length === 2")
    assert [c["title"] for c in served.ok("GET", path)] == ["第一章　雾", "第二章　渡口"]


def test_a_deleted_chapter_gives_its_words_back(
    page: Browser, served: Served, opened: tuple[str, str]
) -> None:
    path = f"/api/works/{opened[0]}/chapters/{opened[1]}"
    served.ok("DELETE", path)
    page.type("灯灭了。")
    page.wait(f"{STRIP}.includes('没有这一章')")
    page.evaluate(PRESS % json.dumps("放回这一章"))
    page.wait(f"{SAVED} === '已保存'")
    assert served.chapter(*opened)["text"] == "夜里起了雾。灯灭了。"
    page.faults.clear()  # the browser itself notes the 404


def test_search_goes_to_the_passage(page: Browser, served: Served) -> None:
    chapters = [(f"第{n}章", f"渡口的第{n}盏灯亮了。\n水声很远。😀") for n in range(1, 4)]
    work, ids = served.book(*chapters)
    show(page, served, work, ids[0])
    page.press("k", CONTROL)
    page.type("第3盏灯")
    page.wait("document.querySelector('#found mark')?.textContent === '第3盏灯'")
    page.press("Enter")
    page.wait(f"{TEXT}.includes('第3盏灯')")
    selected = (
        "(t => t.value.slice(t.selectionStart, t.selectionEnd))(document.querySelector('#text'))"
    )
    assert "第3盏灯" in page.evaluate(selected)
