/** Locks the open chapter, or opens it for writing again. */

import { http, ok } from "$/api/client";
import { manuscript } from "$/editor/manuscript.svelte";
import { book } from "$/state/book.svelte";

/** Throws Refusal where the server would not. */
export async function lock(locked: boolean): Promise<void> {
  const { work, chapter } = manuscript;
  if (!work || !chapter) return;
  const body = { status: locked ? ("locked" as const) : ("draft" as const) };
  const path = { work_id: work, chapter_id: chapter };
  if (locked) await manuscript.flush();
  const asked = http.PATCH("/api/works/{work_id}/chapters/{chapter_id}", {
    params: { path },
    body,
  });
  book.changed(await ok(asked));
}
