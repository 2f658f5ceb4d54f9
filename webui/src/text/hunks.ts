/** What changed between two texts, in pieces that a reader would call one change.
 *
 * Words are compared, not characters; what two changes have in common between them is theirs
 * when it is shorter than both, but never across the end of a sentence.
 */

import { diffArrays } from "diff";

export interface Hunk {
  /** UTF-16 offsets in the old text. */
  start: number;
  end: number;
  removed: string;
  inserted: string;
}

/** How hard it looks before it calls two texts altogether different, ms. */
const PATIENCE = 800;
const SENTENCE = /[。！？!?\n]/u;
const words = new Intl.Segmenter("zh", { granularity: "word" });

/** The changes from `old` to `fresh`, in order, none touching the next; one change of all where
 * they are not told apart within `patience` ms. */
export function hunks(old: string, fresh: string, patience = PATIENCE): Hunk[] {
  return joined(raw(old, fresh, patience), old);
}

/** `old` with those of its hunks put in that `taken` says. */
export function applied(
  old: string,
  all: Hunk[],
  taken: (hunk: Hunk, n: number) => boolean,
): string {
  let text = "";
  let at = 0;
  all.forEach((hunk, n) => {
    text += old.slice(at, hunk.start) + (taken(hunk, n) ? hunk.inserted : hunk.removed);
    at = hunk.end;
  });
  return text + old.slice(at);
}

function raw(old: string, fresh: string, timeout: number): Hunk[] {
  const parts = diffArrays(pieces(old), pieces(fresh), { timeout });
  if (!parts) return [{ start: 0, end: old.length, removed: old, inserted: fresh }];
  const found: Hunk[] = [];
  let at = 0;
  let last: Hunk | null = null;
  for (const { value, added, removed } of parts) {
    const text = value.join("");
    if (!added && !removed) {
      at += text.length;
      last = null;
      continue;
    }
    if (!last) found.push((last = { start: at, end: at, removed: "", inserted: "" }));
    if (added) last.inserted += text;
    else {
      last.removed += text;
      last.end = at += text.length;
    }
  }
  return found;
}

/** Puts neighbours together that have less in common than they change. */
function joined(all: Hunk[], old: string): Hunk[] {
  const kept: Hunk[] = [];
  for (let hunk of all) {
    for (let before = kept.at(-1); before && belong(before, hunk, old); before = kept.at(-1)) {
      kept.pop();
      hunk = both(before, hunk, old);
    }
    kept.push(hunk);
  }
  return kept;
}

function belong(one: Hunk, other: Hunk, old: string): boolean {
  const between = old.slice(one.end, other.start);
  if (SENTENCE.test(between)) return false;
  return between.length <= size(one) && between.length <= size(other);
}

function size({ removed, inserted }: Hunk): number {
  return Math.max(removed.length, inserted.length);
}

function both(one: Hunk, other: Hunk, old: string): Hunk {
  const between = old.slice(one.end, other.start);
  return {
    start: one.start,
    end: other.end,
    removed: one.removed + between + other.removed,
    inserted: one.inserted + between + other.inserted,
  };
}

export function pieces(text: string): string[] {
  return Array.from(words.segment(text), ({ segment }) => segment);
}
