/** The works on the shelf, and what the author does with them. */

import { http, ok, type Shapes } from "$/api/client";
import { book, type Work } from "$/state/book.svelte";
import { stored } from "$/state/stored.svelte";
import { toasts } from "$/state/toasts.svelte";
import { c } from "$/words/common";
import { formats } from "../settings/exports";
import { inSight, type Sort } from "./sorting";
import { t } from "./words";

class Shelf {
  works = $state.raw<Work[] | null>(null);
  error = $state<string | null>(null);
  /** What a work can be taken out as, the whole project first. */
  formats = $state.raw<string[]>([]);
  /** How many lie in the bin; read with an empty shelf only. */
  binned = $state(0);
  /** How the shelf is looked at, and who wrote the last new work. */
  view = stored<{ sort: Sort; author: string }>("yanchi.shelf", { sort: "recent", author: "" });
  readonly sorted: Work[] = $derived(inSight(this.works ?? [], this.view.sort));
  readonly today: number = $derived(sum(this.works, (work) => work.today));
  readonly goal: number = $derived(sum(this.works, (work) => work.goal));
  /** What is still to be written today, in the works that have a goal. */
  readonly left: number = $derived(sum(this.works, (work) => Math.max(0, work.goal - work.today)));

  async read(): Promise<void> {
    if (!this.formats.length) void formats().then((found) => (this.formats = found));
    try {
      this.works = await ok(http.GET("/api/works"));
      this.error = null;
      if (!this.works.length) this.binned = (await this.inBin()).length;
    } catch (error) {
      this.error = error instanceof Error ? error.message : String(error);
    }
  }

  inBin(): Promise<Work[]> {
    return ok(http.GET("/api/works", { params: { query: { bin: true } } }));
  }

  /** Throws Refusal. */
  async create(wanted: Omit<Shapes["WorkNew"], "style">): Promise<Work> {
    const made = await ok(http.POST("/api/works", { body: { style: "", ...wanted } }));
    this.works = [made, ...(this.works ?? [])];
    return made;
  }

  /** Throws Refusal. */
  async change(id: string, body: Shapes["WorkChange"]): Promise<void> {
    const params = { path: { work_id: id } };
    const changed = await ok(http.PATCH("/api/works/{work_id}", { params, body }));
    this.works = (this.works ?? []).map((work) => (work.id === id ? changed : work));
    if (book.id === id) await book.refresh();
  }

  /** Off the shelf at once, into the bin, with the way back. */
  async bin(work: Work): Promise<void> {
    const before = this.works;
    this.works = (this.works ?? []).filter((one) => one !== work);
    const params = { path: { work_id: work.id } };
    try {
      await ok(http.DELETE("/api/works/{work_id}", { params }));
    } catch (error) {
      this.works = before;
      toasts.error(error);
      return;
    }
    const back = { label: c.undo, run: () => void this.restore(work.id) };
    toasts.show({ kind: "told", sentence: t.binned(work.title), action: back }, 12_000);
    await this.read();
  }

  async restore(id: string): Promise<boolean> {
    const params = { path: { work_id: id } };
    const back = await this.#told(() => http.POST("/api/works/{work_id}/restore", { params }));
    await this.read();
    return back;
  }

  forever(id: string): Promise<boolean> {
    const params = { path: { work_id: id }, query: { forever: true } };
    return this.#told(() => http.DELETE("/api/works/{work_id}", { params }));
  }

  /** Leaves the file to the browser, which tells of its own progress. */
  download(work: Work, format: string): void {
    const address = `/api/works/${work.id}/export?format=${format}`;
    const link = document.createElement("a");
    Object.assign(link, { href: address, download: `${work.title}.${format}` });
    link.click();
  }

  /** The sample novel, on the shelf anew; null where the server would not. */
  async sample(): Promise<Work | null> {
    try {
      const made = await ok(http.POST("/api/works/sample"));
      this.works = [made, ...(this.works ?? [])];
      return made;
    } catch (error) {
      toasts.error(error);
      return null;
    }
  }

  async #told(ask: () => Parameters<typeof ok>[0]): Promise<boolean> {
    try {
      await ok(ask());
      return true;
    } catch (error) {
      toasts.error(error);
      return false;
    }
  }
}

function sum(works: Work[] | null, of: (work: Work) => number): number {
  return (works ?? []).reduce((all, work) => all + of(work), 0);
}

export const shelf = new Shelf();
