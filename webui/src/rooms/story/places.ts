/** Places in the telling: a chapter and an offset in it, code points from its beginning. */

import { http, ok } from "$/api/client";
import { book, type Chapter } from "$/state/book.svelte";
import { address } from "$/state/route.svelte";
import { toPoints } from "$/text/points";
import { t } from "./words";

export interface Place {
  chapter: string | null;
  offset: number;
}

/** `第三章 渡簿`; the title alone where a chapter has no number. */
export function titleOf(chapter: Chapter | undefined): string {
  if (!chapter) return t.gone;
  return [chapter.label, chapter.name].filter(Boolean).join(" ") || t.untitled;
}

/** `第三章`, for where there is little room. */
export function shortOf(chapter: Chapter | undefined): string {
  return chapter ? chapter.label || chapter.name || t.untitled : t.gone;
}

/** How many chapters come before; -1 of a chapter that is gone. */
export function indexOf(id: string | null | undefined): number {
  return id ? book.chapters.findIndex((chapter) => chapter.id === id) : -1;
}

/** The desk, at these words. */
export function deskAt(chapter: string, start: number, end = start): string {
  return address({ name: "desk", work: book.id ?? "", chapter, span: [start, end] });
}

export type Sought = { found: [number, number] } | { found: null; many: boolean };

/** Where `quote` stands in `text`, code points; it has to stand there once. */
export function seek(text: string, quote: string): Sought {
  const at = quote ? text.indexOf(quote) : -1;
  if (at < 0) return { found: null, many: false };
  if (text.indexOf(quote, at + 1) >= 0) return { found: null, many: true };
  return { found: [toPoints(text, at), toPoints(text, at + quote.length)] };
}

/** A chapter's text as it stands now. Throws Refusal. */
export async function textOf(chapter: string): Promise<string> {
  const path = { work_id: book.id ?? "", chapter_id: chapter };
  const whole = await ok(
    http.GET("/api/works/{work_id}/chapters/{chapter_id}", { params: { path } }),
  );
  return whole.text;
}

/** The chapters that a query names: by number, by name, by its place counted from 1. */
export function chaptersLike(chapters: readonly Chapter[], query: string): Chapter[] {
  const wanted = query.trim().toLowerCase();
  if (!wanted) return [...chapters];
  const nth = /^\d+$/.test(wanted) ? chapters[Number(wanted) - 1] : undefined;
  const named = chapters.filter(
    (chapter) => chapter !== nth && titleOf(chapter).toLowerCase().includes(wanted),
  );
  return nth ? [nth, ...named] : named;
}
