/** Which characters a text names, by every alias they have; and the lines drawn under them.
 *
 * The rules are the server's (retrieval/mentions.py), so that what is underlined is what counts
 * as named when a prompt is made.
 */

import { PluginKey, type EditorState, type Plugin } from "@tiptap/pm/state";
import { Decoration, type DecorationSet } from "@tiptap/pm/view";
import { paragraphDecorations } from "./composing";

export interface Named {
  id: string;
  name: string;
  aliases: readonly string[];
}

/** A name at `text.slice(start, end)`, UTF-16; several ids where characters share it. */
export interface Mention {
  ids: readonly string[];
  start: number;
  end: number;
}

interface Step {
  next: Map<number, Step>;
  /** Whose name ends here. */
  ids: string[] | null;
}

// Words that may stand right before, and right after, a name of one Chinese character.
const BEFORE_SHORT = new Set("对對向和与與跟把被叫让讓问問给給替找喊");
const AFTER_SHORT = new Set(
  "道说說问問笑答喊叫叹嘆骂罵怒哭也都却卻又便就还還才只已正忽的对對向和与與跟把被",
);
const WORD = /^[\p{L}\p{N}]$/u;

/** Everybody's names, all looked for at once; built once for a cast. */
export class Names {
  readonly #root: Step = step();

  constructor(cast: readonly Named[]) {
    for (const { id, name, aliases } of cast)
      for (const one of [name, ...aliases]) this.#add(one.trim(), id);
  }

  /** Mentions in order, never overlapping: of two, the earlier, then the longer, is kept. */
  find(text: string): Mention[] {
    const found: Mention[] = [];
    for (let at = 0; at < text.length;) {
      const mention = this.#longest(text, at);
      if (mention) found.push(mention);
      at = mention?.end ?? at + 1;
    }
    return found;
  }

  #add(name: string, id: string): void {
    if (!name) return;
    let here = this.#root;
    for (let at = 0; at < name.length; at++) {
      const unit = name.charCodeAt(at);
      let next = here.next.get(unit);
      if (!next) here.next.set(unit, (next = step()));
      here = next;
    }
    here.ids ??= [];
    if (!here.ids.includes(id)) here.ids.push(id);
  }

  #longest(text: string, start: number): Mention | null {
    let best: Mention | null = null;
    let here = this.#root.next.get(text.charCodeAt(start));
    for (let end = start + 1; here; end++) {
      if (here.ids && standsAlone(text, start, end)) best = { ids: here.ids, start, end };
      here = end < text.length ? here.next.get(text.charCodeAt(end)) : undefined;
    }
    return best;
  }
}

/** Whether what stands at `start` can be a name there, and not a piece of another word. */
export function standsAlone(text: string, start: number, end: number): boolean {
  const before = pointBefore(text, start);
  const after = pointAt(text, end);
  const first = pointAt(text, start);
  if (first.length === end - start && !latin(first)) {
    return (
      (!WORD.test(before) || BEFORE_SHORT.has(before)) &&
      (!WORD.test(after) || AFTER_SHORT.has(after))
    );
  }
  if (latin(before) && latin(first)) return false;
  return !(latin(pointBefore(text, end)) && latin(after));
}

function latin(character: string): boolean {
  return character !== "" && character < "\u2e80" && WORD.test(character);
}

function pointAt(text: string, at: number): string {
  const point = text.codePointAt(at);
  return point === undefined ? "" : String.fromCodePoint(point);
}

function pointBefore(text: string, at: number): string {
  const wide = at > 1 && (text.codePointAt(at - 2) ?? 0) > 0xffff;
  return wide ? text.slice(at - 2, at) : text.slice(Math.max(0, at - 1), at);
}

function step(): Step {
  return { next: new Map(), ids: null };
}

/** A mention in the document, by its ProseMirror positions. */
export interface Marked {
  ids: readonly string[];
  from: number;
  to: number;
}

const key = new PluginKey<{ set: DecorationSet; stale: { from: number; to: number } | null }>(
  "mentions",
);

/** Draws the mentions; `names` is asked whenever a paragraph is read. */
export function mentionsPlugin(names: () => Names): Plugin {
  return paragraphDecorations(key, (paragraph, start) =>
    names()
      .find(paragraph.textContent)
      .map(({ ids, start: from, end }) =>
        Decoration.inline(start + from, start + end, { class: "mention" }, { ids }),
      ),
  );
}

/** Has every paragraph read again, as when the cast has changed. */
export function reread(state: EditorState) {
  return state.tr.setMeta(key, "all").setMeta("addToHistory", false);
}

/** The mention at a position, if there is one. */
export function mentionAt(state: EditorState, pos: number): Marked | null {
  return marked(state, pos, pos).find(({ from, to }) => from <= pos && pos <= to) ?? null;
}

/** The mention that a caret stands in or behind, looking back within its paragraph. */
export function mentionBefore(state: EditorState, pos: number): Marked | null {
  const start = state.doc.resolve(pos).start();
  return mentionAt(state, pos) ?? marked(state, start, pos).at(-1) ?? null;
}

function marked(state: EditorState, from: number, to: number): Marked[] {
  const found = key.getState(state)?.set.find(from, to) ?? [];
  return found
    .map((one) => ({ ids: (one.spec as { ids: string[] }).ids, from: one.from, to: one.to }))
    .sort((a, b) => a.from - b.from);
}
