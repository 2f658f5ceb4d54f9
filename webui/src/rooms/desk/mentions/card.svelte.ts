/** The card of a name in the text: opened by the pointer at rest, a key or a long press. */

import { mentionAt, mentionBefore, type Marked } from "$/editor/mentions";
import type { EditorView } from "@tiptap/pm/view";

export interface Card {
  ids: readonly string[];
  /** The ProseMirror positions of the name. */
  from: number;
  to: number;
  /** What opened it. Only a key gives it the focus, and only a pointer takes it away by leaving. */
  by: "pointer" | "key" | "touch";
}

const REST_MS = 250;
/** Sooner than the browser selects the word, which ends the press. */
const PRESS_MS = 400;
/** How long a pointer may be between the name and its card. */
const LEAVE_MS = 180;

export class Cards {
  open = $state.raw<Card | null>(null);
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Watches a view's names; the returned function stops it. */
  watch(view: EditorView): () => void {
    const { dom } = view;
    const over = (event: PointerEvent) => {
      const name = nameOf(event);
      if (event.pointerType === "touch" || event.buttons > 0) return;
      if (name) this.#soon(REST_MS, () => this.#show(view, at(view, name), "pointer"));
      else this.left();
    };
    const down = (event: PointerEvent) => {
      const name = nameOf(event);
      this.close();
      if (name && event.pointerType === "touch")
        this.#soon(PRESS_MS, () => this.#show(view, at(view, name), "touch"));
    };
    const lifted = (event: PointerEvent) => {
      if (event.pointerType === "touch") clearTimeout(this.#timer);
    };
    const typed = () => this.close();
    dom.addEventListener("pointerover", over);
    dom.addEventListener("pointerleave", this.left);
    dom.addEventListener("pointerdown", down);
    dom.addEventListener("pointerup", lifted);
    dom.addEventListener("pointercancel", lifted);
    dom.addEventListener("beforeinput", typed);
    const scroller = dom.closest(".scroll");
    const scrolled = () => this.open && this.close();
    scroller?.addEventListener("scroll", scrolled, { passive: true });
    return () => {
      this.close();
      dom.removeEventListener("pointerover", over);
      dom.removeEventListener("pointerleave", this.left);
      dom.removeEventListener("pointerdown", down);
      dom.removeEventListener("pointerup", lifted);
      dom.removeEventListener("pointercancel", lifted);
      dom.removeEventListener("beforeinput", typed);
      scroller?.removeEventListener("scroll", scrolled);
    };
  }

  /** Shows who is named where the caret stands, or last before it; false where nobody is. */
  atCaret(view: EditorView): boolean {
    const found = mentionBefore(view.state, view.state.selection.head);
    if (found) this.#show(view, found, "key");
    return found !== null;
  }

  /** The pointer went off the name, maybe to the card. */
  readonly left = () => {
    if (this.open?.by === "pointer") this.#soon(LEAVE_MS, () => this.close());
    else if (!this.open) clearTimeout(this.#timer);
  };

  /** The pointer is on the card, which stays. */
  readonly reached = () => clearTimeout(this.#timer);

  close(): void {
    clearTimeout(this.#timer);
    this.open = null;
  }

  #show(view: EditorView, found: Marked | null, by: Card["by"]): void {
    if (!found || view.composing || view.isDestroyed) return;
    if (this.open?.from === found.from && this.open.by === by) return;
    this.open = { ...found, by };
  }

  #soon(ms: number, then: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(then, ms);
  }
}

function nameOf(event: Event): Element | null {
  return event.target instanceof Element ? event.target.closest(".mention") : null;
}

function at(view: EditorView, name: Element): Marked | null {
  return name.isConnected ? mentionAt(view.state, view.posAtDOM(name, 0)) : null;
}

export const cards = new Cards();
