/** What an input method is writing is its own: nobody else may touch it until it is done.
 *
 * - `composition.active`, and `composition.settled(then)` for what must wait until it is over.
 * - `paragraphDecorations` for a plugin that marks paragraphs: marks in the paragraph being
 *   composed are only moved along; it is read again when the composition is over.
 */

import type { Node as Doc } from "@tiptap/pm/model";
import { Plugin, PluginKey, type EditorState, type Transaction } from "@tiptap/pm/state";
import { Decoration, DecorationSet, type EditorView } from "@tiptap/pm/view";

/** ProseMirror reads the composed text within 20 ms of its end; nothing is dispatched before. */
const SETTLE_MS = 50;
const SETTLED = "yanchi-settled";

export class Composition {
  active = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #waiting: (() => void)[] = [];
  #told = new Set<(active: boolean) => void>();

  /** Runs `then` at once, or when no composition has been running for `SETTLE_MS`. */
  settled(then: () => void): void {
    if (this.active) this.#waiting.push(then);
    else then();
  }

  /** Calls `then` whenever a composition begins or is over. */
  onChange(then: (active: boolean) => void): () => void {
    this.#told.add(then);
    return () => this.#told.delete(then);
  }

  plugin(): Plugin {
    return new Plugin({
      key: new PluginKey("composition"),
      props: {
        handleDOMEvents: {
          compositionstart: () => this.#begin(),
          compositionend: (view) => this.#end(view),
          // A browser that loses the focus may end a composition without a word.
          blur: (view) => (this.active ? this.#end(view) : undefined),
        },
      },
      view: () => ({ destroy: () => this.#over() }),
    });
  }

  #begin(): void {
    clearTimeout(this.#timer);
    this.#become(true);
  }

  #end(view: EditorView): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (view.composing) return this.#end(view); // not quite over, or the next one has begun
      this.#over();
      if (!view.isDestroyed) view.dispatch(view.state.tr.setMeta(SETTLED, true));
    }, SETTLE_MS);
  }

  #over(): void {
    clearTimeout(this.#timer);
    this.#become(false);
    for (const then of this.#waiting.splice(0)) then();
  }

  #become(active: boolean): void {
    if (this.active === active) return;
    this.active = active;
    for (const then of this.#told) then(active);
  }
}

export const composition = new Composition();

interface Marks {
  set: DecorationSet;
  /** What was composed in and has not been read again. */
  stale: { from: number; to: number } | null;
}

/** A plugin whose decorations follow from each paragraph alone.
 *
 * `scan` gets a paragraph and the position at which its text starts. `tr.setMeta(key, "all")`
 * has every paragraph scanned again. `key.getState(state).set` is what is drawn.
 */
export function paragraphDecorations(
  key: PluginKey<Marks>,
  scan: (paragraph: Doc, start: number) => Decoration[],
): Plugin<Marks> {
  const every = (doc: Doc) => DecorationSet.create(doc, scanned(doc, 0, doc.content.size, scan));
  return new Plugin<Marks>({
    key,
    state: {
      init: (_, state: EditorState) => ({ set: every(state.doc), stale: null }),
      apply(tr, old, before) {
        if (tr.getMeta(key) === "all") return { set: every(tr.doc), stale: null };
        const settled = Boolean(tr.getMeta(SETTLED));
        if (!tr.docChanged && !(settled && old.stale)) return old;
        const set = old.set.map(tr.mapping, tr.doc);
        const stale = joined(mapped(old.stale, tr), changed(before.doc, tr.doc));
        const composing = tr.getMeta("composition") !== undefined || composition.active;
        if ((composing && !settled) || !stale) return { set, stale };
        const gone = set.find(stale.from, stale.to).filter((d) => d.from < stale.to);
        const fresh = scanned(tr.doc, stale.from, stale.to, scan);
        return { set: set.remove(gone).add(tr.doc, fresh), stale: null };
      },
    },
    props: { decorations: (state) => key.getState(state)?.set },
  });
}

function scanned(
  doc: Doc,
  from: number,
  to: number,
  scan: (paragraph: Doc, start: number) => Decoration[],
): Decoration[] {
  const found: Decoration[] = [];
  let pos = 0;
  for (let i = 0; i < doc.childCount && pos < to; i++) {
    const paragraph = doc.child(i);
    if (pos + paragraph.nodeSize > from) found.push(...scan(paragraph, pos + 1));
    pos += paragraph.nodeSize;
  }
  return found;
}

/** The range of `after` whose paragraphs are not those of `before`; null when all are. */
export function changed(before: Doc, after: Doc): { from: number; to: number } | null {
  if (before === after) return null;
  const most = Math.min(before.childCount, after.childCount);
  let first = 0;
  let from = 0;
  while (first < most && before.child(first) === after.child(first)) {
    from += after.child(first).nodeSize;
    first++;
  }
  let last = 0;
  let to = after.content.size;
  while (last < most - first) {
    const paragraph = after.child(after.childCount - 1 - last);
    if (before.child(before.childCount - 1 - last) !== paragraph) break;
    to -= paragraph.nodeSize;
    last++;
  }
  return { from, to };
}

function mapped(range: Marks["stale"], tr: Transaction): Marks["stale"] {
  return range && { from: tr.mapping.map(range.from, -1), to: tr.mapping.map(range.to, 1) };
}

function joined(one: Marks["stale"], other: Marks["stale"]): Marks["stale"] {
  if (!one || !other) return one ?? other;
  return { from: Math.min(one.from, other.from), to: Math.max(one.to, other.to) };
}
