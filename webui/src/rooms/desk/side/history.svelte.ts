/** A chapter's revisions and what was written for it, page by page. */

import { http, ok, type Shapes } from "$/api/client";
import { before, type Revision } from "./sittings";

export type Generation = Shapes["GenerationOut"];
export type Taken = "not" | "accepted" | "all";

const PAGE = 30;
const GENERATIONS = 20;
/** Pages that are looked through for one that has something to show. */
const LOOKED = 5;

/** A list that is read a page at a time; what could not be read leaves what there is. */
class Paged<T> {
  rows = $state.raw<T[]>([]);
  more = $state(false);
  ready = $state(false);
  refused = $state<string | null>(null);
  #turn = 0;

  /** Reads the first page anew, or the next. */
  async read(page: (last: T | undefined) => Promise<{ rows: T[]; more: boolean }>, next = false) {
    const turn = ++this.#turn;
    try {
      const found = await page(next ? this.rows.at(-1) : undefined);
      if (turn !== this.#turn) return;
      const rows = next ? [...this.rows, ...found.rows] : found.rows;
      Object.assign(this, { rows, more: found.more, ready: true, refused: null });
    } catch (error) {
      if (turn === this.#turn) this.refused = (error as Error).message;
    }
  }

  clear(): void {
    this.#turn++;
    Object.assign(this, { rows: [], more: false, ready: false, refused: null });
  }
}

type Path = { work_id: string; chapter_id: string };

class History {
  kept = $state(false);
  taken = $state<Taken>("not");
  words = $state("");
  readonly revisions = new Paged<Revision>();
  readonly generations = new Paged<Generation>();
  #path: Path | null = null;
  #texts = new Map<string, Promise<string>>();

  open(work_id: string, chapter_id: string): void {
    if (this.#path?.chapter_id === chapter_id) return;
    this.#path = { work_id, chapter_id };
    this.#texts.clear();
    this.revisions.clear();
    this.generations.clear();
  }

  async readRevisions(next = false): Promise<void> {
    const path = this.#path;
    if (!path) return;
    await this.revisions.read(async (last) => {
      const query = {
        limit: PAGE,
        kept: this.kept,
        ...(this.kept ? {} : { view: "sittings" as const }),
        ...(last ? { before: before(last) + 1 } : {}),
      };
      const asked = http.GET("/api/works/{work_id}/chapters/{chapter_id}/revisions", {
        params: { path, query },
      });
      const rows = await ok(asked);
      return { rows, more: rows.length === PAGE };
    }, next);
  }

  async readGenerations(next = false): Promise<void> {
    const path = this.#path;
    if (!path) return;
    const { taken } = this;
    await this.generations.read(async (last) => {
      const rows: Generation[] = [];
      let after = last?.id;
      for (let looked = 0; looked < LOOKED; looked++) {
        const page = await this.#generations(path, after);
        rows.push(...page.filter(({ verdict }) => taken !== "not" || verdict !== "accepted"));
        after = page.at(-1)?.id;
        if (page.length < GENERATIONS) return { rows, more: false };
        if (rows.length >= GENERATIONS) break;
      }
      return { rows, more: true };
    }, next);
  }

  /** A revision's text, kept for as long as the chapter is open; "" of number 0. */
  text(number: number): Promise<string> {
    const path = this.#path;
    if (!path || number === 0) return Promise.resolve("");
    const key = `${path.chapter_id}.${number}`;
    const known = this.#texts.get(key);
    if (known) return known;
    const asked = ok(
      http.GET("/api/works/{work_id}/chapters/{chapter_id}/revisions/{number}", {
        params: { path: { ...path, number } },
      }),
    ).then(({ text }) => text);
    this.#texts.set(key, asked);
    asked.catch(() => this.#texts.delete(key));
    return asked;
  }

  /** Keeps a revision under a name, or names it anew. Throws Refusal. */
  async keep(number: number, label: string): Promise<void> {
    if (!this.#path) return;
    const body = { number, label, kind: "author" as const };
    const params = { path: this.#path };
    await ok(http.POST("/api/works/{work_id}/chapters/{chapter_id}/snapshots", { params, body }));
    await this.readRevisions();
  }

  async unkeep(number: number): Promise<void> {
    if (!this.#path) return;
    const params = { path: { ...this.#path, number } };
    const asked = http.DELETE("/api/works/{work_id}/chapters/{chapter_id}/snapshots/{number}", {
      params,
    });
    await ok(asked);
    await this.readRevisions();
  }

  #generations({ work_id, chapter_id }: Path, after: string | undefined): Promise<Generation[]> {
    const query = {
      chapter_id,
      limit: GENERATIONS,
      ...(this.taken === "accepted" ? { verdict: "accepted" as const } : {}),
      ...(this.words ? { q: this.words } : {}),
      ...(after ? { before: after } : {}),
    };
    return ok(
      http.GET("/api/works/{work_id}/generations", { params: { path: { work_id }, query } }),
    );
  }
}

export const history = new History();
