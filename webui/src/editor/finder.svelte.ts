/** The find bar's state: what is looked for, how many there are, where the author stands. */

import type { EditorView } from "@tiptap/pm/view";
import { composition } from "./composing";
import { compile, findPlugin, replaced, search, show, stand, type Match, type Query } from "./find";
import { manuscript } from "./manuscript.svelte";

const AGAIN_MS = 150;

class Finder {
  open = $state(false);
  replacing = $state(false);
  text = $state("");
  into = $state("");
  regex = $state(false);
  exact = $state(false);
  count = $state(0);
  /** Index of the match that the author stands at; -1 for none. */
  at = $state(-1);
  /** The expression is not one. */
  broken = $state(false);
  /** Grows each time the author asks for the bar: the field takes the focus. */
  asked = $state(0);
  #matches: Match[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #off: (() => void)[] = [];

  get query(): Query {
    return { text: this.text, regex: this.regex, exact: this.exact };
  }

  get #view(): EditorView | undefined {
    const { editor } = manuscript;
    return editor && !editor.isDestroyed ? editor.view : undefined;
  }

  /** Opens the bar, with what is selected as the text to look for. */
  show(replacing: boolean): void {
    const view = this.#view;
    if (!view) return;
    if (!this.open) {
      this.#off = [manuscript.addPlugin(findPlugin()), manuscript.onChange(() => this.#again())];
    }
    this.asked++;
    this.open = true;
    this.replacing ||= replacing;
    const { selection, doc } = view.state;
    const chosen = doc.textBetween(selection.from, selection.to, "\n");
    if (chosen && !chosen.includes("\n")) this.text = chosen;
    this.search();
  }

  /** Closes it; the author goes on at the match. */
  close(): void {
    clearTimeout(this.#timer);
    for (const off of this.#off.splice(0)) off();
    this.open = this.replacing = false;
    const match = this.#matches[this.at];
    const view = this.#view;
    if (!view) return;
    if (match) view.dispatch(stand(view.state.tr, match));
    view.focus();
  }

  /** Looks again; the match at or after the caret is the one that the author stands at. */
  search(from = this.#view?.state.selection.from ?? 0): void {
    const view = this.#view;
    if (!this.open || !view) return;
    let pattern: RegExp | null = null;
    this.broken = false;
    try {
      pattern = compile(this.query);
    } catch {
      this.broken = true;
    }
    this.#matches = pattern ? search(view.state.doc, pattern) : [];
    const after = this.#matches.findIndex((match) => match.from >= from);
    this.#stand(after < 0 ? 0 : after);
  }

  /** The next match, or the one before; round at the ends. */
  step(by: 1 | -1): void {
    const n = this.#matches.length;
    if (n) this.#stand((this.at + by + n) % n);
  }

  /** Replaces the match that the author stands at and goes to the next. */
  replace(): void {
    const match = this.#matches[this.at];
    const view = this.#view;
    if (!match || !view?.editable) return;
    const tr = replaced(view.state, [match], this.query, this.into);
    const after = tr.mapping.map(match.to, 1);
    view.dispatch(tr);
    this.search(after);
  }

  /** Replaces all as one step of undo; how many. */
  replaceAll(): number {
    const view = this.#view;
    if (!view?.editable) return 0;
    this.search();
    const n = this.#matches.length;
    if (n) view.dispatch(replaced(view.state, this.#matches, this.query, this.into));
    this.search();
    return n;
  }

  #stand(at: number): void {
    const view = this.#view;
    if (!view) return;
    this.count = this.#matches.length;
    this.at = this.count ? at : -1;
    const match = this.#matches[this.at];
    composition.settled(() => view.dispatch(show(view.state.tr, this.#matches, this.at)));
    if (match) this.#reveal(view, match);
  }

  #reveal(view: EditorView, match: Match): void {
    const scroller = view.dom.closest<HTMLElement>(".scroll");
    if (!scroller) return;
    const box = scroller.getBoundingClientRect();
    const { top, bottom } = view.coordsAtPos(match.from);
    // Under the bar or out of sight: to a third of the height.
    if (top < box.top + 110 || bottom > box.bottom - 24) {
      scroller.scrollTop += top - box.top - box.height / 3;
    }
  }

  #again(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => composition.settled(() => this.#keep()), AGAIN_MS);
  }

  /** Looks again after the text was changed, without moving the author. */
  #keep(): void {
    const view = this.#view;
    if (!this.open || !view || this.broken) return;
    const pattern = compile(this.query);
    this.#matches = pattern ? search(view.state.doc, pattern) : [];
    this.count = this.#matches.length;
    this.at = Math.min(this.at, this.count - 1);
    view.dispatch(show(view.state.tr, this.#matches, this.at));
  }
}

export const finder = new Finder();
