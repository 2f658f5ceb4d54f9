/** A server, browser copies and tabs that live in memory, for tests of the manuscript's safety. */

import { Refusal } from "$/api/client";
import type { Copies, Copy } from "$/editor/copies";
import type { Ports } from "$/editor/saving";
import type { ChapterFull, Server, Version, Wish } from "$/editor/server";
import type { Tabs, Told } from "$/editor/tabs";

export const STALE = () => new Refusal({ code: "stale_revision", message: "别处也改过" }, 409);
export const AWAY = () => new Refusal({ code: "offline", message: "连不上", retryable: true }, 0);
export const EXPIRED = () => new Refusal({ code: "session_expired", message: "请重新登录" }, 401);
export const LOCKED = () => new Refusal({ code: "chapter_locked", message: "已锁定" }, 409);

/** Chapters with every revision, as the real server keeps them. */
export class FakeServer implements Server {
  revisions = new Map<string, string[]>();
  wishes: Wish[] = [];
  labels: { number: number; label: string }[] = [];
  saves = 0;
  keepalives = 0;
  atOnce = 0;
  mostAtOnce = 0;
  status = "draft";
  /** Thrown by the next requests, or by all while `away` stands. */
  refusals: (() => Refusal)[] = [];
  away: (() => Refusal) | null = null;
  /** Holds every answer back until it is called. */
  held: (() => void)[] | null = null;

  constructor(texts: Record<string, string> = {}) {
    for (const [chapter, text] of Object.entries(texts)) this.revisions.set(chapter, [text]);
  }

  now(chapter: string): Version {
    const texts = this.revisions.get(chapter)!;
    return { revision: texts.length, text: texts.at(-1)! };
  }

  /** Somebody else saves. */
  elsewhere(chapter: string, text: string): Version {
    this.revisions.get(chapter)!.push(text);
    return this.now(chapter);
  }

  async load(_: string, chapter: string): Promise<ChapterFull> {
    await this.#answer();
    return { id: chapter, status: this.status, ...this.now(chapter) } as ChapterFull;
  }

  async save(_: string, chapter: string, text: string, base: number, wish: Wish, alive = false) {
    this.saves++;
    if (alive) this.keepalives++;
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.atOnce);
    try {
      await this.#answer();
      const texts = this.revisions.get(chapter)!;
      if (base !== texts.length) throw STALE();
      const changed = texts.at(-1) !== text;
      if (changed) texts.push(text);
      this.wishes.push(wish);
      return { revision: texts.length, chars: text.length, changed };
    } finally {
      this.atOnce--;
    }
  }

  async restore(_: string, chapter: string, number: number) {
    await this.#answer();
    const texts = this.revisions.get(chapter)!;
    texts.push(texts[number - 1]!);
    return { revision: texts.length, chars: 0, changed: true };
  }

  async snapshot(_: string, chapter: string, label: string) {
    await this.#answer();
    this.labels.push({ number: this.now(chapter).revision, label });
  }

  async #answer(): Promise<void> {
    if (this.held) await new Promise<void>((go) => this.held!.push(go));
    const refusal = this.away ?? this.refusals.shift();
    if (refusal) throw refusal();
  }
}

export class FakeCopies implements Copies {
  kept = new Map<string, Copy>();
  gasped: Copy[] = [];
  async put(copy: Copy) {
    this.kept.set(`${copy.chapter} ${copy.tab}`, copy);
  }
  gasp(copy: Copy) {
    this.gasped.push(copy);
  }
  async drop(chapter: string, tab: string) {
    this.kept.delete(`${chapter} ${tab}`);
  }
  async list(chapter?: string) {
    const all = [...this.kept.values()].sort((a, b) => b.at - a.at);
    return all.filter((copy) => !chapter || copy.chapter === chapter);
  }
}

/** The tabs of one browser. */
export class FakeBrowser {
  living = new Set<string>();
  #listeners = new Map<string, ((told: Told) => void)[]>();
  #turns = new Map<string, Promise<unknown>>();

  tab(id: string): Tabs {
    this.living.add(id);
    this.#listeners.set(id, []);
    return {
      id,
      alone: async (name, work) => {
        const turn = (this.#turns.get(name) ?? Promise.resolve()).then(work, work);
        this.#turns.set(
          name,
          turn.catch(() => {}),
        );
        return turn;
      },
      living: async (ids) => new Set(ids.filter((one) => this.living.has(one))),
      tell: (told) => {
        for (const [other, heard] of this.#listeners)
          if (other !== id) for (const then of heard) then(told);
      },
      listen: (then) => {
        this.#listeners.get(id)!.push(then);
        return () => {};
      },
    };
  }
}

export function ports(server: FakeServer, copies: FakeCopies, tabs: Tabs): Ports {
  return { server, copies, tabs, otherName: () => "另一份", told: () => {}, saved: () => {} };
}
