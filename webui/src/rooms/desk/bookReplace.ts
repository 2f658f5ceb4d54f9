/** Finding and replacing in the whole book, done by the server. */

import { http, ok, type Shapes } from "$/api/client";

export interface Wish {
  find: string;
  replace: string;
  regex: boolean;
  case: boolean;
}

export type InChapter = Shapes["ReplacedChapter"];

export async function preview(work: string, wish: Wish): Promise<InChapter[]> {
  return (await ask(work, { ...wish, chapters: null, preview: true })).chapters;
}

/** How many places were replaced. */
export async function replace(work: string, wish: Wish, chapters: string[]): Promise<number> {
  return (await ask(work, { ...wish, chapters, preview: false })).replaced;
}

/** `$1` and `$&` of the chapter's own find bar, as the server says them. */
export function groups(into: string): string {
  return into.replace(/\$(\d|&)/g, (_, which: string) => `\\g<${which === "&" ? 0 : which}>`);
}

function ask(work: string, wish: Shapes["ReplaceIn"]): Promise<Shapes["ReplaceOut"]> {
  const body = wish.regex ? { ...wish, replace: groups(wish.replace) } : wish;
  const path = { work_id: work };
  return ok(http.POST("/api/works/{work_id}/replace", { params: { path }, body }));
}
