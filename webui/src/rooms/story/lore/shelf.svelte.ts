/** Which book of lore is open, and what of it the last continuation used. */

import type { Shapes } from "$/api/client";
import { book } from "$/state/book.svelte";
import { ask, of } from "../ask";
import { books, entries, type Entry } from "../stores";

class Shelf {
  /** The open book's id. */
  id = $state<string | null>(null);
  /** Why an entry stood in the last continuation, by the entry's id. */
  fired = $state.raw<ReadonlyMap<string, string>>(new Map());

  async open(work: string): Promise<void> {
    await books.open(of(work, "lorebooks"));
    if (!books.get(this.id)) this.choose(work, books.list[0]?.id ?? null);
    await this.refire(work);
  }

  choose(work: string, id: string | null): void {
    this.id = id;
    if (id) void entries.open(of(work, "lorebooks", id, "entries"));
  }

  /** Opens the book that has an entry; where none has it nothing happens. */
  async find(work: string, entry: string): Promise<void> {
    if (entries.get(entry)) return;
    for (const one of books.list) {
      const url = of(work, "lorebooks", one.id, "entries", entry);
      const found = await ask<Entry>("get", url).catch(() => null);
      if (found) return this.choose(work, one.id);
    }
  }

  /** The chapter last written in. */
  get chapter(): string | null {
    const last = localStorage.getItem(`yanchi.last.${book.id}`);
    return (book.chapter(last) ?? book.chapters.at(-1))?.id ?? null;
  }

  async refire(work: string): Promise<void> {
    if (!this.chapter) return;
    const url = `${of(work, "lore", "fired")}?chapter_id=${this.chapter}`;
    const rows = await ask<Shapes["FiredOut"][]>("get", url).catch(() => []);
    this.fired = new Map(rows.map((row) => [row.entry_id, row.why]));
  }
}

export const shelf = new Shelf();
