/** The recaps of the open book, asked for again while somebody is at work on them. */

import type { Shapes } from "$/api/client";
import { toasts } from "$/state/toasts.svelte";
import { ask, of } from "../ask";

export type Recap = Shapes["RecapOut"];
type Told = Shapes["RecapsOut"];

const POLL_MS = 2000;
const draftOf = (work: string, key: string) => `yanchi.recap.${work}.${key}`;

/** The address of a recap in the page: a chapter and a volume may have the same id. */
export function keyOf({ level, target_id }: { level: string; target_id: string }): string {
  return `${level}-${target_id}`;
}

/** The book first, then every part with its chapters under it. */
export function asTree(recaps: readonly Recap[]): { recap: Recap; depth: number }[] {
  const parts = recaps.filter(({ level }) => level === "volume");
  const chapters = recaps.filter(({ level }) => level === "chapter");
  const known = new Set(parts.map(({ target_id }) => target_id));
  const under = (part: string) =>
    chapters.filter(({ part_id }) => part_id === part).map((recap) => ({ recap, depth: 2 }));
  return [
    ...recaps.filter(({ level }) => level === "book").map((recap) => ({ recap, depth: 0 })),
    ...parts.flatMap((recap) => [{ recap, depth: 1 }, ...under(recap.target_id)]),
    ...chapters.filter(({ part_id }) => !known.has(part_id)).map((recap) => ({ recap, depth: 1 })),
  ];
}

class Recaps {
  told = $state.raw<Told | null>(null);
  error = $state<string | null>(null);
  #work = "";
  #watched = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  get working(): boolean {
    const { progress, recaps = [] } = this.told ?? {};
    return (
      (progress?.waiting_for_model ?? 0) > 0 ||
      (progress !== undefined && progress.fresh < progress.total) ||
      recaps.some(({ telling }) => telling)
    );
  }

  /** Reads them now and while they change, until the returned function is called. */
  watch(work: string): () => void {
    if (this.#work !== work) this.told = null;
    this.#work = work;
    this.#watched = true;
    void this.read();
    return () => {
      this.#watched = false;
      clearTimeout(this.#timer);
    };
  }

  async read(): Promise<void> {
    await this.#take(ask<Told>("get", of(this.#work, "recaps")), false);
    clearTimeout(this.#timer);
    // Stale ones of a program that is off would wait for ever.
    if (this.#watched && this.working && this.told?.mode !== "off")
      this.#timer = setTimeout(() => void this.read(), POLL_MS);
  }

  async refresh(model: boolean, recap?: Recap): Promise<void> {
    const one = recap ? { level: recap.level, target_id: recap.target_id } : {};
    if (await this.#take(ask("post", of(this.#work, "recaps", "refresh"), { model, ...one })))
      await this.read();
  }

  async write({ level, target_id }: Recap, text: string): Promise<boolean> {
    return this.#take(ask("put", of(this.#work, "recaps", level, target_id), { text }));
  }

  async giveBack({ level, target_id }: { level: string; target_id: string }): Promise<void> {
    try {
      await ask("delete", of(this.#work, "recaps", level, target_id));
    } catch (error) {
      toasts.error(error);
    }
    await this.read();
  }

  /** What the author typed and has not kept; it outlives the page. */
  draft(recap: Recap): string | null {
    return localStorage.getItem(draftOf(this.#work, keyOf(recap)));
  }
  keepDraft(recap: Recap, text: string | null): void {
    const name = draftOf(this.#work, keyOf(recap));
    if (text === null) localStorage.removeItem(name);
    else localStorage.setItem(name, text);
  }

  async #take(asked: Promise<Told>, loud = true): Promise<boolean> {
    try {
      this.told = await asked;
      this.error = null;
      return true;
    } catch (error) {
      this.error = error instanceof Error ? error.message : String(error);
      if (loud) toasts.error(error);
      return false;
    }
  }
}

export const recaps = new Recaps();
