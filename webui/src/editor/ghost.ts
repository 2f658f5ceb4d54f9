/** The ghost: a continuation in grey at a place of the text, and no part of the document.
 *
 * One widget whose words change without a transaction, so that a growing ghost costs a
 * keystroke nothing. The plugin's state is where it stands: an edit elsewhere moves it along;
 * text entered at its place is taken off its beginning where it is its beginning, and sends it
 * away where it is anything else. What an input method composes there is judged when it is
 * done; until then the ghost changes no letter and dispatches nothing.
 */

import { Plugin, PluginKey, type EditorState, type Transaction } from "@tiptap/pm/state";
import { Decoration, DecorationSet, type EditorView } from "@tiptap/pm/view";
import { clauseOf, whole } from "$/text/clauses";
import { composition } from "./composing";
import { Follower } from "./follow";
import "./ghost.css";
import { lines } from "./lines";

interface Place {
  /** Where it stood, and the end of what has been entered there since: apart while composing. */
  from: number;
  at: number;
  /** What of the ghost the document has taken up since it was opened. */
  entered: string;
  /** There are words to be shown. */
  seen: boolean;
}

/** Null where there is none, or another text is shown; gone where the author wrote over it. */
type Stand = Place | "gone" | null;
type Change = { open: number } | { seen: boolean } | "close";

const key = new PluginKey<Stand>("ghost");
const calm = matchMedia("(prefers-reduced-motion: reduce)");

export class Ghost {
  onTaken: (text: string) => void = () => {};
  onGone: () => void = () => {};
  readonly plugin: Plugin<Stand>;
  #open = false;
  /** All that was offered since it was opened, what is taken up included. */
  #offered = "";
  #growing = false;
  /** Code units of `entered` that were told of. */
  #told = 0;
  #drawing = false;
  #telling = false;
  #view: EditorView | null = null;
  readonly #dom = document.createElement("span");
  readonly #follower = new Follower(this.#dom);

  constructor() {
    this.#dom.className = "ghost";
    this.#dom.setAttribute("aria-hidden", "true");
    this.plugin = new Plugin<Stand>({
      key,
      state: { init: () => null, apply: (tr, place) => this.#moved(tr, place) },
      props: { decorations: (state) => this.#widget(state) },
      view: (view) => {
        this.#view = view;
        return { update: () => this.#tell(), destroy: () => (this.#view = null) };
      },
    });
  }

  /** Where it stands; null where there is none. */
  get pos(): number | null {
    return this.#place?.at ?? null;
  }

  open(pos: number): void {
    this.#change({ open: pos }, () => this.#become(true));
  }

  /** Shows `text` from its place on: by clauses while it grows, and whole in the end. */
  write(text: string, growing: boolean): void {
    const place = this.#place;
    if (!place) return;
    this.#offered = place.entered + text;
    this.#growing = growing;
    if (this.#drawing) return;
    this.#drawing = true;
    composition.settled(() => {
      this.#drawing = false;
      this.#draw();
    });
  }

  close(): void {
    if (!this.#open) return;
    this.#become(false);
    this.#change("close");
  }

  get #place(): Place | null {
    const stand = this.#open && this.#view ? key.getState(this.#view.state) : null;
    return stand && stand !== "gone" ? stand : null;
  }

  #become(open: boolean): void {
    this.#open = open;
    this.#offered = "";
    this.#told = 0;
    this.#follower.end();
  }

  #change(change: Change, first = () => {}): void {
    composition.settled(() => {
      first();
      // A view must not be given a new state while it takes the last one in.
      if (this.#telling) queueMicrotask(() => this.#dispatch(change));
      else this.#dispatch(change);
    });
  }

  #dispatch(change: Change): void {
    const view = this.#view;
    if (view && !view.isDestroyed) view.dispatch(view.state.tr.setMeta(key, change));
  }

  #moved(tr: Transaction, stand: Stand): Stand {
    const change = tr.getMeta(key) as Change | undefined;
    if (change === "close") return null;
    if (change && "open" in change) {
      return { from: change.open, at: change.open, entered: "", seen: false };
    }
    if (!stand || stand === "gone") return stand;
    const now = change ? { ...stand, seen: change.seen } : stand;
    const moved = tr.docChanged ? mapped(tr, now) : now;
    if (composition.active || tr.getMeta("composition") !== undefined) return moved;
    if (tr.docChanged && touched(tr, now.at)) return "gone";
    return this.#judged(tr, moved);
  }

  /** What was entered at its place is its own beginning, or the ghost is gone. */
  #judged(tr: Transaction, place: Place): Stand {
    if (place.from === place.at) return place;
    const entered = tr.doc.textBetween(place.from, place.at, "\n");
    if (!this.#offered.startsWith(entered, place.entered.length)) return "gone";
    return { ...place, from: place.at, entered: place.entered + entered };
  }

  /** Tells what became of it, and draws what is left. */
  #tell(): void {
    if (!this.#open || this.#telling) return;
    this.#telling = true;
    try {
      const place = this.#place;
      if (!place) return this.#left();
      const entered = place.entered.slice(this.#told);
      if (!entered) return;
      this.#told += entered.length;
      this.#draw();
      this.onTaken(entered);
    } finally {
      this.#telling = false;
    }
  }

  #left(): void {
    this.#become(false);
    if (this.#view && key.getState(this.#view.state) === "gone") this.onGone();
  }

  #draw(): void {
    const place = this.#place;
    if (!place) return;
    const rest = this.#offered.slice(place.entered.length);
    const shown = this.#growing ? whole(rest, calm.matches ? "sentence" : "clause") : rest;
    const next = clauseOf(shown);
    this.#dom.replaceChildren(...lines(next, "next"), ...lines(shown.slice(next.length)));
    if (place.seen !== (shown !== "")) this.#change({ seen: shown !== "" });
    if (this.#growing) this.#follower.step();
  }

  #widget(state: EditorState): DecorationSet | null {
    const stand = key.getState(state);
    if (!stand || stand === "gone" || !stand.seen) return null;
    const spec = { side: 1, key: "ghost", ignoreSelection: true };
    return DecorationSet.create(state.doc, [Decoration.widget(stand.at, this.#dom, spec)]);
  }
}

function mapped(tr: Transaction, place: Place): Place {
  return { ...place, from: tr.mapping.map(place.from, -1), at: tr.mapping.map(place.at, 1) };
}

/** Something right before or behind `pos` was deleted, or all around it. */
function touched(tr: Transaction, pos: number): boolean {
  const { deletedBefore, deletedAfter } = tr.mapping.mapResult(pos, 1);
  return deletedBefore || deletedAfter;
}
