/** A desk whose engine is the test, and the attempts at it, fresh for every test. */

import { beforeEach, expect } from "vitest";
import type { ServerEvent } from "$/api/events";
import { Attempts, type Wish } from "$/rooms/desk/attempts.svelte";
import type { Ports, Shade } from "$/rooms/desk/beat/ports";

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

export async function tick(): Promise<void> {
  for (let n = 0; n < 30; n++) await Promise.resolve();
}

export let desk: Desk;
export let attempts: Attempts;
export const asked = (n = desk.asked.length - 1) => desk.asked[n]!;

beforeEach(() => {
  desk = new Desk();
  attempts = new Attempts();
  attempts.attach(desk.ports());
});

export async function start(overrides?: Wish): Promise<void> {
  void attempts.start(overrides);
  await tick();
}

/** A continuation that is ready. */
export async function ready(...texts: string[]): Promise<void> {
  await start();
  await asked().prompt(`g${desk.asked.length}`);
  await asked().done(...texts);
  expect(attempts.state).toBe("ready");
}
