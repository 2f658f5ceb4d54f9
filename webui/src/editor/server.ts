/** The chapter's routes, as the manuscript uses them. */

import { http, ok, type Shapes } from "$/api/client";

export type ChapterFull = Shapes["ChapterFull"];
export type Saved = Shapes["Saved"];

/** A text as the server has it. */
export interface Version {
  revision: number;
  text: string;
}

/** How a text came to be, where it was not simply typed. */
export interface Wish {
  origin?: "typed" | "rewritten" | "pasted" | "synced";
  generation?: string;
  candidate?: number;
}

export interface Server {
  load(work: string, chapter: string): Promise<ChapterFull>;
  /** `keepalive` lets the request outlive the page; only short texts may ask for it. */
  save(
    work: string,
    chapter: string,
    text: string,
    base: number,
    wish: Wish,
    keepalive?: boolean,
  ): Promise<Saved>;
  restore(work: string, chapter: string, number: number): Promise<Saved>;
  /** Keeps the current revision under a name. */
  snapshot(work: string, chapter: string, label: string, kind: "author" | "before"): Promise<void>;
}

/** A server that says nothing for so long is away; the text is saved again later. */
const SAVE_MS = 30_000;

const at = (work: string, chapter: string) => ({
  params: { path: { work_id: work, chapter_id: chapter } },
});

export const server: Server = {
  load: (work, chapter) =>
    ok(http.GET("/api/works/{work_id}/chapters/{chapter_id}", at(work, chapter))),
  save: (work, chapter, text, base, wish, keepalive = false) =>
    ok(
      http.PUT("/api/works/{work_id}/chapters/{chapter_id}", {
        ...at(work, chapter),
        body: { text, base_revision: base, origin: "typed", candidate: 0, ...wish },
        keepalive,
        signal: AbortSignal.timeout(SAVE_MS),
      }),
    ),
  restore: (work, chapter, number) =>
    ok(
      http.POST("/api/works/{work_id}/chapters/{chapter_id}/revisions/{number}/restore", {
        params: { path: { work_id: work, chapter_id: chapter, number } },
      }),
    ),
  snapshot: async (work, chapter, label, kind) => {
    await ok(
      http.POST("/api/works/{work_id}/chapters/{chapter_id}/snapshots", {
        ...at(work, chapter),
        body: { label, kind },
      }),
    );
  },
};
