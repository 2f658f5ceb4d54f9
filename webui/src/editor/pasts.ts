/** What can be undone in the chapters that the author was in lately. */

import type { EditorState, Plugin } from "@tiptap/pm/state";
import { toText } from "./schema";

const KEPT = 5;
/** The name under which ProseMirror's history keeps its state. */
const HISTORY = "history$";

export class Pasts {
  #kept = new Map<string, EditorState>();

  /** Keeps a chapter's text with its past, and nothing of what else is drawn in it. */
  keep(chapter: string, state: EditorState): void {
    this.#kept.delete(chapter);
    this.#kept.set(chapter, state.reconfigure({ plugins: past(state.plugins) }));
    if (this.#kept.size > KEPT) this.#kept.delete(this.#kept.keys().next().value!);
  }

  /** The chapter as it was left, if `text` is still what stands in it. */
  back(chapter: string, text: string, plugins: readonly Plugin[]): EditorState | null {
    const kept = this.#kept.get(chapter);
    if (!kept || toText(kept.doc) !== text) return null;
    return kept.reconfigure({ plugins });
  }

  /** Another editor has another schema: nothing can be taken over. */
  forget(): void {
    this.#kept.clear();
  }
}

function past(plugins: readonly Plugin[]): Plugin[] {
  return plugins.filter((plugin) => (plugin as unknown as { key: string }).key === HISTORY);
}
