/** The find bar's state: what is looked for, how many there are, where the author stands. */

import type { Node as Doc } from "@tiptap/pm/model";
import type { EditorView } from "@tiptap/pm/view";
import { composition } from "./composing";
import { findPlugin, linesOf, matches, replaced, show, stand, type Match } from "./find";
import { manuscript } from "./manuscript.svelte";
import type { Query } from "./pattern";
import { Seeker, TooSlow } from "./seeker";

const AGAIN_MS = 150;
/** A search that takes longer says that it is still going on. */
const TOLD_MS = 200;

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
  /** Why nothing was looked for to the end: it is no expression, or one that takes too long. */
  trouble = $state<"broken" | "slow" | null>(null);
  looking = $state(false);
  /** Grows each time the author asks for the bar: the field takes the focus. */
  asked = $state(0);
  #seeker = new Seeker();
  #matches: Match[] = [];
  /** The document that the matches are of. */
  #doc: Doc | null = null;
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
    void this.search();
  }

  /** Closes it; the author goes on at the match. */
  close(): void {
    clearTimeout(this.#timer);
    this.#seeker.rest();
    for (const off of this.#off.splice(0)) off();
    this.open = this.replacing = false;
    const match = this.#matches[this.at];
    const view = this.#view;
    if (!view) return;
    if (match) view.dispatch(stand(view.state.tr, match));
    view.focus();
  }

  /** Looks again; the match at or after the caret is the one that the author stands at. */
  async search(from = this.#view?.state.selection.from ?? 0): Promise<void> {
    if (!this.open || !(await this.#look())) return;
    const after = this.#matches.findIndex((match) => match.from >= from);
    this.#stand(after < 0 ? 0 : after);
  }

  /** The next match, or the one before; round at the ends. */
  step(by: 1 | -1): void {
    const n = this.#matches.length;
    if (n) this.#stand((this.at + by + n) % n);
  }

  /** Replaces the match that the author stands at and goes to the next. */
  async replace(): Promise<void> {
    const view = this.#view;
    if (!view?.editable || !(await this.#fresh())) return;
    const match = this.#matches[this.at];
    if (!match) return;
    const tr = replaced(view.state, [match], this.query, this.into);
    const after = tr.mapping.map(match.to, 1);
    view.dispatch(tr);
    await this.search(after);
  }

  /** Replaces all as one step of undo; how many. */
  async replaceAll(): Promise<number> {
    const view = this.#view;
    if (!view?.editable || !(await this.#look())) return 0;
    const n = this.#matches.length;
    if (n) view.dispatch(replaced(view.state, this.#matches, this.query, this.into));
    await this.search();
    return n;
  }

  /** Whether the matches are those of the text as it is. */
  async #fresh(): Promise<boolean> {
    if (this.#doc === this.#view?.state.doc) return true;
    await this.#keep();
    return this.#doc === this.#view?.state.doc;
  }

  /** Finds the matches of the text as it is; false where it came to nothing, because the text
   * or what is looked for changed meanwhile. */
  async #look(): Promise<boolean> {
    const doc = this.#view?.state.doc;
    if (!doc) return false;
    const telling = setTimeout(() => (this.looking = true), TOLD_MS);
    let trouble: typeof this.trouble = null;
    let found: Match[] = [];
    try {
      found = matches(doc, await this.#seeker.seek(linesOf(doc), this.query));
    } catch (error) {
      if (error instanceof SyntaxError) trouble = "broken";
      else if (error instanceof TooSlow) trouble = "slow";
      else if (error instanceof DOMException) return false;
      else throw error;
    } finally {
      clearTimeout(telling);
      this.looking = false;
    }
    if (!this.open || this.#view?.state.doc !== doc) return false;
    Object.assign(this, { trouble });
    this.#matches = found;
    this.#doc = doc;
    return true;
  }

  #stand(at: number): void {
    const view = this.#view;
    if (!view) return;
    this.count = this.#matches.length;
    this.at = this.count ? at : -1;
    const match = this.#matches[this.at];
    this.#draw();
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
    this.#timer = setTimeout(() => composition.settled(() => void this.#keep()), AGAIN_MS);
  }

  /** Looks again after the text was changed, without moving the author. */
  async #keep(): Promise<void> {
    // An expression that takes too long does so for the next letter too.
    if (!this.open || this.trouble || !(await this.#look())) return;
    this.count = this.#matches.length;
    this.at = Math.min(this.at, this.count - 1);
    this.#draw();
  }

  #draw(): void {
    composition.settled(() => {
      const view = this.#view;
      if (view && this.#doc === view.state.doc)
        view.dispatch(show(view.state.tr, this.#matches, this.at));
    });
  }
}

export const finder = new Finder();
