/** Sheets as they stand at a place of the book. What was asked once is not asked again. */

import { http, ok, type Shapes } from "$/api/client";

export type Standing = Shapes["StandingOut"];

/** A place in a chapter's text as the server has it. */
export interface Here {
  work: string;
  chapter: string;
  revision: number;
  /** Code points. */
  offset: number;
}

const KEPT = 200;
const kept = new Map<string, Promise<Standing>>();

/** Throws Refusal; a question that failed is asked anew the next time. */
export function standingAt(character: string, here: Here): Promise<Standing> {
  const key = [character, here.chapter, here.revision, here.offset].join();
  const known = kept.get(key);
  if (known) return known;
  const path = { work_id: here.work, character_id: character };
  const query = { chapter_id: here.chapter, offset: here.offset };
  const asked = ok(
    http.GET("/api/works/{work_id}/characters/{character_id}/standing", {
      params: { path, query },
    }),
  );
  kept.set(key, asked);
  asked.catch(() => kept.delete(key));
  if (kept.size > KEPT) kept.delete(kept.keys().next().value!);
  return asked;
}

/** The sheets, relations or facts may have been changed. */
export function forget(): void {
  kept.clear();
}
