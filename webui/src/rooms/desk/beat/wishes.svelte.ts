/** How the author wants it written: remembered with the work, the beat with its chapter. */

import { http, ok } from "$/api/client";
import { book } from "$/state/book.svelte";
import { toasts } from "$/state/toasts.svelte";
import type { Wish } from "./attempt.svelte";

/** What `work.defaults.continuation` holds. */
export interface Habits {
  /** Characters. */
  length: number;
  adapter: string | null;
  temperature: number;
  candidates: number;
  /** Whose eyes: a character's id. */
  viewpoint: string | null;
}

export const LENGTHS = [100, 300, 800] as const;
export const LONGEST = 20_000;
const USUAL: Habits = {
  length: 300,
  adapter: null,
  temperature: 0.8,
  candidates: 1,
  viewpoint: null,
};
const SAVE_MS = 600;

export class Wishes {
  habits = $state<Habits>({ ...USUAL });
  beat = $state("");
  /** What was last asked for, so that it can be asked for again. */
  lastBeat = "";
  /** Adapters that the engine has loaded. */
  adapters = $state.raw<string[]>([]);
  #work: string | null = null;
  #chapter: string | null = null;
  #save: (() => void) | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Takes up what a work remembers. */
  open(work: string, defaults: Record<string, unknown>): void {
    if (this.#work === work) return;
    this.saveNow();
    this.#work = work;
    this.habits = known(defaults.continuation);
  }

  /** Takes up the beat that was left standing for a chapter. */
  turnTo(chapter: string | null): void {
    this.#chapter = chapter;
    this.beat = (chapter && sessionStorage.getItem(beatKey(chapter))) ?? "";
  }

  setBeat(beat: string): void {
    this.beat = beat;
    if (this.#chapter) sessionStorage.setItem(beatKey(this.#chapter), beat);
  }

  /** The beat has happened; the next passage has its own. */
  happened(): void {
    if (this.beat) this.lastBeat = this.beat;
    this.setBeat("");
  }

  change(habits: Partial<Habits>): void {
    Object.assign(this.habits, habits);
    const work = this.#work;
    if (!work) return;
    clearTimeout(this.#timer);
    const now = { ...$state.snapshot(this.habits) };
    this.#save = () => void remember(work, now).catch((error) => toasts.error(error));
    this.#timer = setTimeout(() => this.saveNow(), SAVE_MS);
  }

  saveNow(): void {
    clearTimeout(this.#timer);
    this.#save?.();
    this.#save = null;
  }

  /** Asks which adapters can be chosen; keeps the last answer where there is none. */
  async refresh(): Promise<void> {
    const adapters = await ok(http.GET("/api/adapters")).catch(() => null);
    if (adapters) this.adapters = adapters.map(({ name }) => name);
  }

  /** The body of a request, but for its place. */
  wish(): Wish {
    const { length, adapter, temperature, candidates, viewpoint } = this.habits;
    const beat = this.beat.trim();
    return { beat, length, adapter, candidates, viewpoint, sampling: { temperature } } as Wish;
  }
}

async function remember(work: string, continuation: Habits): Promise<void> {
  const open = book.work?.id === work ? book.work : null;
  const path = { params: { path: { work_id: work } } };
  const { defaults } = open ?? (await ok(http.GET("/api/works/{work_id}", path)));
  const body = { defaults: { ...defaults, continuation } };
  const saved = await ok(http.PATCH("/api/works/{work_id}", { ...path, body }));
  if (book.work?.id === work) book.work.defaults = saved.defaults;
}

/** What was remembered, as far as it makes sense. */
export function known(told: unknown): Habits {
  const found = (typeof told === "object" && told !== null ? told : {}) as Partial<Habits>;
  const named = (name: unknown) => (typeof name === "string" ? name : null);
  return {
    length: clamped(found.length, 1, LONGEST, USUAL.length),
    adapter: named(found.adapter),
    temperature: clamped(found.temperature, 0, 2, USUAL.temperature),
    candidates: clamped(found.candidates, 1, 4, USUAL.candidates),
    viewpoint: named(found.viewpoint),
  };
}

function clamped(n: unknown, least: number, most: number, usual: number): number {
  return typeof n === "number" && Number.isFinite(n) ? Math.min(most, Math.max(least, n)) : usual;
}

function beatKey(chapter: string): string {
  return `yanchi.beat.${chapter}`;
}

export const wishes = new Wishes();
