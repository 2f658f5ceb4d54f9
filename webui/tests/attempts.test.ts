import { beforeEach, describe, expect, test } from "vitest";
import { offline, Refusal } from "$/api/client";
import type { ServerEvent } from "$/api/events";
import { Attempts, type Wish } from "$/rooms/desk/attempts.svelte";
import type { Ports, Shade } from "$/rooms/desk/beat/ports";
import { live } from "$/state/announce.svelte";

/** One request whose answer the test writes. */
class Asked {
  signal: AbortSignal;
  #events: (ServerEvent | Error | "end")[] = [];
  #next: (() => void) | null = null;

  constructor(
    readonly path: string,
    readonly body: Wish & { offset: number; revision: number },
    signal: AbortSignal,
  ) {
    this.signal = signal;
    signal.addEventListener("abort", () => this.tell(new DOMException("", "AbortError")));
  }

  tell(...events: (ServerEvent | Error | "end")[]): Promise<void> {
    this.#events.push(...events);
    this.#next?.();
    return tick();
  }

  prompt(generation = "g1") {
    return this.tell({
      event: "prompt",
      data: { generation, tokens: 7204, kept: [], dropped: [] },
    });
  }

  delta(text: string, index = 0) {
    return this.tell({ event: "delta", data: { index, text } });
  }

  done(...texts: string[]) {
    return this.tell({ event: "done", data: { candidates: texts.map((text) => ({ text })) } });
  }

  async *read(): AsyncGenerator<ServerEvent> {
    for (;;) {
      const event = this.#events.shift();
      if (event === "end") return;
      if (event instanceof Error) throw event;
      if (event) yield event;
      else await new Promise<void>((go) => (this.#next = go));
    }
  }
}

/** A document of one line, and a ghost in it; positions are offsets. */
class Desk implements Shade {
  work = "w";
  chapter: string | null = "c";
  text = "雨停了。";
  at = 4;
  pos: number | null = null;
  shown = "";
  growing = false;
  revision = 3;
  log: string[] = [];
  asked: Asked[] = [];
  flush = () => Promise.resolve(this.revision);
  onTaken = (_: string) => {};
  onGone = () => {};

  caret = () => this.at;
  posAt = (points: number) => points;
  pointsAt = (pos: number) => pos;
  snapshot = async (label: string, kind: string) => void this.log.push(`${kind}:${label}`);
  insert = (text: string, how: { at: number; generation?: string; candidate?: number }) => {
    this.log.push(`insert ${text} ${how.generation}/${how.candidate}`);
    this.enter(text, how.at);
  };
  open = (pos: number) => Object.assign(this, { pos, shown: "" });
  write = (text: string, growing: boolean) => Object.assign(this, { shown: text, growing });
  close = () => Object.assign(this, { pos: null, shown: "" });

  /** Text comes into the document, as by the author's keys. */
  enter(text: string, at: number) {
    this.text = this.text.slice(0, at) + text + this.text.slice(at);
    if (this.pos === at) this.at = this.pos = at + text.length;
    this.onTaken(text);
  }

  ports(): Ports {
    return {
      paper: this,
      ghost: this,
      wish: () => ({ beat: "亮出铜片", length: 100 }),
      ask: (path, body, signal) => {
        const asked = new Asked(path, body as Asked["body"], signal!);
        this.asked.push(asked);
        return asked.read();
      },
      refused: (work, generation) => void this.log.push(`refused ${work}/${generation}`),
      taken: () => void this.log.push("all taken"),
      frame: (draw) => draw(),
    };
  }
}

async function tick(): Promise<void> {
  for (let n = 0; n < 30; n++) await Promise.resolve();
}

let desk: Desk;
let attempts: Attempts;
const asked = (n = desk.asked.length - 1) => desk.asked[n]!;

beforeEach(() => {
  desk = new Desk();
  attempts = new Attempts();
  attempts.attach(desk.ports());
});

async function start(overrides?: Wish): Promise<void> {
  void attempts.start(overrides);
  await tick();
}

/** A continuation that is ready. */
async function ready(...texts: string[]): Promise<void> {
  await start();
  await asked().prompt(`g${desk.asked.length}`);
  await asked().done(...texts);
  expect(attempts.state).toBe("ready");
}

describe("writing on", () => {
  test("saves, asks at the caret, shows what comes, and says once that it is ready", async () => {
    await start();
    expect(attempts.state).toBe("loading");
    expect(asked().path).toBe("/api/works/w/chapters/c/continue");
    expect(asked().body).toMatchObject({ offset: 4, revision: 3, beat: "亮出铜片", length: 100 });
    await asked().prompt();
    expect(attempts.step).toBe("reading");
    expect(attempts.prompt?.tokens).toBe(7204);
    await asked().delta("他没有动，");
    expect(attempts.state).toBe("streaming");
    expect([desk.shown, desk.growing]).toEqual(["他没有动，", true]);
    await asked().done("他没有动，看着水。\n");
    expect(attempts.state).toBe("ready");
    expect([desk.shown, desk.growing]).toEqual(["他没有动，看着水。", false]);
    expect(live.sentence).toContain("9 字");
    expect(desk.text).toBe("雨停了。");
  });

  test("asks once more where the chapter was saved elsewhere in between", async () => {
    await start();
    desk.revision = 4;
    await asked().tell(new Refusal({ code: "stale_revision", message: "旧了" }, 409));
    expect(desk.asked).toHaveLength(2);
    expect(asked().body.revision).toBe(4);
    await asked().tell(new Refusal({ code: "stale_revision", message: "又旧了" }, 409));
    expect(desk.asked).toHaveLength(2);
    expect([attempts.state, attempts.sentence]).toEqual(["error", "又旧了"]);
  });

  test("does nothing while it writes already, or where no chapter is open", async () => {
    await start();
    await start();
    expect(desk.asked).toHaveLength(1);
    attempts.refuse();
    desk.chapter = null;
    await start();
    expect(desk.asked).toHaveLength(1);
  });

  test("tells when nothing came", async () => {
    await start();
    await asked().prompt();
    await asked().done("  \n");
    expect(attempts.state).toBe("error");
    expect(desk.pos).toBeNull();
  });
});

describe("stopping", () => {
  test("is over at once, aborts the request and keeps what is written", async () => {
    await start();
    await asked().prompt();
    await asked().delta("他没有动，看");
    attempts.stop();
    expect(asked().signal.aborted).toBe(true);
    expect([attempts.state, desk.shown, desk.growing]).toEqual(["ready", "他没有动，看", false]);
    expect(attempts.current?.end).toBe("stopped");
    await asked().delta("着水。");
    expect(desk.shown).toBe("他没有动，看");
  });

  test("before the first word leaves nothing", async () => {
    await start();
    attempts.stop();
    await tick();
    expect([attempts.state, desk.pos]).toEqual(["idle", null]);
    await ready("再来。");
  });

  test("while it saves asks nobody", async () => {
    let saved = (_: number) => {};
    desk.flush = () => new Promise((go) => (saved = go));
    await start();
    attempts.stop();
    saved(4);
    await tick();
    expect(desk.asked).toHaveLength(0);
  });
});

describe("trouble", () => {
  test("in the middle keeps the part, marked", async () => {
    await start();
    await asked().prompt();
    await asked().delta("写到一半");
    const error = { code: "engine_lost", message: "模型断开了。", retryable: true };
    await asked().tell({ event: "error", data: { error } });
    expect([attempts.state, attempts.sentence]).toEqual(["error", "模型断开了。"]);
    expect([attempts.current?.end, desk.shown]).toEqual(["cut", "写到一半"]);
    void attempts.again();
    await tick();
    await asked().prompt("g2");
    await asked().done("这次写完。");
    expect(attempts.candidates.map((c) => c.end)).toEqual(["cut", "whole"]);
    expect(desk.shown).toBe("这次写完。");
  });

  test("that nobody named is told in our words", async () => {
    await start();
    await asked().prompt();
    await asked().tell(new TypeError("network error"));
    expect(attempts.state).toBe("error");
    expect(attempts.sentence).not.toContain("network");
    await start();
    await asked().tell("end");
    expect(attempts.state).toBe("error");
  });

  test("without a service is offline until it is back", async () => {
    await start();
    await asked().tell(offline());
    expect(attempts.state).toBe("offline");
    await attempts.engineReady();
    expect(attempts.state).toBe("idle");
    expect(desk.asked).toHaveLength(1);
  });

  test("of an engine that starts is waited for, unless the author thinks otherwise", async () => {
    const starting = () => new Refusal({ code: "engine_starting", message: "还在启动" }, 503);
    await start();
    await asked().tell(starting());
    expect([attempts.state, attempts.waiting]).toEqual(["starting", true]);
    void attempts.engineReady();
    await tick();
    expect(desk.asked).toHaveLength(2);
    await asked().tell(starting());
    attempts.waiting = false;
    await attempts.engineReady();
    expect([attempts.state, desk.asked.length]).toEqual(["idle", 2]);
  });
});

describe("taking", () => {
  test("all: a snapshot, then one insertion, then nothing is left", async () => {
    await ready("他没有动。\n“风。”");
    await attempts.take();
    expect(desk.log).toEqual(["before:收下续写前", "insert 他没有动。\n“风。” g1/0", "all taken"]);
    expect([attempts.state, desk.pos, attempts.list.length]).toEqual(["idle", null, 0]);
    expect(attempts.prompt?.tokens).toBe(7204);
  });

  test("clause by clause: one snapshot, and two quick keys take two", async () => {
    await ready("他没有动，看着水。走了。");
    await Promise.all([attempts.takeClause(), attempts.takeClause()]);
    expect(desk.text).toBe("雨停了。他没有动，看着水。");
    expect(attempts.rest).toBe("走了。");
    await attempts.takeClause();
    expect(desk.log.filter((line) => line.startsWith("before"))).toHaveLength(1);
    expect(desk.log.at(-1)).toBe("all taken");
  });

  test("while it is written takes what there is and stops", async () => {
    await start();
    await asked().prompt();
    await asked().delta("他没有动，看");
    await attempts.take();
    expect(asked().signal.aborted).toBe(true);
    expect(desk.text).toBe("雨停了。他没有动，看");
  });

  test("a clause while it is written takes none that is unfinished", async () => {
    await start();
    await asked().prompt();
    await asked().delta("他没有动，看");
    await attempts.takeClause();
    await attempts.takeClause();
    expect(desk.text).toBe("雨停了。他没有动，");
    await asked().done("他没有动，看着水。");
    expect([attempts.state, attempts.rest]).toEqual(["ready", "看着水。"]);
  });

  test("goes on without a snapshot that fails", async () => {
    desk.snapshot = () => Promise.reject(new Error("away"));
    await ready("他没有动。");
    await attempts.take();
    expect(desk.text).toBe("雨停了。他没有动。");
  });

  test("what the author types of it by hand is neither taken nor refused", async () => {
    await ready("他没有动。");
    desk.enter("他没", desk.pos!);
    expect(attempts.rest).toBe("有动。");
    desk.enter("有动。", desk.pos!);
    expect([attempts.state, desk.log.includes("all taken")]).toEqual(["idle", false]);
  });
});

describe("refusing", () => {
  test("notes each attempt and leaves the text alone", async () => {
    await ready("他没有动。");
    void attempts.again();
    await tick();
    await asked().prompt("g2");
    await asked().done("她没有动。");
    attempts.refuse();
    expect(desk.log).toEqual(["refused w/g1", "refused w/g2"]);
    expect([attempts.state, desk.text]).toEqual(["idle", "雨停了。"]);
  });

  test("by writing something else stops what is being written", async () => {
    await start();
    await asked().prompt();
    await asked().delta("他没有");
    desk.onGone();
    expect(asked().signal.aborted).toBe(true);
    expect([attempts.state, desk.log]).toEqual(["idle", ["refused w/g1"]]);
  });

  test("is not what leaving the chapter means", async () => {
    await ready("他没有动。");
    attempts.leave();
    expect([attempts.state, attempts.prompt, desk.log]).toEqual(["idle", null, []]);
  });
});

describe("candidates", () => {
  test("of all attempts at a place are leafed through in a ring", async () => {
    await ready("一。", "二。");
    void attempts.again();
    await tick();
    await asked().prompt("g2");
    await asked().done("三。");
    expect(asked().body.offset).toBe(4);
    expect(desk.shown).toBe("三。");
    attempts.leaf(1);
    expect(desk.shown).toBe("一。");
    attempts.leaf(1);
    expect(desk.shown).toBe("二。");
    attempts.leaf(-1);
    attempts.leaf(-1);
    expect(desk.shown).toBe("三。");
    attempts.leaf(-1);
    await attempts.take();
    expect(desk.log).toContain("insert 二。 g1/1");
    expect(desk.log).toContain("refused w/g2");
    expect(desk.log).not.toContain("refused w/g1");
  });

  test("that do not begin with what was taken can no more be leafed to", async () => {
    await ready("他走了。天黑了。", "他走了。雨停了。", "她来了。");
    expect(attempts.candidates).toHaveLength(3);
    await attempts.takeClause();
    expect(attempts.candidates).toHaveLength(2);
    attempts.leaf(1);
    expect(desk.shown).toBe("雨停了。");
  });

  test("another attempt after a clause goes on from there", async () => {
    await ready("他走了。天黑了。");
    await attempts.takeClause();
    void attempts.again();
    await tick();
    expect(asked().body.offset).toBe(8);
    await asked().prompt("g2");
    await asked().done("雨停了。");
    expect([attempts.rest, attempts.candidates.length]).toEqual(["雨停了。", 1]);
  });

  test("with pins are written at the ghost's place though the caret is elsewhere", async () => {
    await ready("他走了。");
    desk.at = 1;
    await start({ pinned: ["x"] });
    expect(asked().body).toMatchObject({ offset: 4, pinned: ["x"] });
    expect(attempts.list).toHaveLength(1);
    await asked().prompt("g2");
    expect(attempts.list).toHaveLength(2);
  });

  test("without anything else a new place is a new beginning", async () => {
    await ready("他走了。");
    desk.at = 1;
    await start();
    expect(asked().body.offset).toBe(1);
    expect(desk.log).toEqual(["refused w/g1"]);
  });

  test("out of the log are shown and taken like any other", async () => {
    attempts.recall({ id: "old", outputs: [{ text: "一。" }, { text: "二。\n" }] }, 1);
    expect([attempts.state, desk.shown]).toEqual(["ready", "二。"]);
    await attempts.take();
    expect(desk.log).toContain("insert 二。 old/1");
  });
});
