/** Places in the text and in the document: UTF-16 offsets, code points, ProseMirror positions.
 *
 * A paragraph's numbers are kept with its node, which never changes: after a keystroke only the
 * paragraph that was typed in is measured anew.
 */

import type { Node as Doc } from "@tiptap/pm/model";
import { chars, han } from "$/text/count";
import { toPoints, toUnits } from "$/text/points";

export interface Size {
  /** Code points. */
  points: number;
  /** As Chinese platforms count words. */
  chars: number;
  han: number;
}

const sizes = new WeakMap<Doc, Size>();

/** What a paragraph holds. */
export function sizeOf(paragraph: Doc): Size {
  let size = sizes.get(paragraph);
  if (!size) sizes.set(paragraph, (size = measured(paragraph.textContent)));
  return size;
}

export function measured(text: string): Size {
  return { points: toPoints(text, text.length), chars: chars(text), han: han(text) };
}

/** What a chapter holds: O(paragraphs), not O(text). */
export function sizeOfDoc(doc: Doc): Size {
  const all: Size = { points: Math.max(0, doc.childCount - 1), chars: 0, han: 0 };
  doc.forEach((paragraph) => {
    const size = sizeOf(paragraph);
    all.points += size.points;
    all.chars += size.chars;
    all.han += size.han;
  });
  return all;
}

/** The code points of the text before `pos`. */
export function pointsAt(doc: Doc, pos: number): number {
  const { index, inside } = paragraphAt(doc, pos);
  let points = index;
  for (let i = 0; i < index; i++) points += sizeOf(doc.child(i)).points;
  return points + toPoints(doc.child(index).textContent, inside);
}

/** The position that stands after `points` code points of the text; the end for too many. */
export function posAt(doc: Doc, points: number): number {
  let left = Math.max(0, points);
  let pos = 1;
  for (let i = 0; i < doc.childCount; i++) {
    const paragraph = doc.child(i);
    const size = sizeOf(paragraph).points;
    if (left <= size) return pos + toUnits(paragraph.textContent, left);
    left -= size + 1;
    pos += paragraph.nodeSize;
  }
  return doc.content.size - 1;
}

/** The UTF-16 offset in the text of `pos`. */
export function unitsAt(doc: Doc, pos: number): number {
  const { index, start, inside } = paragraphAt(doc, pos);
  // Each paragraph before it takes two more positions than characters, and one line break.
  return start - index - 1 + inside;
}

/** The paragraph that `pos` stands in, where its text starts, and the UTF-16 units before `pos`. */
export function paragraphAt(
  doc: Doc,
  pos: number,
): { index: number; start: number; inside: number } {
  const within = Math.max(1, Math.min(pos, doc.content.size - 1));
  const { index, offset } = doc.childAfter(within);
  const start = offset + 1;
  const inside = Math.max(0, Math.min(within - start, doc.child(index).content.size));
  return { index, start, inside };
}
