import { beforeEach, describe, expect, test } from "vitest";
import { Refusal } from "$/api/client";
import type { ServerEvent } from "$/api/events";
import type { Proposal } from "$/editor/diff";
import { place } from "$/rooms/desk/rewrite/place";
import { Rewriting, type Ports } from "$/rooms/desk/rewrite/rewriting.svelte";

const OLD = "他左手转橘子，右手不动。他先看一眼那块表。";
const NEW = "他左手慢慢转着橘子，右手不动。他总要先看那块表。";

class Desk {
  text = `雨停了。${OLD}她没有回头。`;
  stretch: { from: number; to: number; text: string } | null = null;
  proposal: Proposal | null = null;
  log: string[] = [];
  bodies: Record<string, unknown>[] = [];
  signal: AbortSignal | null = null;
  revision = 3;
  answers: (ServerEvent | Error)[][] = [];
  marks = {
    open: () => {
      this.marks.stretch = { from: 4, to: 4 + OLD.length, text: OLD };
      return true;
    },
    propose: (proposal: Proposal | null) => void (this.proposal = proposal),
    close: () => Object.assign(this.marks, { stretch: null }),
    stretch: null as Desk["stretch"],
    onGone: () => {},
    onPick: (_: number, __: boolean) => {},
  };

  /** A request that is never answered. */
  static readonly SILENT: (ServerEvent | Error)[] = [];
  /** After what stands before it, nothing comes any more. */
  static readonly WAIT: ServerEvent = { event: "wait", data: null };

  ports(): Ports {
    const answers = this.answers;
    return {
      paper: {
        work: "w",
        chapter: "c",
        pointsAt: (pos) => pos,
        flush: async () => this.revision,
        snapshot: async (label, kind) => void this.log.push(`${kind}:${label}`),
        replace: (start, end, text, how) => {
          this.text = this.text.slice(0, start) + text + this.text.slice(end);
          this.log.push(`replace ${JSON.stringify(how)}`);
        },
      },
      marks: this.marks,
      wish: () => ({ adapter: "许氏", viewpoint: null, length: 300 }),
      refused: (work, generation) => void this.log.push(`refused ${work}/${generation}`),
      focus: () => void this.log.push("focus"),
      ask: (_, body, signal) => {
        this.bodies.push(body as Record<string, unknown>);
        this.signal = signal ?? null;
        return read(answers.shift() ?? Desk.SILENT, signal!);
      },
    };
  }
}

async function* read(events: (ServerEvent | Error)[], signal: AbortSignal) {
  for (const event of events) {
    if (event instanceof Error) throw event;
    if (event === Desk.WAIT) await aborted(signal);
    yield event;
  }
  if (events === Desk.SILENT) await aborted(signal);
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, no) => signal.addEventListener("abort", () => no(signal.reason)));
}

const says = (text: string, generation = "g1"): ServerEvent[] => [
  { event: "prompt", data: { generation } },
  { event: "delta", data: { index: 0, text: text.slice(0, 4) } },
  { event: "done", data: { text } },
];

let desk: Desk;
let rewriting: Rewriting;

beforeEach(() => {
  desk = new Desk();
  rewriting = new Rewriting();
  rewriting.attach(desk.ports());
});

async function proposed(text = NEW): Promise<void> {
  desk.answers.push(says(text));
  rewriting.openBar();
  await rewriting.run({ task: "polish" });
}

/** Waits until a decision is carried out. */
async function closed(): Promise<void> {
  await expect.poll(() => rewriting.state, { timeout: 60_000 }).toBe("closed");
}

describe("rewriting", () => {
  test("asks for the stretch with what the author likes, and shows hunks", async () => {
    await proposed();
    expect(desk.bodies[0]).toMatchObject({ task: "polish", start: 4, end: 4 + OLD.length });
    expect(desk.bodies[0]).toMatchObject({ revision: 3, adapter: "许氏" });
    expect(desk.bodies[0]).not.toHaveProperty("length");
    expect(rewriting.state).toBe("review");
    expect(desk.proposal?.hunks.length).toBe(rewriting.hunks.length);
    expect(desk.text).toContain(OLD);
  });

  test("takes all as one replacement, after a snapshot", async () => {
    await proposed();
    rewriting.decideAll(true);
    await closed();
    expect(desk.text).toBe(`雨停了。${NEW}她没有回头。`);
    expect(desk.log).toEqual([
      "before:收下改写前",
      'replace {"origin":"rewritten","generation":"g1","candidate":0}',
      "focus",
    ]);
  });

  test("refuses all and leaves the text alone", async () => {
    await proposed();
    rewriting.decideAll(false);
    await closed();
    expect(desk.text).toContain(OLD);
    expect(desk.log).toEqual(["refused w/g1", "focus"]);
  });

  test("decides one after the other; the last decision puts in what was taken", async () => {
    await proposed();
    const { length } = rewriting.hunks;
    expect(length).toBeGreaterThan(1);
    const [first] = rewriting.hunks;
    rewriting.decide(true);
    expect([rewriting.at, rewriting.left]).toEqual([1, length - 1]);
    expect(desk.text).toContain(OLD);
    for (let n = 1; n < length; n++) rewriting.decide(false);
    await closed();
    const only = OLD.slice(0, first!.start) + first!.inserted + OLD.slice(first!.end);
    expect(desk.text).toBe(`雨停了。${only}她没有回头。`);
  });

  test("a click decides the hunk that was clicked; the keys go on with the next", async () => {
    await proposed();
    desk.marks.onPick(1, false);
    expect(desk.proposal?.verdicts[1]).toBe("refused");
    expect(rewriting.verdicts[rewriting.at]).toBe("open");
  });

  test("tells when nothing would change", async () => {
    await proposed(OLD);
    expect([rewriting.state, rewriting.hunks]).toEqual(["same", []]);
  });

  test("keeps the wish and the stretch when the service is away, and asks again", async () => {
    const lost = new Refusal({ code: "offline", message: "连不上" }, 0);
    desk.answers.push([lost], says(NEW, "g2"));
    rewriting.openBar();
    await rewriting.run({ task: "custom", instruction: "更慢" });
    expect([rewriting.state, rewriting.sentence]).toEqual(["error", "连不上"]);
    await rewriting.run();
    expect(desk.bodies[1]).toMatchObject({ task: "custom", instruction: "更慢" });
    expect(rewriting.state).toBe("review");
  });

  test("asks once more where the chapter was saved elsewhere", async () => {
    desk.answers.push([new Refusal({ code: "stale_revision", message: "旧了" }, 409)], says(NEW));
    rewriting.openBar();
    await rewriting.run({ task: "rewrite" });
    expect([desk.bodies.length, rewriting.state]).toEqual([2, "review"]);
  });

  test("another way keeps the stretch and refuses what was proposed", async () => {
    await proposed();
    rewriting.another();
    expect([rewriting.state, desk.proposal]).toEqual(["open", null]);
    expect(desk.marks.stretch?.text).toBe(OLD);
    expect(desk.log).toEqual(["refused w/g1"]);
  });

  test("is stopped at once", async () => {
    rewriting.openBar();
    const run = rewriting.run({ task: "expand" });
    await expect.poll(() => desk.signal).not.toBeNull();
    rewriting.stop();
    expect([desk.signal?.aborted, rewriting.state]).toEqual([true, "open"]);
    await run;
    expect(rewriting.state).toBe("open");
  });

  test("shows what comes, firm changes first, and can be stopped with what has come", async () => {
    const tail = "她把茶放在桌上，转身去看炉子里的火，火已经灭了。";
    desk.marks.open = () => {
      desk.marks.stretch = { from: 4, to: 4 + OLD.length + tail.length, text: OLD + tail };
      return true;
    };
    const all = says(NEW + tail).slice(0, 1);
    for (const text of [NEW, tail.slice(0, 12), "火"])
      all.push({ event: "delta", data: { index: 0, text } });
    desk.answers.push([...all, Desk.WAIT]);
    rewriting.openBar();
    const run = rewriting.run({ task: "polish" });
    await expect.poll(() => desk.proposal?.coming?.at, { timeout: 60_000 }).toBeGreaterThan(0);
    expect(rewriting.state).toBe("streaming");
    const firm = desk.proposal!.hunks.map(({ inserted }) => inserted);
    expect(firm).toEqual(["慢慢转着", "总要先看"]);
    rewriting.decideAll(true);
    expect([rewriting.state, desk.text.includes(OLD)]).toEqual(["streaming", true]);
    rewriting.stop();
    expect([rewriting.state, desk.signal?.aborted]).toEqual(["review", true]);
    expect(rewriting.hunks.map(({ inserted }) => inserted)).toEqual(firm);
    expect(desk.proposal?.coming).toBeUndefined();
    await run;
    rewriting.decideAll(true);
    await closed();
    expect(desk.log).toContain('replace {"origin":"rewritten","generation":"g1","candidate":0}');
  });

  test("takes away what has come when it breaks off", async () => {
    const lost = new Refusal({ code: "offline", message: "连不上" }, 0);
    desk.answers.push([...says(NEW).slice(0, 2), lost]);
    rewriting.openBar();
    await rewriting.run({ task: "polish" });
    expect([rewriting.state, desk.proposal]).toEqual(["error", null]);
  });

  test("is void when the author writes into the stretch", async () => {
    await proposed();
    desk.marks.onGone();
    expect(rewriting.state).toBe("closed");
    expect(desk.log).toEqual(["refused w/g1"]);
  });
});

describe("the bar", () => {
  const view = { top: 50, bottom: 750, left: 250, right: 1050 };

  test("stands below the selection, above it, or at the foot, never over it if it can", () => {
    const low = { top: 100, bottom: 160, left: 300, right: 900 };
    expect(place(low, view, 400, 120)).toEqual({ left: 300, top: 168 });
    const high = { top: 600, bottom: 700, left: 900, right: 1000 };
    expect(place(high, view, 400, 120)).toEqual({ left: 642, top: 472 });
    const long = { top: -200, bottom: 900, left: 300, right: 900 };
    expect(place(long, view, 400, 120)).toEqual({ left: 300, top: 622 });
  });
});
