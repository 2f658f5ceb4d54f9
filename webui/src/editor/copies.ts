/** Crash copies: what was typed and is not on the server yet, kept in this browser.
 *
 * Each tab has its own copy of a chapter, so that two never write over each other. A copy goes
 * away only when the server has that very text, or another copy of the same tab takes its place.
 */

import { openDB, type DBSchema, type IDBPDatabase } from "idb";
import type { Wish } from "./server";

export interface Copy {
  work: string;
  chapter: string;
  tab: string;
  text: string;
  /** The revision that the text was made from. */
  base: number;
  /** Milliseconds since 1970. */
  at: number;
  wish: Wish;
}

export interface Copies {
  put(copy: Copy): Promise<void>;
  /** Keeps a copy at once, for a page that may be gone in a moment. */
  gasp(copy: Copy): void;
  drop(chapter: string, tab: string): Promise<void>;
  /** Newest first; those of one chapter, or all. */
  list(chapter?: string): Promise<Copy[]>;
}

interface Tables extends DBSchema {
  copies: { key: [string, string]; value: Copy; indexes: { chapter: string } };
}

const GASP = "yanchi.gasp.";
const gaspOf = (chapter: string, tab: string) => `${GASP}${chapter}.${tab}`;

export function browserCopies(): Copies {
  let opened: Promise<IDBPDatabase<Tables>> | null = null;
  const open = () =>
    (opened ??= openDB<Tables>("yanchi-copies", 1, {
      upgrade: (db) =>
        void db
          .createObjectStore("copies", { keyPath: ["chapter", "tab"] })
          .createIndex("chapter", "chapter"),
    }));
  return {
    async put(copy) {
      try {
        await (await open()).put("copies", copy);
        forget(copy.chapter, copy.tab);
      } catch {
        gasp(copy); // a browser that keeps no database may still keep this
      }
    },
    gasp,
    async drop(chapter, tab) {
      forget(chapter, tab);
      await (await open()).delete("copies", [chapter, tab]).catch(() => {});
    },
    async list(chapter) {
      const db = await open().catch(() => null);
      const kept = chapter
        ? await db?.getAllFromIndex("copies", "chapter", chapter)
        : await db?.getAll("copies");
      return newest([...(kept ?? []), ...gasps(chapter)]);
    },
  };
}

/** One copy for each chapter and tab, the newest of all first. */
function newest(copies: Copy[]): Copy[] {
  const latest = new Map<string, Copy>();
  for (const copy of copies.sort((a, b) => a.at - b.at)) {
    latest.set(gaspOf(copy.chapter, copy.tab), copy);
  }
  return [...latest.values()].sort((a, b) => b.at - a.at);
}

function gasp(copy: Copy): void {
  try {
    localStorage.setItem(gaspOf(copy.chapter, copy.tab), JSON.stringify(copy));
  } catch {
    // No room left: the database's copy is at most 300 ms older.
  }
}

function forget(chapter: string, tab: string): void {
  localStorage.removeItem(gaspOf(chapter, tab));
}

function gasps(chapter?: string): Copy[] {
  const found: Copy[] = [];
  for (let i = 0; i < localStorage.length; i++) {
    const name = localStorage.key(i) ?? "";
    if (!name.startsWith(chapter ? `${GASP}${chapter}.` : GASP)) continue;
    try {
      found.push(JSON.parse(localStorage.getItem(name) ?? "") as Copy);
    } catch {
      // not ours
    }
  }
  return found;
}
