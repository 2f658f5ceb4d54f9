"""The page itself: its small parts, its shape at every width, and who it can be read by."""

import json

import pytest

from tests.e2e.cdp import CONTROL, Browser
from tests.e2e.served import Served

pytestmark = pytest.mark.e2e

STREAM = (
    '﻿: hello\r\n\r\nevent: prompt\r\ndata: {"tokens": 3}\r\n\r\n'
    'event: delta\ndata: {"text": "灯𠮷"}\nid: 7\n\n'
    ':ping\n\nevent:delta\ndata:{"text":\ndata: "雾"}\n\nevent: done\rdata: {}\r\r'
    'event: lost\ndata: {"half": 1}'
)
TOLD = [
    ["prompt", {"tokens": 3}],
    ["delta", {"text": "灯𠮷"}],
    ["delta", {"text": "雾"}],
    ["done", {}],
]
CUT = """(async () => {
  const { events } = await import("/sse.js");
  const bytes = new TextEncoder().encode(%s);
  const seen = new Set();
  for (let size = 1; size <= bytes.length; size++) {
    const told = [];
    const body = new ReadableStream({ start(to) {
      for (let i = 0; i < bytes.length; i += size) to.enqueue(bytes.slice(i, i + size));
      to.close();
    } });
    for await (const { event, data } of events(body)) told.push([event, data]);
    seen.add(JSON.stringify(told));
  }
  return [...seen];
})()"""
PLACES = """(async () => {
  const { offsetAt, caretAt, countChars, shown, splitTitle } = await import("/text.js");
  const text = %s;
  const wrong = [];
  const view = shown(text);
  for (let caret = 0; caret <= view.length; caret++) {
    const half = /[\\udc00-\\udfff]/.test(view[caret] ?? "");
    if (!half && caretAt(text, offsetAt(text, caret)) !== caret) wrong.push(caret);
  }
  return [wrong, offsetAt(text, view.length), countChars(text), splitTitle("第十二章　夜渡"), splitTitle("楔子")];
})()"""
WIDTHS = [360, 390, 768, 900, 1024, 1101, 1280, 1440, 2560, 3840]
OVERFLOWS = """[...document.querySelectorAll('body, .bar, .beat, .beat-in, .shelf, .sheet, .books')]
  .filter((e) => e.checkVisibility() && e.scrollWidth > e.clientWidth + 1)
  .map((e) => `${e.className || e.tagName} ${e.scrollWidth} > ${e.clientWidth}`)"""
ROLES = {"button", "link", "textbox", "searchbox", "combobox", "radio", "slider", "tab"}


@pytest.mark.usefixtures("served")
def test_events_are_the_same_however_the_bytes_are_cut(page: Browser) -> None:
    assert page.evaluate(CUT % json.dumps(STREAM)) == [
        json.dumps(TOLD, ensure_ascii=False, separators=(",", ":"))
    ]


@pytest.mark.parametrize("text", ["", "一𠮷二😀三", "\r\n一\r二\n\r\n三　四 五\r\n"])
def test_places_survive_the_way_there_and_back(page: Browser, text: str) -> None:
    wrong, length, count, numbered, plain = page.evaluate(PLACES % json.dumps(text))
    assert wrong == []
    assert length == len(text)
    assert count == sum(not c.isspace() for c in text)  # as the server counts
    assert (numbered, plain) == (["第十二章", "夜渡"], ["", "楔子"])


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_cut_off_at_any_width(page: Browser, served: Served, width: int) -> None:
    work, [chapter] = served.book(("第一百二十三章　一个相当长的章名要放得下", "夜里起了雾。" * 60))
    page.view(width, 844)
    page.open(f"{served.address}/#/")
    page.wait("document.querySelector('.book')")
    assert page.evaluate(OVERFLOWS) == []
    page.open(f"{served.address}/#/w/{work}/{chapter}")
    page.wait("document.querySelector('#text').value")
    page.press("Enter", CONTROL)
    page.wait("document.querySelector('#desk').dataset.state === 'ready'")
    assert page.evaluate(OVERFLOWS) == []
    measure = page.evaluate(
        "(e => e.clientWidth / parseFloat(getComputedStyle(e).fontSize))"
        "(document.querySelector('#text'))"
    )
    assert measure <= 38.1
    for part in ("tree", "side"):
        shown = page.evaluate(
            f"document.querySelector('#{part}').checkVisibility({{visibilityProperty: true}})"
        )
        assert shown == (width > (900 if part == "tree" else 1100))


def test_every_control_has_a_name_and_every_region_a_landmark(
    page: Browser, served: Served
) -> None:
    work, [chapter] = served.book(("第一章", "夜里起了雾。"))
    page.open(f"{served.address}/#/w/{work}/{chapter}")
    page.wait("document.querySelector('#text').value")
    page.press("Enter", CONTROL)
    page.wait("document.querySelector('#desk').dataset.state === 'ready'")
    nodes = page.send("Accessibility.getFullAXTree")["nodes"]
    roles = [n["role"]["value"] for n in nodes if not n.get("ignored") and "role" in n]
    assert {"banner", "main", "navigation", "complementary", "status"} <= set(roles)
    nameless = [
        n["nodeId"]
        for n in nodes
        if not n.get("ignored")
        and n.get("role", {}).get("value") in ROLES
        and not n.get("name", {}).get("value", "").strip()
    ]
    assert nameless == []
    names = [n.get("name", {}).get("value", "") for n in nodes if not n.get("ignored")]
    ghost = page.evaluate("document.querySelector('#ghost').lastChild.data")
    assert not any(ghost in name for name in names)  # told once, never read as the text


def test_themes_follow_the_system_until_one_is_chosen(page: Browser, served: Served) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    page.view(1440, 900, prefers_color_scheme="light")
    assert page.evaluate(paper) == "rgb(233, 234, 229)"
    page.view(1440, 900, prefers_color_scheme="dark")
    assert page.evaluate(paper) == "rgb(16, 19, 20)"
    page.click("[data-theme-name=sepia]")
    assert page.evaluate(paper) == "rgb(229, 217, 193)"
    page.open(f"{served.address}/")
    page.wait("document.querySelector('.books')")
    assert page.evaluate(paper) == "rgb(229, 217, 193)"
    page.click("[data-theme-name=sepia]")
    assert page.evaluate(paper) == "rgb(16, 19, 20)"


def test_a_calm_reader_gets_whole_sentences(page: Browser, served: Served) -> None:
    work, [chapter] = served.book(("第一章", "夜里起了雾。"))
    page.view(1440, 900, prefers_reduced_motion="reduce")
    page.open(f"{served.address}/#/w/{work}/{chapter}")
    page.wait("document.querySelector('#text').value")
    page.evaluate(
        "window.seen = new Set(); new MutationObserver(() => {"
        " const g = document.querySelector('#ghost'); if (!g.hidden) seen.add(g.lastChild.data); })"
        ".observe(document.querySelector('#ghost'), {subtree: true, childList: true,"
        " characterData: true})"
    )
    page.press("Enter", CONTROL)
    page.wait("document.querySelector('#desk').dataset.state === 'ready'")
    seen = page.evaluate("[...window.seen]")
    assert len(seen) > 1
    assert [s for s in seen[:-1] if s and s[-1] not in "。！？…；\n”」"] == []
