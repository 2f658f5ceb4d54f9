"""Every room of the page with something in it, each reached by one function.

The work is the sample novel; locators are roles, places and classes, no words, so that a room is
found in either language.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from server.engines.scripted import ScriptedEngine, Text
from server.personas.shipped import load_shipped
from server.settings import PERSONAS
from tests.e2e.conftest import serving
from tests.e2e.served import Served
from tests.e2e.visit import Visit, visiting

SAID = (
    "我没有落笔。\n“墨浓了。”我说。笔在砚沿上舔了两下，那颗墨退回去，剩下细细一条。莫管事的袖口"
    "动了一动，没有看表。\n帘子里的人不说话。我数了三下，把那一点点上去，点得比平常轻，像谁用指甲"
    "在瓦上敲了一声。\n阿拾没有抬头，铅块又走起来了。"
)
ANSWER = (
    "（翻号簿，翻到一半停住。）照章，问信要报寄件的人。（咳一声。）今年倒有一封，从上水来的，邮票"
    "没有贴够，本所垫了两分。这句话您没听见。"
)
THEMES = ("light", "sepia", "dark")
LANGUAGES = ("zh", "en")
OVER = "dialog[open], [role=dialog]:visible, .scrim:visible"
"""What lies over a room."""
PACE = 50
"""Tokens a second: a ghost of so many words still grows when it is looked at."""


@dataclass
class Rooms:
    """Somebody who walks through all of them."""

    visit: Visit
    work: str
    chapters: list[str]
    people: list[str]
    personas: list[str]
    talk: str

    @property
    def page(self) -> Page:
        return self.visit.page

    def wear(self, theme: str, language: str) -> None:
        """The bar's own buttons: the page is not loaded anew. From the shelf only."""
        self.go("#/")
        wide = self.page.locator(".theme-seg").is_visible()
        if not wide:
            self.page.locator("header .menu").click()
        within = self.page.locator("header" if wide else "header :popover-open")
        segs = within.locator(".seg:visible")
        segs.nth(0).get_by_role("button").nth(["system", *THEMES].index(theme)).click()
        segs.nth(1).get_by_role("button").nth(LANGUAGES.index(language)).click()
        if not wide:
            self.page.keyboard.press("Escape")
        root = self.page.locator("html")
        expect(root).to_have_attribute("data-theme", theme)
        expect(root).to_have_attribute("lang", "zh-CN" if language == "zh" else "en")

    def go(self, place: str) -> None:
        """Another room, whatever lies over this one."""
        for _ in range(3):
            if self.page.locator(OVER).count() == 0:
                break
            self.page.keyboard.press("Escape")
        self.page.evaluate("place => (location.hash = place)", place)
        expect(self.page.locator("main").first).not_to_have_attribute("aria-busy", "true")

    def story(self, tab: str) -> None:
        self.go(f"#/w/{self.work}/story/{tab}")
        expect(self.page.locator("main[aria-label]")).not_to_be_empty()

    def desk(self) -> None:
        self.go(f"#/w/{self.work}/{self.chapters[-1]}")
        expect(self.page.locator(".ProseMirror p").last).to_contain_text("离纸还有半寸")

    def side(self, n: int) -> None:
        """The desk with this tab of the side panel."""
        self.desk()
        tabs = self.page.locator("[data-region=side] [role=tab]")
        if not tabs.first.is_visible():
            self.page.locator("[data-tour=side]").click()
        tabs.nth(n).click()
        expect(self.page.locator("[data-region=side] [role=tabpanel]")).not_to_be_empty()

    def tree(self) -> None:
        self.desk()
        if not self.page.get_by_role("tree").is_visible():
            self.page.locator("[data-tour=tree]").click()
        self.page.get_by_role("treeitem").first.wait_for()

    def ghost(self) -> None:
        """A continuation that is still being written."""
        self.side(0)
        self.page.keyboard.press("Escape")
        self.page.locator(".ProseMirror").focus()
        self.page.keyboard.press("Control+End")
        self.page.keyboard.press("Control+Enter")
        expect(self.page.locator(".ghost").first).to_contain_text("墨浓了")

    def ready(self) -> None:
        """The one that `ghost` began stands to be taken."""
        expect(self.page.locator(".strip[data-face=ready]")).to_be_visible()

    def quiet(self) -> None:
        """What `ghost` began is over."""
        if self.page.locator(".ghost").count():
            self.page.locator(".ProseMirror").focus()
            self.page.keyboard.press("Escape")
            self.page.keyboard.press("Escape")
            expect(self.page.locator(".ghost")).to_have_count(0)
        self.visit.until(lambda: self.visit.served.engine.running == 0, "the engine stops")

    def card(self) -> None:
        self.go(f"#/personas/{self.personas[1]}")
        self.page.locator("main .btn").first.wait_for()
        self.page.evaluate("document.querySelector('aside .face .btn').click()")
        self.page.get_by_role("dialog").locator("textarea").first.wait_for()

    def talked(self) -> None:
        self.go(f"#/personas/{self.personas[1]}/{self.talk}")
        expect(self.page.get_by_role("log")).to_contain_text("这句话您没听见")

    def search(self) -> None:
        self.desk()
        self.page.keyboard.press("Control+KeyK")
        self.page.locator("input[role=combobox]").fill("砚台")
        self.page.locator("[role=option]").first.wait_for()

    def shortcuts(self) -> None:
        self.desk()
        self.page.keyboard.press("Control+Slash")
        self.page.get_by_role("dialog").locator("kbd").nth(10).wait_for()

    def importing(self) -> None:
        self.go("#/")
        text = "\n".join(f"第{n}章　檐下\n\n雨打着瓦，一夜没有停。\n" for n in "一二四")
        self.page.locator("input[type=file]").set_input_files(
            {"name": "檐下.txt", "mimeType": "text/plain", "buffer": text.encode("gb18030")}
        )
        self.page.locator("[data-chapter='0']").wait_for()

    def forget(self) -> None:
        """The file that `importing` brought."""
        waiting = self.page.locator("section.card .foot .btn:not(.primary)")
        if waiting.count():
            waiting.last.click()
            expect(self.page.locator("[data-chapter]")).to_have_count(0)


PLACES: dict[str, Callable[[Rooms], None]] = {
    "shelf": lambda rooms: rooms.go("#/"),
    "import": Rooms.importing,
    "desk-tree": Rooms.tree,
    "desk-why": lambda rooms: rooms.side(0),
    "desk-cast": lambda rooms: rooms.side(1),
    "desk-threads": lambda rooms: rooms.side(2),
    "desk-history": lambda rooms: rooms.side(3),
    "desk-ghost": Rooms.ghost,
    "desk-ready": Rooms.ready,
    "story-cast": lambda rooms: rooms.story(f"cast/{rooms.people[0]}"),
    "story-relations": lambda rooms: rooms.story("relations"),
    "story-outline": lambda rooms: rooms.story("outline"),
    "story-lore": lambda rooms: rooms.story("lore"),
    "story-threads": lambda rooms: rooms.story("threads"),
    "story-timeline": lambda rooms: rooms.story("timeline"),
    "story-timeline-chart": lambda rooms: rooms.story("timeline/chart"),
    "story-recaps": lambda rooms: rooms.story(f"recaps/chapter-{rooms.chapters[0]}"),
    "personas": lambda rooms: rooms.go(f"#/personas/{rooms.personas[0]}"),
    "personas-talk": Rooms.talked,
    "personas-card": Rooms.card,
    "search": Rooms.search,
    "settings-look": lambda rooms: rooms.go("#/settings/look"),
    "settings-writing": lambda rooms: rooms.go("#/settings/writing"),
    "settings-budget": lambda rooms: rooms.go("#/settings/budget"),
    "settings-templates": lambda rooms: rooms.go("#/settings/templates"),
    "settings-keys": lambda rooms: rooms.go("#/settings/keys"),
    "settings-data": lambda rooms: rooms.go("#/settings/data"),
    "settings-about": lambda rooms: rooms.go("#/settings/about"),
    "models": lambda rooms: rooms.go("#/models"),
    "training": lambda rooms: rooms.go("#/training"),
    "shortcuts": Rooms.shortcuts,
}
LEAVING: dict[str, Callable[[Rooms], None]] = {"desk-ready": Rooms.quiet, "import": Rooms.forget}


def still(page: Page) -> None:
    """Nothing fades, loads or is about to be drawn any more."""
    page.mouse.move(page.viewport_size["width"] / 2, 1)  # nothing is hovered
    page.evaluate(
        """async () => {
          await document.fonts.ready;
          for (let calm = 0; calm < 3; ) {
            const before = window.asking ?? 0;
            await new Promise(requestAnimationFrame);
            await Promise.allSettled(document.getAnimations()
              .filter(one => one.effect?.getComputedTiming().iterations !== Infinity)
              .map(one => one.finished));
            await new Promise(go => setTimeout(go, 30));
            calm = before === 0 && !window.asking ? calm + 1 : 0;
          }
        }"""
    )


HEARING = """
window.told = [];
window.asking = 0;
const ask = window.fetch;
window.fetch = async (...given) => {
  window.asking++;
  try {
    const answer = await ask(...given);
    if (/json|event-stream/.test(answer.headers.get('content-type') ?? ''))
      void hear(answer.clone().body.getReader());
    return answer;
  } finally {
    window.asking--;
  }
};
async function hear(reader) {
  const at = window.told.push('') - 1;
  const words = new TextDecoder();
  try {
    for (let got = await reader.read(); !got.done; got = await reader.read())
      window.told[at] += words.decode(got.value, { stream: true });
  } catch { /* the page went away from it */ }
}
const send = XMLHttpRequest.prototype.send;
XMLHttpRequest.prototype.send = function (...given) {
  this.addEventListener('load', () => window.told.push(JSON.stringify(this.response)));
  return send.apply(this, given);
};
localStorage.setItem('yanchi.tour', '{"done":true}');
"""
"""What the service says is listened to: its words may stand on the page in any language."""


@contextmanager
def rooms_of(chrome: Browser, data: Path, built: Path, **how: object) -> Iterator[Rooms]:
    """A desk with the sample novel, its personas and a talk, and somebody before it."""
    said = [[Text(SAID)]] * (2 * len(THEMES) * len(LANGUAGES))
    engine = ScriptedEngine(tokens_per_second=PACE, script=[[Text(ANSWER)], *said])
    with serving(data, engine, built) as served, visiting(chrome, served, **how) as visit:
        visit.context.add_init_script(HEARING)
        rooms = _furnished(visit, served)
        visit.open()
        yield rooms


def _furnished(visit: Visit, served: Served) -> Rooms:
    work = served.ok("POST", "/api/works/sample")["id"]
    with served.desk.database.session() as session:
        load_shipped(session, PERSONAS)
    root = f"/api/works/{work}"
    chapters = [c["id"] for c in served.ok("GET", f"{root}/chapters")]
    people = [c["id"] for c in served.ok("GET", f"{root}/characters")]
    personas = [p["id"] for p in served.ok("GET", "/api/personas")]
    begun = served.ok("POST", "/api/conversations", json={"persona_id": personas[1]})
    talk = begun["id"]
    say = {"text": "我问一封信。寄给砚矶镇的计素，该是上个月到的。", "parent_id": begun["leaf_id"]}
    answer = served.http.post(f"/api/conversations/{talk}/messages", json=say, timeout=60)
    assert "event: done" in answer.text, answer.text
    assert served.desk.indexer.fresh(work, 60)
    return Rooms(visit, work, chapters, people, personas, talk)
