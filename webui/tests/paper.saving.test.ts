import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { orphans, syncLeftovers } from "$/editor/leftovers";
import { COPY_MS, IDLE_MS, LONGEST_MS, Saving, type SaveState } from "$/editor/saving";
import { AWAY, EXPIRED, FakeBrowser, FakeCopies, FakeServer, LOCKED, ports } from "./paper.fakes";

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }));
afterEach(() => void vi.useRealTimers());

/** A chapter being written, by hand. */
function writing(text = "初稿") {
  const server = new FakeServer({ c: text });
  const copies = new FakeCopies();
  const browser = new FakeBrowser();
  const states: SaveState[] = [];
  const paper = { text, composing: false };
  const wired = ports(server, copies, browser.tab("here"));
  wired.told = (one) => states.push(one.state);
  const source = { text: () => paper.text, composing: () => paper.composing };
  const saving = new Saving("w", "c", server.now("c"), source, wired);
  const write = (next: string) => {
    paper.text = next;
    saving.changed();
  };
  return { server, copies, browser, paper, saving, write, states, wired };
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

describe("saving", () => {
  test("waits for a pause, then saves once", async () => {
    const { server, saving, write } = writing();
    write("初稿一");
    await pass(IDLE_MS - 1);
    write("初稿一二");
    await pass(IDLE_MS - 1);
    expect(server.saves).toBe(0);
    expect(saving.state).toBe("dirty");
    await pass(1);
    expect(server.now("c")).toEqual({ revision: 2, text: "初稿一二" });
    expect(saving.state).toBe("saved");
    expect(saving.base.revision).toBe(2);
  });

  test("does not wait longer than five seconds for it", async () => {
    const { server, write } = writing();
    for (let ms = 0, n = 0; ms < LONGEST_MS; ms += 500) {
      write(`初稿${n++}`);
      await pass(500);
    }
    expect(server.saves).toBe(1);
  });

  test("saves one after the other, the second what was typed meanwhile", async () => {
    const { server, saving, write, copies } = writing();
    server.held = [];
    write("一");
    const first = saving.flush();
    await pass(0);
    write("一二");
    const second = saving.flush();
    await pass(COPY_MS);
    const [go] = server.held;
    server.held = null;
    go!();
    expect(await first).toBe(2);
    expect(await second).toBe(3);
    expect(server.mostAtOnce).toBe(1);
    expect(server.revisions.get("c")).toEqual(["初稿", "一", "一二"]);
    await pass(0);
    expect(copies.kept.size).toBe(0);
  });

  test("a text that is back where it was is not saved", async () => {
    const { server, saving, write } = writing();
    write("初稿一");
    write("初稿");
    expect(await saving.flush()).toBe(1);
    expect(server.saves).toBe(0);
    expect(saving.state).toBe("saved");
  });

  test("tells how a text came to be, once", async () => {
    const { server, saving, paper, write } = writing();
    paper.text = "初稿续";
    saving.changed({ generation: "g", candidate: 2 });
    await saving.flush();
    write("初稿续写");
    await saving.flush();
    expect(server.wishes).toEqual([{ generation: "g", candidate: 2 }, {}]);
  });

  test("leaves a composition alone until it is over", async () => {
    const { server, paper, write } = writing();
    paper.composing = true;
    write("初稿ni hao");
    await pass(LONGEST_MS * 2);
    expect(server.saves).toBe(0);
    write("初稿你好");
    paper.composing = false;
    await pass(IDLE_MS);
    expect(server.now("c").text).toBe("初稿你好");
  });

  test("half a character does not keep the rest from being saved", async () => {
    const { server, saving, write } = writing();
    write("好\ud83d");
    await saving.flush();
    expect(server.now("c").text).toBe("好\ufffd");
  });

  test("foreign line breaks are saved as ours before any offset counts", async () => {
    const server = new FakeServer({ c: "一\r\n二" });
    const source = { text: () => "一\n二", composing: () => false };
    const wired = ports(server, new FakeCopies(), new FakeBrowser().tab("here"));
    const saving = new Saving("w", "c", server.now("c"), source, wired);
    expect(await saving.flush()).toBe(2);
    expect(server.now("c").text).toBe("一\n二");
  });
});

describe("a crash copy", () => {
  test("lies in the browser within 300 ms, until the server has that text", async () => {
    const { copies, write, saving } = writing();
    write("初稿一");
    await pass(COPY_MS);
    expect([...copies.kept.values()]).toMatchObject([
      { work: "w", chapter: "c", tab: "here", text: "初稿一", base: 1 },
    ]);
    await saving.flush();
    await pass(0);
    expect(copies.kept.size).toBe(0);
  });

  test("stays while the server refuses", async () => {
    const { copies, write, saving, server } = writing();
    server.refusals = [LOCKED];
    write("初稿一");
    await expect(saving.flush()).rejects.toMatchObject({ code: "chapter_locked" });
    expect(saving.state).toBe("locked");
    expect(saving.sentence).toBe("已锁定");
    await pass(0);
    expect([...copies.kept.values()]).toMatchObject([{ text: "初稿一" }]);
  });

  test("is kept at once when the page may be gone, and the text sent along", async () => {
    const { copies, server, write, saving } = writing();
    write("初稿一");
    saving.hidden();
    expect(copies.gasped).toMatchObject([{ text: "初稿一" }]);
    await pass(0);
    expect(server.keepalives).toBe(1);
    expect(server.now("c").text).toBe("初稿一");
    write("字".repeat(30_000));
    saving.hidden();
    await pass(0);
    expect(server.keepalives).toBe(1); // too long to outlive the page
    expect(server.now("c").text).toHaveLength(30_000);
  });
});

describe("a server that is away", () => {
  test("is tried again, less and less often, and told when it is back", async () => {
    const { server, saving, write, copies } = writing();
    server.away = AWAY;
    write("初稿一");
    await pass(IDLE_MS);
    expect(saving.state).toBe("offline");
    write("初稿一二");
    await pass(4_000);
    expect(server.saves).toBe(1); // typing on asks nobody
    await pass(2_000);
    expect(server.saves).toBe(2);
    await pass(10_000);
    expect(server.saves).toBe(3);
    expect([...copies.kept.values()]).toMatchObject([{ text: "初稿一二" }]);
    server.away = null;
    saving.again();
    await pass(0);
    expect(saving.state).toBe("saved");
    expect(server.now("c").text).toBe("初稿一二");
  });

  test("an expired session keeps the text, and says why", async () => {
    const { server, saving, write, copies } = writing();
    server.away = EXPIRED;
    write("初稿一");
    await expect(saving.flush()).rejects.toMatchObject({ status: 401 });
    expect(saving.state).toBe("offline");
    expect(saving.sentence).toBe("请重新登录");
    await pass(0);
    expect(copies.kept.size).toBe(1);
  });

  test("a generation that could not be saved is told with the next save", async () => {
    const { server, saving, paper } = writing();
    server.refusals = [AWAY];
    paper.text = "初稿续";
    saving.changed({ generation: "g", candidate: 0 });
    await expect(saving.flush()).rejects.toMatchObject({ code: "offline" });
    await saving.flush();
    expect(server.wishes).toEqual([{ generation: "g", candidate: 0 }]);
  });
});

describe("a chapter that was changed elsewhere", () => {
  async function conflict() {
    const all = writing();
    all.server.elsewhere("c", "别处的");
    all.write("这里的");
    await expect(all.saving.flush()).rejects.toMatchObject({ code: "stale_revision" });
    expect(all.saving.state).toBe("conflict");
    expect(all.saving.theirs).toEqual({ revision: 2, text: "别处的" });
    return all;
  }

  test("asks, saves nothing by itself, and keeps the copy", async () => {
    const { saving, server, copies, write } = await conflict();
    write("这里的，又写");
    await pass(60_000);
    expect(saving.state).toBe("conflict");
    expect(server.now("c").text).toBe("别处的");
    expect([...copies.kept.values()]).toMatchObject([{ text: "这里的，又写", base: 1 }]);
    await expect(saving.flush()).rejects.toMatchObject({ code: "stale_revision" });
  });

  test("mine: theirs stays a revision before it", async () => {
    const { saving, server, copies } = await conflict();
    expect(await saving.settle("mine")).toBeNull();
    expect(server.revisions.get("c")).toEqual(["初稿", "别处的", "这里的"]);
    expect(saving.state).toBe("saved");
    await pass(0);
    expect(copies.kept.size).toBe(0);
  });

  test("theirs: mine stays a revision before it", async () => {
    const { saving, server } = await conflict();
    expect(await saving.settle("theirs")).toBe("别处的");
    expect(server.revisions.get("c")).toEqual(["初稿", "别处的", "这里的", "别处的"]);
    expect(saving.base).toEqual({ revision: 4, text: "别处的" });
    expect(server.labels).toEqual([]);
  });

  test("both: mine is a kept snapshot", async () => {
    const { saving, server } = await conflict();
    expect(await saving.settle("both")).toBe("别处的");
    expect(server.labels).toEqual([{ number: 3, label: "另一份" }]);
    expect(server.revisions.get("c")![2]).toBe("这里的");
  });

  test("a choice that could not be carried out is open still", async () => {
    const { saving, server, copies } = await conflict();
    server.away = AWAY;
    await expect(saving.settle("theirs")).rejects.toMatchObject({ code: "offline" });
    expect(saving.state).toBe("conflict");
    await pass(60_000);
    expect(server.revisions.get("c")).toEqual(["初稿", "别处的"]);
    expect([...copies.kept.values()]).toMatchObject([{ text: "这里的", base: 1 }]);
    server.away = null;
    await saving.settle("theirs");
    expect(server.revisions.get("c")).toEqual(["初稿", "别处的", "这里的", "别处的"]);
  });

  test("changed once more while the author chose: asked again, with the newest", async () => {
    const { saving, server } = await conflict();
    server.elsewhere("c", "别处又改");
    await expect(saving.settle("mine")).rejects.toMatchObject({ code: "stale_revision" });
    expect(saving.theirs).toEqual({ revision: 3, text: "别处又改" });
    await saving.settle("mine");
    expect(server.revisions.get("c")).toEqual(["初稿", "别处的", "别处又改", "这里的"]);
  });

  test("the same text from elsewhere is no conflict", async () => {
    const { saving, server, write } = writing();
    server.elsewhere("c", "同一句");
    write("同一句");
    expect(await saving.flush()).toBe(2);
    expect(saving.state).toBe("saved");
  });

  test("a newer revision with the old text is no conflict either", async () => {
    const { saving, server, write } = writing();
    server.elsewhere("c", "别处");
    server.elsewhere("c", "初稿");
    write("初稿，又写");
    expect(await saving.flush()).toBe(4);
    expect(server.now("c").text).toBe("初稿，又写");
  });
});

describe("leaving a chapter", () => {
  test("what is unsaved goes on by itself, as it was", async () => {
    const { saving, server, paper, write } = writing();
    write("初稿一");
    const left = saving.leave();
    paper.text = "下一章的文字";
    await left;
    expect(server.now("c").text).toBe("初稿一");
  });

  test("without a server the copy waits, and goes when it is back", async () => {
    const { saving, server, copies, write, wired } = writing();
    server.away = AWAY;
    write("初稿一");
    await saving.leave();
    expect(copies.kept.size).toBe(1);
    await syncLeftovers(wired, "other");
    expect(copies.kept.size).toBe(1);
    server.away = null;
    await syncLeftovers(wired, "c"); // open again: its own opening takes the copy up
    expect(copies.kept.size).toBe(1);
    await syncLeftovers(wired, "other");
    expect(copies.kept.size).toBe(0);
    expect(server.now("c").text).toBe("初稿一");
    expect(server.wishes).toEqual([{ origin: "synced" }]);
  });
});

describe("leftovers", () => {
  const copy = (tab: string, text: string, base = 1, at = 1) => ({
    work: "w", chapter: "c", tab, text, base, at, wish: {},
  }); // prettier-ignore

  test("are those of closed tabs, and of this one", async () => {
    const { wired, copies, browser } = writing();
    browser.tab("other");
    for (const tab of ["here", "other", "crashed"]) await copies.put(copy(tab, tab));
    const found = await orphans(wired, "c");
    expect(found.map((one) => one.tab).sort()).toEqual(["crashed", "here"]);
  });

  test("that conflict wait until their chapter is opened", async () => {
    const { wired, copies, server } = writing();
    server.elsewhere("c", "别处的");
    await copies.put(copy("crashed", "丢了的"));
    await syncLeftovers(wired, null);
    expect(copies.kept.size).toBe(1);
    expect(server.now("c").text).toBe("别处的");
  });

  test("that the server has already are dropped", async () => {
    const { wired, copies, server } = writing();
    server.elsewhere("c", "丢了的");
    await copies.put(copy("crashed", "丢了的"));
    await syncLeftovers(wired, null);
    expect(copies.kept.size).toBe(0);
    expect(server.now("c").revision).toBe(2);
  });
});
