import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Manuscript } from "$/editor/manuscript.svelte";
import { COPY_MS, IDLE_MS } from "$/editor/saving";
import { AWAY, FakeBrowser, FakeCopies, FakeServer, ports } from "./paper.fakes";

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }));
const closed: (() => void)[] = [];
afterEach(() => {
  for (const close of closed.splice(0)) close();
  vi.useRealTimers();
});

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
/** One browser with one server. */
function browser(texts: Record<string, string> = { c: "初稿\n第二段", d: "另一章" }) {
  const server = new FakeServer(texts);
  const copies = new FakeCopies();
  const tabs = new FakeBrowser();
  /** Opens a tab with the page in it; `write` types at the end of the text. */
  const tab = (id: string) => {
    const manuscript = new Manuscript(pick(ports(server, copies, tabs.tab(id))));
    const close = manuscript.mount(document.body.appendChild(document.createElement("div")));
    closed.push(close);
    const write = (text: string) => {
      const view = manuscript.editor!.view;
      view.dispatch(view.state.tr.insertText(text, view.state.doc.content.size - 1));
    };
    return { manuscript, write, close };
  };
  return { server, copies, tabs, tab };
}

const pick = ({ server, copies, tabs, otherName }: ReturnType<typeof ports>) => ({
  server, copies, tabs, otherName,
}); // prettier-ignore

describe("a manuscript", () => {
  test("opens, is written in, and is saved", async () => {
    const { server, tab } = browser();
    const { manuscript, write } = tab("a");
    expect(manuscript.state).toBe("loading");
    await manuscript.open("w", "c");
    expect([manuscript.state, manuscript.text(), manuscript.revision]).toEqual([
      "saved", "初稿\n第二段", 1,
    ]); // prettier-ignore
    write("完");
    expect(manuscript.state).toBe("dirty");
    await pass(IDLE_MS);
    expect([manuscript.state, manuscript.revision]).toEqual(["saved", 2]);
    expect(server.now("c").text).toBe("初稿\n第二段完");
    expect([manuscript.chars, manuscript.han]).toEqual([6, 6]);
  });

  test("takes text in at a place, and the save says what it is", async () => {
    const { server, tab } = browser({ c: "𠮷野\n家" });
    const { manuscript } = tab("a");
    await manuscript.open("w", "c");
    manuscript.insert("里\n", { at: 2, generation: "g", candidate: 1 });
    expect(manuscript.text()).toBe("𠮷野里\n\n家");
    expect(manuscript.caret()).toBe(4);
    expect(manuscript.selection).toEqual({ from: 5, to: 5 });
    await pass(0);
    expect(server.wishes).toEqual([{ generation: "g", candidate: 1 }]);
    manuscript.replace(0, 2, "吉野", { origin: "rewritten" });
    await pass(0);
    expect(server.now("c").text).toBe("吉野里\n\n家");
    expect(server.wishes[1]).toEqual({ origin: "rewritten" });
  });

  test("goes on saving the chapter that was left", async () => {
    const { server, tab } = browser();
    const { manuscript, write } = tab("a");
    await manuscript.open("w", "c");
    write("，未存");
    await manuscript.open("w", "d");
    await pass(0);
    expect(manuscript.text()).toBe("另一章");
    expect(server.now("c").text).toBe("初稿\n第二段，未存");
    expect(server.now("d").revision).toBe(1);
  });

  test("a chapter seen before is shown at once, then checked", async () => {
    const { server, tab } = browser();
    const { manuscript } = tab("a");
    await manuscript.open("w", "c");
    await manuscript.open("w", "d");
    server.elsewhere("c", "初稿\n第二段\n第三段");
    server.held = [];
    const opened = manuscript.open("w", "c");
    await pass(0);
    expect([manuscript.text(), manuscript.state]).toEqual(["初稿\n第二段", "saved"]);
    for (const go of server.held.splice(0)) go();
    server.held = null;
    await opened;
    expect([manuscript.text(), manuscript.revision]).toEqual(["初稿\n第二段\n第三段", 2]);
  });

  test("the slower of two openings does not win", async () => {
    const { server, tab } = browser();
    const { manuscript } = tab("a");
    server.held = [];
    const first = manuscript.open("w", "c");
    await pass(0);
    const second = manuscript.open("w", "d");
    await pass(0);
    const held = server.held;
    server.held = null;
    for (const go of held.reverse()) go();
    await Promise.all([first, second]);
    expect([manuscript.chapter, manuscript.text()]).toEqual(["d", "另一章"]);
  });

  test("a locked chapter is read, not written", async () => {
    const { server, tab } = browser();
    server.status = "locked";
    const { manuscript } = tab("a");
    await manuscript.open("w", "c");
    expect(manuscript.state).toBe("locked");
    expect(manuscript.editor!.isEditable).toBe(false);
    manuscript.locked(false);
    expect([manuscript.state, manuscript.editor!.isEditable]).toEqual(["saved", true]);
  });

  test("goes back to a revision, and forward by undo", async () => {
    const { server, tab } = browser();
    const { manuscript, write } = tab("a");
    await manuscript.open("w", "c");
    write("，改");
    await manuscript.restore(1);
    expect([manuscript.text(), manuscript.revision]).toEqual(["初稿\n第二段", 3]);
    expect(server.revisions.get("c")).toHaveLength(3);
    const { view } = manuscript.editor!;
    const undo = new KeyboardEvent("keydown", { key: "z", ctrlKey: true });
    view.someProp("handleKeyDown", (handle) => handle(view, undo));
    expect(manuscript.text()).toBe("初稿\n第二段，改");
    await pass(IDLE_MS);
    expect(server.now("c").text).toBe("初稿\n第二段，改");
  });

  test("tells when no chapter is open", async () => {
    const { tab } = browser();
    await expect(tab("a").manuscript.flush()).rejects.toMatchObject({ code: "no_chapter" });
  });
});

describe("after a crash", () => {
  async function crashed(server: FakeServer, all: ReturnType<typeof browser>) {
    const { manuscript, write } = all.tab("crashed");
    await manuscript.open("w", "c");
    server.away = AWAY;
    write("，没存上");
    await pass(COPY_MS);
    all.tabs.living.delete("crashed");
    server.away = null;
    return [...all.copies.kept.values()];
  }

  test("what was not saved is found and saved", async () => {
    const all = browser();
    const kept = await crashed(all.server, all);
    expect(kept).toHaveLength(1);
    const { manuscript } = all.tab("new");
    await manuscript.open("w", "c");
    expect(manuscript.text()).toBe("初稿\n第二段，没存上");
    expect(manuscript.found).toBe(true);
    await manuscript.flush();
    await pass(0);
    expect(all.server.now("c").text).toBe("初稿\n第二段，没存上");
    expect(all.copies.kept.size).toBe(0);
    expect(manuscript.found).toBe(false);
  });

  test("what was changed elsewhere since is a choice, and nothing is lost by it", async () => {
    const all = browser();
    await crashed(all.server, all);
    all.server.elsewhere("c", "别处写的");
    const { manuscript } = all.tab("new");
    await manuscript.open("w", "c");
    expect(manuscript.state).toBe("conflict");
    expect(manuscript.theirs).toEqual({ revision: 2, text: "别处写的" });
    expect(manuscript.text()).toBe("初稿\n第二段，没存上");
    await manuscript.settle("theirs");
    expect(manuscript.text()).toBe("别处写的");
    expect(all.server.revisions.get("c")![2]).toBe("初稿\n第二段，没存上");
    await pass(0);
    expect(all.copies.kept.size).toBe(0);
  });

  test("without a server the copy opens alone", async () => {
    const all = browser();
    await crashed(all.server, all);
    all.server.away = AWAY;
    const { manuscript } = all.tab("new");
    await manuscript.open("w", "c");
    expect(manuscript.text()).toBe("初稿\n第二段，没存上");
    expect(manuscript.editor!.isEditable).toBe(true);
    all.server.away = null;
    await manuscript.flush();
    expect(all.server.now("c")).toEqual({ revision: 2, text: "初稿\n第二段，没存上" });
  });

  test("without a server and a copy, the author is told and may try again", async () => {
    const all = browser();
    const { manuscript } = all.tab("new");
    all.server.away = AWAY;
    await manuscript.open("w", "c");
    expect([manuscript.state, manuscript.sentence]).toEqual(["error", "连不上"]);
    all.server.away = null;
    await manuscript.retry();
    expect([manuscript.state, manuscript.text()]).toEqual(["saved", "初稿\n第二段"]);
  });
});

describe("two tabs on one chapter", () => {
  async function two() {
    const all = browser();
    const [one, other] = [all.tab("one"), all.tab("other")];
    await one.manuscript.open("w", "c");
    await other.manuscript.open("w", "c");
    return { ...all, one, other };
  }

  test("the one follows the other while it has nothing of its own", async () => {
    const { server, one, other } = await two();
    one.write("一");
    await pass(IDLE_MS);
    expect([other.manuscript.text(), other.manuscript.revision]).toEqual(["初稿\n第二段一", 2]);
    expect(other.manuscript.state).toBe("saved");
    other.write("二");
    await pass(IDLE_MS);
    expect(one.manuscript.text()).toBe("初稿\n第二段一二");
    expect(server.saves).toBe(2);
  });

  test("and asks when it has", async () => {
    const { server, one, other } = await two();
    one.write("一");
    other.write("二");
    await one.manuscript.flush();
    expect(other.manuscript.state).toBe("conflict");
    expect(other.manuscript.text()).toBe("初稿\n第二段二");
    await other.manuscript.settle("both");
    expect(server.revisions.get("c")).toEqual([
      "初稿\n第二段", "初稿\n第二段一", "初稿\n第二段二", "初稿\n第二段一",
    ]); // prettier-ignore
    await pass(0);
    expect(one.manuscript.text()).toBe("初稿\n第二段一");
    expect([one.manuscript.state, other.manuscript.state]).toEqual(["saved", "saved"]);
  });

  test("following waits for the end of a composition", async () => {
    const { one, other } = await two();
    const { dom } = other.manuscript.editor!.view;
    dom.dispatchEvent(new CompositionEvent("compositionstart"));
    expect(other.manuscript.composing).toBe(true);
    one.write("一");
    await one.manuscript.flush();
    expect(other.manuscript.text()).toBe("初稿\n第二段");
    dom.dispatchEvent(new CompositionEvent("compositionend"));
    await pass(100);
    expect(other.manuscript.text()).toBe("初稿\n第二段一");
  });
});
