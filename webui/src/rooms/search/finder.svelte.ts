/** One search after the other: asked a moment after the last key, the one before given up. */

import { http, ok, type Shapes } from "$/api/client";
import { book, type Character } from "$/state/book.svelte";
import { stored } from "$/state/stored.svelte";
import { commandRows } from "./commands";
import {
  chapterRows,
  characterRows,
  exactRows,
  loreRows,
  passageRows,
  recentRows,
  tellingRows,
  type Exact,
  type Lore,
  type Row,
  type Told,
} from "./rows";

const PAUSE_MS = 160;
const MOST = 20;
const RECENT = 8;

export type Mode = "free" | "exact";

/** What is searched besides the text, read once for each work. */
interface Known {
  chapters: Told[];
  characters: Character[];
  lore: Lore[];
}

export const kept = stored<{ mode: Mode; recent: string[] }>("yanchi.search", {
  mode: "free",
  recent: [],
});

export class Finder {
  work = $state<string | null>(null);
  query = $state("");
  searching = $state(false);
  error = $state<string | null>(null);
  /** The query that the results below answer. */
  answered = $state("");
  notice = $state<string | null>(null);
  #known = $state.raw<Known>({ chapters: [], characters: [], lore: [] });
  #found = $state.raw<Shapes["SearchOut"] | null>(null);
  #exact = $state.raw<Exact[] | null>(null);
  #open = $state.raw<ReadonlySet<string>>(new Set());
  #asking: AbortController | null = null;

  readonly commanding = $derived(/^[>》]/.test(this.query));
  readonly rows = $derived.by<Row[]>(() => this.#rows());
  /** How often the exact words stand in the book. */
  readonly hits = $derived((this.#exact ?? []).reduce((sum, one) => sum + one.count, 0));
  readonly chapters = $derived(this.#exact?.length ?? 0);

  /** Reads what is known of `work` by name. */
  async open(work: string): Promise<void> {
    this.work = work;
    const known = await know(work).catch(() => null);
    if (this.work === work && known) this.#known = known;
  }

  /** Searches a moment from now, or not at all where something else is typed before. */
  ask(): void {
    this.#asking?.abort();
    const asking = (this.#asking = new AbortController());
    this.error = null;
    const query = this.query.trim();
    if (!this.work || !query || this.commanding) {
      Object.assign(this, { searching: false, answered: "" });
      this.#found = this.#exact = null;
      return;
    }
    this.searching = true;
    setTimeout(() => asking.signal.aborted || void this.#ask(query, asking.signal), PAUSE_MS);
  }

  /** Counts as searched for: an author went to something it found. */
  remember(): void {
    const query = this.query.trim();
    if (!query || this.commanding) return;
    kept.recent = [query, ...kept.recent.filter((past) => past !== query)].slice(0, RECENT);
  }

  stop(): void {
    this.#asking?.abort();
  }

  async #ask(query: string, signal: AbortSignal): Promise<void> {
    const work = this.work!;
    try {
      if (kept.mode === "exact") {
        this.#exact = await exactly(work, query, signal);
        this.#open = new Set();
      } else {
        this.#found = await freely(work, query, signal);
        this.notice = this.#found.notice ?? null;
      }
      this.answered = query;
      this.searching = false;
    } catch (error) {
      if (signal.aborted) return;
      this.searching = false;
      this.error = error instanceof Error ? error.message : String(error);
    }
  }

  /** Every place of one chapter. */
  async #more(chapter: string): Promise<void> {
    const { signal } = this.#asking ?? new AbortController();
    try {
      const [all] = await exactly(this.work!, this.answered, signal, [chapter]);
      if (all)
        this.#exact = (this.#exact ?? []).map((one) => (one.chapter_id === chapter ? all : one));
      this.#open = new Set([...this.#open, chapter]);
    } catch (error) {
      if (!signal.aborted) this.error = error instanceof Error ? error.message : String(error);
    }
  }

  #rows(): Row[] {
    if (this.commanding) return commandRows(this.query.slice(1));
    const query = this.query.trim();
    if (!query) return recentRows(kept.recent, (past) => ((this.query = past), this.ask()));
    if (!this.work) return [];
    if (kept.mode === "exact") {
      return exactRows(
        this.work,
        this.#exact ?? [],
        this.#open,
        (chapter) => void this.#more(chapter),
      );
    }
    const { chapters, characters, lore } = this.#known;
    const places = this.answered === query ? (this.#found?.chapters ?? []) : [];
    return [
      ...chapterRows(this.work, query, chapters),
      ...characterRows(this.work, query, characters),
      ...loreRows(this.work, query, lore),
      // The passages of the query before stay in sight until the next ones are there.
      ...passageRows(this.work, query, this.#found?.passages ?? [], chapters),
      ...tellingRows(
        this.work,
        query,
        chapters,
        places.map((told) => told.chapter),
      ),
    ];
  }
}

async function know(work: string): Promise<Known> {
  const params = { params: { path: { work_id: work } } };
  const open = book.id === work && book.work !== null;
  const [chapters, characters, lore] = await Promise.all([
    open ? book.chapters : ok(http.GET("/api/works/{work_id}/chapters", params)),
    open ? book.characters : ok(http.GET("/api/works/{work_id}/characters", params)),
    loreOf(work),
  ]);
  return { chapters, characters, lore };
}

async function loreOf(work: string): Promise<Lore[]> {
  const path = { work_id: work };
  const books = await ok(http.GET("/api/works/{work_id}/lorebooks", { params: { path } }));
  const entries = books.map(({ id }) =>
    ok(
      http.GET("/api/works/{work_id}/lorebooks/{book_id}/entries", {
        params: { path: { ...path, book_id: id } },
      }),
    ),
  );
  return (await Promise.all(entries)).flat();
}

function freely(work: string, q: string, signal: AbortSignal): Promise<Shapes["SearchOut"]> {
  const params = { path: { work_id: work }, query: { q, top: MOST } };
  return ok(http.GET("/api/works/{work_id}/search", { params, signal }));
}

/** Every place that says exactly this, by the preview of replacing it. */
async function exactly(
  work: string,
  find: string,
  signal: AbortSignal,
  chapters: string[] | null = null,
): Promise<Exact[]> {
  const params = { path: { work_id: work } };
  const body = { find, replace: "", regex: false, case: true, chapters, preview: true };
  const path = "/api/works/{work_id}/replace";
  return (await ok(http.POST(path, { params, body, signal }))).chapters;
}
