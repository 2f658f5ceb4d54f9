/** The ledger of threads: what is open, what is due, where each shows in the book. */

import type { Thread } from "../stores";

export type Show = "all" | "open" | "due" | "closed";

export function isOpen({ state }: Pick<Thread, "state">): boolean {
  return state === "planted" || state === "advanced";
}

/** Open, though the chapter in which it was to be answered has been begun. `now` is an index. */
export function isDue(
  thread: Pick<Thread, "state" | "due_chapter_id">,
  now: number,
  indexOf: (chapter: string) => number,
): boolean {
  if (!isOpen(thread) || !thread.due_chapter_id) return false;
  const due = indexOf(thread.due_chapter_id);
  return due >= 0 && due <= now;
}

/** The last chapter in which something is written, an index; −1 of an empty book. */
export function written(chapters: readonly { chars: number }[]): number {
  return chapters.findLastIndex((chapter) => chapter.chars > 0);
}

export function shown(
  threads: readonly Thread[],
  show: Show,
  query: string,
  due: (thread: Thread) => boolean,
): Thread[] {
  const wanted = query.trim().toLowerCase();
  return threads.filter((thread) => {
    if (wanted && !`${thread.title} ${thread.note}`.toLowerCase().includes(wanted)) return false;
    if (show === "open") return isOpen(thread);
    if (show === "closed") return !isOpen(thread);
    return show === "due" ? due(thread) : true;
  });
}

export interface Mark {
  id: string;
  kind: "plant" | "advance" | "resolve";
  /** From 0 at the book's beginning to 1 at its end. */
  at: number;
}

/** Where a thread shows; what lies in a chapter that is gone is left out. */
export function marks(
  events: readonly { id: string; kind: Mark["kind"]; chapter_id: string }[],
  indexOf: (chapter: string) => number,
  chapters: number,
): Mark[] {
  return events
    .map(({ id, kind, chapter_id }) => ({ id, kind, index: indexOf(chapter_id) }))
    .filter(({ index }) => index >= 0)
    .map(({ id, kind, index }) => ({ id, kind, at: (index + 0.5) / Math.max(chapters, 1) }));
}
