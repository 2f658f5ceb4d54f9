"""How the page feels: keystroke to paint, opening a chapter, what a first visit loads.

One desk with the scripted engine, one book of about a million characters, one chapter of 20,000
in headless Chromium; beside it, in the same browser and with the same text, TipTap as its own
guide sets it up (`webui/bench/plain`). A keystroke's time runs from the event's own time stamp
to the first task after the frame that shows it.
"""

import gzip
import random
import statistics
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

from bench.browser import chromium, plain_page
from bench.desk import serving
from bench.report import Report
from server.engines.phrases import sentences

CHAPTERS = 50
CHARS = 20_000
STROKES = 400
OPENINGS = 12
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync"]  # fmt: skip
WORDS = "他在灯下坐了很久没有说话窗外的雨声渐渐小了她把信放在桌上"

# The frame's own callback runs before it is painted; a message sent from there comes after.
WATCH = """() => {
  window.strokes = [];
  const channel = new MessageChannel();
  const waiting = [];
  channel.port1.onmessage = () => {
    const now = performance.now();
    for (const then of waiting.splice(0)) window.strokes.push(now - then);
  };
  addEventListener("beforeinput", (event) => {
    waiting.push(event.timeStamp);
    requestAnimationFrame(() => channel.port2.postMessage(0));
  }, true);
}"""


def run(report: Report) -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        home = Path(folder)
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        report.fact("chromium", browser.version)
        book = [_chapter(n) for n in range(CHAPTERS)]
        words = ("--engine", "scripted")
        with serving(home / "desk", home / "serve.log", *words) as desk:
            work, chapters = _bring(desk.address, book)
            _measure_typing(browser, desk.address, work, chapters[-1], report)
            _measure_opening(browser, desk.address, work, chapters, report)
            _measure_loading(browser, desk.address, work, chapters[-1], report)
        with _plain(home / "plain", book[-1]) as address:
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.goto(address)
            page.locator(".ProseMirror p").last.wait_for()
            _tell_typing(report, "plain_key", _type(page, ".ProseMirror"), "a plain TipTap page")
        browser.close()


def _chapter(number: int) -> str:
    """20,000 characters of the phrase grammar's prose in paragraphs of two or three sentences."""
    chance = random.Random(number)
    source = sentences(chance)
    lines: list[str] = []
    size = 0
    while size < CHARS:
        lines.append("".join(next(source) for _ in range(chance.randint(1, 3))))
        size += len(lines[-1])
    return "\n".join(lines)


def _bring(address: str, book: list[str]) -> tuple[str, list[str]]:
    """The book through the import, as an author brings one; (work, its chapters' ids)."""
    text = "\n\n".join(f"第{n + 1}章 其{n + 1}\n\n{body}" for n, body in enumerate(book))
    client = httpx.Client(base_url=address, timeout=300, trust_env=False)
    file = {"file": ("百万.txt", text.encode(), "text/plain")}
    upload = client.post("/api/imports", files=file).raise_for_status().json()["upload"]
    work = client.post(f"/api/imports/{upload}/commit", json={}).raise_for_status().json()["work"]
    chapters = client.get(f"/api/works/{work}/chapters").raise_for_status().json()
    return work, [chapter["id"] for chapter in chapters]


@contextmanager
def _plain(folder: Path, text: str) -> Iterator[str]:
    plain_page(folder)
    (folder / "text.txt").write_text(text, encoding="utf-8")
    handler = partial(_Quiet, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


def _measure_typing(
    browser: Browser, address: str, work: str, chapter: str, report: Report
) -> None:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(f"{address}/#/w/{work}/{chapter}")
    paper = page.get_by_role("textbox", name="正文")
    paper.wait_for()
    page.locator(".ProseMirror p").nth(100).wait_for()
    # A ghost that streams all the while, at the chapter's end; the author types elsewhere.
    paper.click()
    page.keyboard.press("Control+End")
    page.get_by_role("button", name="字数").count()
    page.keyboard.press("Control+Enter")
    page.locator(".ghost").first.wait_for()
    times = _type(page, ".ProseMirror")
    streaming = page.locator(".ghost").count()
    note = f"{len(times)} keys, a ghost streaming" if streaming else f"{len(times)} keys, no ghost"
    _tell_typing(report, "key", times, note)
    page.close()


def _type(page: Page, paper: str) -> list[float]:
    """Milliseconds of each keystroke, typed into the middle of the text at a person's pace."""
    page.evaluate(WATCH)
    middle = page.locator(f"{paper} p").nth(page.locator(f"{paper} p").count() // 2)
    middle.scroll_into_view_if_needed()
    middle.click(position={"x": 60, "y": 8})
    session = page.context.new_cdp_session(page)
    chance = random.Random(7)
    for n in range(STROKES):
        session.send("Input.insertText", {"text": WORDS[n % len(WORDS)]})
        page.wait_for_timeout(chance.uniform(40, 110))
    times: list[float] = page.evaluate("window.strokes")
    return times


def _tell_typing(report: Report, name: str, times: list[float], note: str) -> None:
    report.add(f"{name}_p50_ms", statistics.median(times), "ms", note)
    report.add(f"{name}_p99_ms", statistics.quantiles(times, n=100)[98], "ms", note)


def _measure_opening(
    browser: Browser, address: str, work: str, chapters: list[str], report: Report
) -> None:
    """From the click on a chapter in the contents to the frame that shows its text."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(f"{address}/#/w/{work}/{chapters[0]}")
    page.locator(".ProseMirror p").nth(100).wait_for()
    times = []
    for n in range(OPENINGS):
        target = chapters[(n * 17 + 20) % len(chapters)]
        times.append(page.evaluate(OPEN, f"#/w/{work}/{target}"))
        page.wait_for_timeout(300)
    note = f"median of {OPENINGS}, chapters of {CHARS} characters, not looked at before"
    report.add("open_chapter_ms", statistics.median(times), "ms", note)
    page.close()


OPEN = """(hash) => new Promise((done) => {
  const before = document.querySelector(".ProseMirror p")?.textContent;
  const start = performance.now();
  location.hash = hash;
  const look = () => {
    const now = document.querySelectorAll(".ProseMirror p");
    if (now.length > 100 && now[0].textContent !== before) {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => done(performance.now() - start);
      requestAnimationFrame(() => channel.port2.postMessage(0));
    } else requestAnimationFrame(look);
  };
  look();
})"""


def _measure_loading(
    browser: Browser, address: str, work: str, chapter: str, report: Report
) -> None:
    """What the editor's address loads before it can be typed in, in a browser without a cache."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    sizes: list[int] = []

    def count(answer: Any) -> None:
        if "/api/" not in answer.url and answer.ok:
            sizes.append(len(gzip.compress(answer.body(), 9)))

    page.on("response", count)
    page.goto(f"{address}/#/w/{work}/{chapter}")
    page.locator(".ProseMirror[contenteditable=true] p").nth(100).wait_for()
    ready = page.evaluate("performance.now()")
    page.wait_for_load_state("networkidle")
    report.add("editor_gzip_kb", sum(sizes) / 1000, "kB", "everything a first visit loads, gzip 9")
    report.add("editor_interactive_ms", ready, "ms", "navigation to a chapter that can be typed in")
    context.close()
