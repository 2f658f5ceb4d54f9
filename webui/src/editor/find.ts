/** Finding and replacing in the chapter. A match lies within one paragraph. */

import { closeHistory } from "@tiptap/pm/history";
import type { Node as Doc } from "@tiptap/pm/model";
import {
  Plugin,
  PluginKey,
  TextSelection,
  type EditorState,
  type Transaction,
} from "@tiptap/pm/state";
import { Decoration, DecorationSet } from "@tiptap/pm/view";
import { compile, type Query, type Spot } from "./pattern";
import { toSlice } from "./schema";

export interface Match {
  from: number;
  to: number;
}

/** The document's paragraphs as lines. */
export function linesOf(doc: Doc): string[] {
  return Array.from({ length: doc.childCount }, (_, n) => doc.child(n).textContent);
}

/** Spots of `linesOf(doc)` as the document's positions. */
export function matches(doc: Doc, spots: readonly Spot[]): Match[] {
  const starts: number[] = [];
  doc.forEach((_, offset) => starts.push(offset + 1));
  return spots.map(({ line, at, length }) => {
    const from = starts[line]! + at;
    return { from, to: from + length };
  });
}

/** What `into` makes of a match: `$1`, `$&`, `\1`, `\n`, `\t` count where the query is an expression. */
export function replacement(line: string, at: number, query: Query, into: string): string {
  if (!query.regex) return into;
  const pattern = compile(query)!;
  const sticky = new RegExp(pattern.source, pattern.flags.replace("g", "y"));
  sticky.lastIndex = at;
  const length = sticky.exec(line)?.[0].length ?? 0;
  sticky.lastIndex = at;
  const meant: Record<string, string> = { n: "\n", t: "\t", "\\": "\\" };
  const told = into.replace(/\\([nt\\1-9])/g, (_, c: string) => meant[c] ?? `$${c}`);
  const whole = line.replace(sticky, told);
  return whole.slice(at, whole.length - (line.length - at - length));
}

/** Replaces the matches by `into` in one transaction, which is one step of undo. */
export function replaced(
  state: EditorState,
  matches: Match[],
  query: Query,
  into: string,
): Transaction {
  const tr = closeHistory(state.tr);
  for (const { from, to } of matches.toReversed()) {
    const $from = state.doc.resolve(from);
    const text = replacement($from.parent.textContent, $from.parentOffset, query, into);
    tr.replace(from, to, toSlice(state.schema, text));
  }
  return tr;
}

interface Found {
  set: DecorationSet;
  /** The match that the author stands at. */
  at: Match | null;
}

type Told = { matches: Match[]; at: number };
const key = new PluginKey<Found>("find");

/** Draws the matches. Between two searches they move along with the text. */
export function findPlugin(): Plugin<Found> {
  return new Plugin<Found>({
    key,
    state: {
      init: () => ({ set: DecorationSet.empty, at: null }),
      apply(tr, old) {
        const told = tr.getMeta(key) as Told | undefined;
        if (told) return { set: drawn(tr.doc, told), at: told.matches[told.at] ?? null };
        return tr.docChanged ? { ...old, set: old.set.map(tr.mapping, tr.doc) } : old;
      },
    },
    props: { decorations: (state) => key.getState(state)?.set },
  });
}

/** Has `matches` drawn, the one at index `at` before all. */
export function show(tr: Transaction, matches: Match[], at: number): Transaction {
  return tr.setMeta(key, { matches, at } satisfies Told).setMeta("addToHistory", false);
}

/** Stands at a match without taking the focus from the field. */
export function stand(tr: Transaction, match: Match): Transaction {
  return tr.setSelection(TextSelection.create(tr.doc, match.from, match.to));
}

function drawn(doc: Doc, { matches, at }: Told): DecorationSet {
  return DecorationSet.create(
    doc,
    matches.map(({ from, to }, n) =>
      Decoration.inline(from, to, { class: n === at ? "found on" : "found" }),
    ),
  );
}
