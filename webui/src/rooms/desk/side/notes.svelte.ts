/** A chapter's notes on their way to the server; a draft stays in this browser until they are there. */

import { http, ok, Refusal } from "$/api/client";
import { book } from "$/state/book.svelte";
import { engine } from "$/state/engine.svelte";

const IDLE_MS = 800;
const draftOf = (chapter: string) => `yanchi.notes.${chapter}`;

class Notes {
  text = $state("");
  /** Why they are not saved. */
  refused = $state<string | null>(null);
  #place: { work: string; chapter: string } | null = null;
  #dirty = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    engine.onBack(() => void this.flush());
  }

  /** Shows a chapter's notes, or what was typed of them and not saved. */
  open(work: string, chapter: string, saved: string): void {
    if (this.#place?.chapter === chapter) return;
    void this.flush();
    const draft = localStorage.getItem(draftOf(chapter));
    this.#place = { work, chapter };
    this.text = draft ?? saved;
    this.refused = null;
    this.#dirty = draft !== null && draft !== saved;
    if (this.#dirty) void this.flush();
  }

  typed(text: string): void {
    if (!this.#place) return;
    this.text = text;
    this.#dirty = true;
    localStorage.setItem(draftOf(this.#place.chapter), text);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.flush(), IDLE_MS);
  }

  /** Saves what is not saved. A refusal is told, and the draft stays. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    if (!this.#dirty || !this.#place) return;
    const { work, chapter } = this.#place;
    const body = { notes: this.text };
    const path = { work_id: work, chapter_id: chapter };
    this.#dirty = false;
    try {
      const asked = http.PATCH("/api/works/{work_id}/chapters/{chapter_id}", {
        params: { path },
        body,
      });
      book.changed(await ok(asked));
      if (localStorage.getItem(draftOf(chapter)) === body.notes) {
        localStorage.removeItem(draftOf(chapter));
      }
      if (this.#place?.chapter === chapter) this.refused = null;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (this.#place?.chapter !== chapter) return; // its draft is found when it is opened again
      this.#dirty = true;
      this.refused = error.message;
    }
  }
}

export const notes = new Notes();
