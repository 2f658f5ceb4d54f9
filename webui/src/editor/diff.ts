/** A stretch of the paper that is being rewritten: marked, and later what would change in it.
 *
 * Decorations only. The stretch moves along with edits elsewhere; an edit inside it makes the
 * proposal void (`onGone`). What is struck out and what would come in can both be clicked: what
 * is clicked is what stays.
 */

import type { Node as Doc } from "@tiptap/pm/model";
import {
  Plugin,
  PluginKey,
  TextSelection,
  type EditorState,
  type Transaction,
} from "@tiptap/pm/state";
import { Decoration, DecorationSet, type EditorView } from "@tiptap/pm/view";
import type { Coming } from "$/text/growing";
import type { Hunk } from "$/text/hunks";
import { toPoints } from "$/text/points";
import { composition } from "./composing";
import "./diff.css";
import { lines } from "./lines";
import { pointsAt, posAt } from "./places";

export type Verdict = "open" | "taken" | "refused";

export interface Proposal {
  hunks: Hunk[];
  verdicts: Verdict[];
  /** The hunk that the keys are about. */
  at: number;
  /** More of the new text is being written: what is not told apart yet, and from where on. */
  coming?: Coming;
}

interface Stretch {
  from: number;
  to: number;
  text: string;
  proposal: Proposal | null;
  marks: DecorationSet;
}

type Stand = Stretch | "gone" | null;
type Change = { open: { from: number; to: number } } | { propose: Proposal | null } | "close";

const key = new PluginKey<Stand>("rewriting");

export class Marks {
  onGone: () => void = () => {};
  /** A hunk was clicked: on its new words, or on the old ones. */
  onPick: (hunk: number, fresh: boolean) => void = () => {};
  readonly plugin: Plugin<Stand>;
  #open = false;
  #proposed = false;
  #view: EditorView | null = null;

  constructor() {
    this.plugin = new Plugin<Stand>({
      key,
      state: { init: () => null, apply: (tr, stand) => moved(tr, stand) },
      props: {
        decorations: (state) => stretchOf(state)?.marks,
        // The stretch is marked; the selection under it, which loses its place in the page when
        // something else gets the focus, is not shown as well.
        attributes: (state) =>
          (picking(state) ? { class: "picking" } : {}) as Record<string, string>,
        handleClick: (_, __, event) => this.#clicked(event),
      },
      view: (view) => {
        this.#view = view;
        return { update: () => this.#tell(), destroy: () => (this.#view = null) };
      },
    });
  }

  /** Where the stretch now is, and its text; null where there is none. */
  get stretch(): { from: number; to: number; text: string } | null {
    return this.#view && stretchOf(this.#view.state);
  }

  /** Marks what is selected, white space around it left out; false where nothing is. */
  open(): boolean {
    const range = this.#view && worded(this.#view.state);
    if (!range) return false;
    this.#dispatch({ open: range });
    this.#open = true;
    return true;
  }

  /** Shows what would change, or the bare stretch again. */
  propose(proposal: Proposal | null): void {
    const whole = proposal !== null && !proposal.coming;
    composition.settled(() => {
      if (whole && !this.#proposed) this.#unselect();
      this.#proposed = whole;
      this.#dispatch({ propose: proposal });
    });
  }

  close(): void {
    this.#open = this.#proposed = false;
    composition.settled(() => this.#dispatch("close"));
  }

  /** The marks of a hunk as they are drawn, first to last. */
  elements(hunk: number): HTMLElement[] {
    return [...(this.#view?.dom.querySelectorAll<HTMLElement>(`[data-hunk="${hunk}"]`) ?? [])];
  }

  #dispatch(change: Change): void {
    const view = this.#view;
    if (view && !view.isDestroyed) view.dispatch(view.state.tr.setMeta(key, change));
  }

  /** The selection's colour would lie over the marks'. */
  #unselect(): void {
    const { stretch } = this;
    const view = this.#view;
    if (!view || !stretch) return;
    const end = TextSelection.near(view.state.doc.resolve(stretch.to), -1);
    view.dispatch(view.state.tr.setSelection(end));
  }

  #tell(): void {
    if (!this.#open || !this.#view || stretchOf(this.#view.state)) return;
    this.#open = false;
    this.onGone();
  }

  #clicked(event: MouseEvent): boolean {
    const mark = (event.target as HTMLElement).closest<HTMLElement>("[data-hunk]");
    if (!mark) return false;
    this.onPick(Number(mark.dataset.hunk), mark.matches(".fresh"));
    return true;
  }
}

/** The selection without white space at its ends, which a rewriting would not give back. */
function worded({ doc, selection }: EditorState): { from: number; to: number } | null {
  const { from, to } = selection;
  const text = doc.textBetween(from, to, "\n");
  if (!text.trim()) return null;
  const place = (unit: number) => posAt(doc, pointsAt(doc, from) + toPoints(text, unit));
  return { from: place(text.length - text.trimStart().length), to: place(text.trimEnd().length) };
}

function stretchOf(state: EditorState): Stretch | null {
  const stand = key.getState(state);
  return stand && stand !== "gone" ? stand : null;
}

function picking(state: EditorState): boolean {
  const stretch = stretchOf(state);
  return stretch !== null && (stretch.proposal === null || stretch.proposal.coming !== undefined);
}

function moved(tr: Transaction, stand: Stand): Stand {
  const change = tr.getMeta(key) as Change | undefined;
  if (change === "close") return null;
  if (change && "open" in change) {
    const { from, to } = change.open;
    const text = tr.doc.textBetween(from, to, "\n");
    return drawn(tr.doc, { from, to, text, proposal: null });
  }
  if (!stand || stand === "gone") return stand;
  if (change) return drawn(tr.doc, { ...stand, proposal: change.propose });
  const from = tr.mapping.map(stand.from, 1);
  const to = Math.max(from, tr.mapping.map(stand.to, -1));
  const composing = composition.active || tr.getMeta("composition") !== undefined;
  if (composing) return { ...stand, from, to, marks: stand.marks.map(tr.mapping, tr.doc) };
  // Looked at again even without a change: it may have been changed while composing.
  if (tr.doc.textBetween(from, to, "\n") !== stand.text) return "gone";
  return tr.docChanged ? drawn(tr.doc, { ...stand, from, to }) : stand;
}

function drawn(doc: Doc, stretch: Omit<Stretch, "marks">): Stretch {
  const { from, to, proposal } = stretch;
  const marks = proposal
    ? changes(doc, stretch, proposal)
    : [Decoration.inline(from, to, { class: "picked" })];
  return { ...stretch, marks: DecorationSet.create(doc, marks) };
}

function changes(
  doc: Doc,
  { from, to, text }: Omit<Stretch, "marks">,
  { hunks, verdicts, at, coming }: Proposal,
): Decoration[] {
  const first = pointsAt(doc, from);
  const place = (unit: number) => posAt(doc, first + toPoints(text, unit));
  const marks = hunks.flatMap((hunk, n) => {
    const name = `${verdicts[n] ?? "open"}${n === at ? " now" : ""}`;
    const old = { nodeName: "del", class: name, "data-hunk": String(n) };
    const made = [];
    if (hunk.removed) made.push(Decoration.inline(place(hunk.start), place(hunk.end), old));
    if (hunk.inserted) {
      const draw = () => fresh(hunk.inserted, n, name);
      const spec = { side: 1, key: `${n} ${name} ${hunk.inserted}`, ignoreSelection: true };
      made.push(Decoration.widget(place(hunk.end), draw, spec));
    }
    return made;
  });
  return coming ? [...marks, ...arriving(place(coming.at), to, coming.text)] : marks;
}

/** What is being written, before the old words that nothing is known of yet. */
function arriving(at: number, to: number, text: string): Decoration[] {
  const spec = { side: 2, key: `coming ${text}`, ignoreSelection: true };
  const made = [Decoration.inline(at, to, { class: "awaited" })];
  if (text) made.push(Decoration.widget(at, () => grey(text), spec));
  return made;
}

function grey(text: string): HTMLElement {
  const ins = document.createElement("ins");
  ins.className = "coming";
  ins.append(...lines(text, "words"));
  return ins;
}

function fresh(text: string, n: number, name: string): HTMLElement {
  const ins = document.createElement("ins");
  ins.className = `fresh ${name}`;
  ins.dataset.hunk = String(n);
  ins.append(...lines(text, "words"));
  return ins;
}
