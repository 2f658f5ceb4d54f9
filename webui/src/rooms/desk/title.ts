/** A chapter's title in its parts: the number that the book gives it, and its own name. */

import type { Chapter, Work } from "$/state/book.svelte";

export interface Titled {
  label: string;
  name: string;
  /** The title to save for another name. */
  whole: (name: string) => string;
}

/** Where the author numbers the chapters, the number stays part of the title that is saved. */
export function titled(work: Work | null, chapter: Chapter | undefined): Titled {
  const told = chapter as (Chapter & { label?: string; name?: string }) | undefined;
  const label = told?.label ?? "";
  const name = told?.name ?? told?.title ?? "";
  const own = (work as { numbering?: string } | null)?.numbering === "own" && label !== "";
  return { label, name, whole: (next) => (own ? `${label} ${next}`.trim() : next) };
}
