/** Finding and replacing in the whole book, done by the server. */

import { http, ok } from "$/api/client";

export interface Wish {
  find: string;
  replace: string;
  regex: boolean;
  case: boolean;
}

export interface InChapter {
  chapter_id: string;
  label: string;
  name: string;
  /** All of them; `hits` are the first. */
  count: number;
  hits: { start: number; end: number; before: string; text: string; after: string }[];
}

interface Answer {
  chapters: InChapter[];
  replaced: number;
}

export async function preview(work: string, wish: Wish): Promise<InChapter[]> {
  return (await ask(work, { ...wish, chapters: null, preview: true })).chapters;
}

/** How many places were replaced. */
export async function replace(work: string, wish: Wish, chapters: string[]): Promise<number> {
  return (await ask(work, { ...wish, chapters, preview: false })).replaced;
}

function ask(work: string, body: unknown): Promise<Answer> {
  const path = `/api/works/${work}/replace`;
  return ok(http.POST(path as never, { body } as never)) as Promise<Answer>;
}
