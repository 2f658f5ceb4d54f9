/** Which words of a found passage the question shares, and the sentence that shares most. */

import { toPoints } from "$/text/points";

export interface Part {
  text: string;
  hit: boolean;
}

const WORD = /[\p{L}\p{N}]+/gu;
const HAN = /\p{Script=Han}/u;

/** What to look for: pairs of characters of Chinese words (a lone one as it is), others whole. */
export function terms(query: string): string[] {
  const found = new Set<string>();
  for (const [word] of query.toLowerCase().matchAll(WORD)) {
    const points = [...word];
    if (points.length < 3 || !HAN.test(word)) found.add(word);
    else for (let n = 0; n + 1 < points.length; n++) found.add(points[n]! + points[n + 1]!);
  }
  return [...found];
}

/** For each UTF-16 unit of `text` whether a term covers it. */
function covered(text: string, wanted: string[]): Uint8Array {
  const lower = text.toLowerCase();
  // A few letters change their length with their case: then only exact case is found.
  const plain = lower.length === text.length ? lower : text;
  const hits = new Uint8Array(text.length);
  for (const term of wanted)
    for (let at = plain.indexOf(term); at >= 0; at = plain.indexOf(term, at + 1))
      hits.fill(1, at, at + term.length);
  return hits;
}

/** `text` in parts, those that `query` shares told from the others. */
export function marked(text: string, query: string): Part[] {
  const hits = covered(text, terms(query));
  const parts: Part[] = [];
  for (let start = 0, at = 1; at <= text.length; at++) {
    if (at < text.length && hits[at] === hits[start]) continue;
    parts.push({ text: text.slice(start, at), hit: hits[start] === 1 });
    start = at;
  }
  return parts;
}

export interface Excerpt {
  /** From a little before the best sentence on, without line breaks. */
  text: string;
  /** The best sentence's place in the passage, in code points. */
  span: [number, number];
}

const SENTENCE = /[^。！？!?…\n]*[。！？!?…]*[”’」』）)]*\n*/gu;
const BEFORE = 24;
const LONGEST = 90;

/** What to show of a passage: its sentence that shares most with `query`; its first, where none. */
export function excerpt(passage: string, query: string): Excerpt {
  const hits = covered(passage, terms(query));
  let best = { start: 0, end: 0, score: -1 };
  for (const found of passage.matchAll(SENTENCE)) {
    const start = found.index + (found[0].length - found[0].trimStart().length);
    const end = found.index + found[0].trimEnd().length;
    if (end <= start) continue;
    const score = hits.subarray(start, end).reduce((sum, hit) => sum + hit, 0);
    if (score > best.score) best = { start, end, score };
  }
  // A long sentence is shown from where it comes to the point.
  const first = hits.indexOf(1, best.start);
  const late = first >= 0 && first < best.end ? first - BEFORE : best.start;
  const from = whole(passage, Math.max(best.start, late));
  const shown = passage.slice(from, whole(passage, from + LONGEST));
  const dots = (there: boolean) => (there ? "…" : "");
  return {
    text: `${dots(from > 0)}${shown.trim().replace(/\s*\n\s*/g, " ")}${dots(from + shown.length < passage.trimEnd().length)}`,
    span: [toPoints(passage, best.start), toPoints(passage, best.end)],
  };
}

/** `at`, inside the text and not between the halves of a character. */
function whole(text: string, at: number): number {
  const inside = Math.max(0, Math.min(at, text.length));
  return /[\udc00-\udfff]/.test(text[inside] ?? "") ? inside - 1 : inside;
}
