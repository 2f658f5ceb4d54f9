/** What went into a prompt and why: of the last generation, or of the next one.
 *
 * What a failed question leaves standing is the last good answer, marked as old.
 */

import { http, ok, type Shapes } from "$/api/client";
import { manuscript } from "$/editor/manuscript.svelte";
import { book } from "$/state/book.svelte";
import { attempts } from "../attempts.svelte";
import { wishes } from "../beat/wishes.svelte";
import { chosen, type Choice, type Prompt } from "./groups";

type Full = Shapes["GenerationFull"];

/** One prompt to be looked at. */
export interface Seen {
  prompt: Prompt;
  /** The generation that it was for; null for one that was not sent. */
  generation: string | null;
  kind: "continue" | "rewrite";
  at: string | null;
}

/** How long the author has to rest before the next prompt is looked at anew. */
const REST_MS = 2500;

export class Why {
  view = $state<"last" | "next">("last");
  next = $state.raw<Seen | null>(null);
  loading = $state(false);
  /** Why what is shown is old. */
  refused = $state<string | null>(null);
  /** Out of the log: the chapter's last, or the one that was chosen in the history. */
  #logged = $state.raw<Seen | null>(null);
  /** Which of the two is the newer: the log's, or the attempt's that is on the desk. */
  #byLog = $state(true);
  /** One was picked in the history; nothing newer takes its place by itself. */
  #picked = false;
  #chapter: string | null = null;
  #asked = "";
  #turn = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** The last generation's, or the one that was picked. */
  readonly last = $derived.by<Seen | null>(() => {
    const { prompt, generation } = attempts;
    if (this.#byLog || !prompt) return this.#logged;
    return { prompt, generation, kind: "continue", at: null };
  });
  readonly shown = $derived(this.view === "last" ? this.last : this.next);

  /** Begins anew with a chapter, and reads what was last written in it. */
  async open(work: string, chapter: string): Promise<void> {
    if (this.#chapter === chapter) return this.reread(work, chapter);
    this.#chapter = chapter;
    this.#asked = "";
    Object.assign(this, { next: null, refused: null, view: "last" });
    this.#logged = null;
    this.#picked = false;
    this.#byLog = true;
    await this.reread(work, chapter);
  }

  /** The chapter's last generation, which may be one that another part made. */
  async reread(work: string, chapter: string): Promise<void> {
    if (this.#picked || attempts.busy) return;
    await this.#try(async (here) => {
      const query = { chapter_id: chapter, limit: 1 };
      const params = { path: { work_id: work }, query };
      const [newest] = await ok(http.GET("/api/works/{work_id}/generations", { params }));
      if (!newest || newest.id === this.last?.generation) return;
      const full = await generation(work, newest.id);
      if (!here()) return;
      this.#logged = seen(full);
      this.#byLog = true;
    });
  }

  /** Shows one of the log. */
  pick(full: Full): void {
    this.#logged = seen(full);
    this.#picked = this.#byLog = true;
    this.view = "last";
    this.refused = null;
  }

  /** A new attempt began: it is what is asked about now. */
  began(): void {
    this.#picked = this.#byLog = false;
    this.view = "last";
    this.refused = null;
  }

  /** What would go in now; not asked again while nothing has changed. */
  async preview(force = false): Promise<void> {
    clearTimeout(this.#timer);
    const { work, chapter } = manuscript;
    this.view = "next";
    if (!work || !chapter || manuscript.composing) return;
    await this.#try(async (here) => {
      const revision = await manuscript.flush();
      const body = { ...wishes.wish(), offset: manuscript.caret(), revision };
      const asked = JSON.stringify([chapter, body, this.choice]);
      if (asked === this.#asked && !force) return;
      const path = { work_id: work, chapter_id: chapter };
      const prompt = await ok(
        http.POST("/api/works/{work_id}/chapters/{chapter_id}/context", {
          params: { path },
          body: body as Shapes["ContinueIn"],
        }),
      );
      if (!here() || chapter !== this.#chapter) return;
      this.next = { prompt, generation: null, kind: "continue", at: null };
      this.#asked = asked;
    });
  }

  /** The author moved or wrote: once they rest, the next prompt is looked at anew. */
  touched(): void {
    clearTimeout(this.#timer);
    if (this.view !== "next") return;
    this.#timer = setTimeout(() => {
      if (manuscript.composing || attempts.busy || document.hidden) this.touched();
      else void this.preview();
    }, REST_MS);
  }

  rest(): void {
    clearTimeout(this.#timer);
  }

  /** The author's lasting choices for this chapter. */
  get choice(): Choice {
    const { pinned = [], excluded = [] } = book.chapter(manuscript.chapter)?.context ?? {};
    return { pinned, excluded };
  }

  /** Pins an item, puts it aside, or (null) neither; it counts from the next prompt on. */
  async choose(id: string, as: keyof Choice | null): Promise<void> {
    const { chapter } = manuscript;
    if (!chapter) return;
    const context = chosen(this.choice, id, as);
    const took = await book.change(chapter, { context }, { context });
    if (took && this.view === "next") await this.preview();
  }

  /** Writes at the caret, or at the ghost, with these choices. */
  async again(): Promise<void> {
    await attempts.start({ ...this.choice });
  }

  /** Work that may fail, and may be overtaken. */
  async #try(work: (here: () => boolean) => Promise<void>): Promise<void> {
    const turn = ++this.#turn;
    const here = () => turn === this.#turn;
    this.loading = true;
    try {
      await work(here);
      if (here()) this.refused = null;
    } catch (error) {
      if (here()) this.refused = (error as Error).message;
    } finally {
      if (here()) this.loading = false;
    }
  }
}

export async function generation(work: string, id: string): Promise<Full> {
  const path = { work_id: work, generation_id: id };
  return ok(http.GET("/api/works/{work_id}/generations/{generation_id}", { params: { path } }));
}

function seen({ id, prompt, kind, created_at }: Full): Seen | null {
  // A generation that failed before its prompt was built has none.
  if (!("kept" in prompt)) return null;
  return { prompt: prompt as unknown as Prompt, generation: id, kind, at: created_at };
}

export const why = new Why();
