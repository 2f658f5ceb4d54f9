/** A file as it was read, as rows to look at. Pure. */

import type { Shapes } from "$/api/client";

export type Preview = Shapes["PreviewOut"];
export type PreviewChapter = Shapes["PreviewChapter"];

export interface ChapterRow {
  kind: "chapter";
  index: number;
  chapter: PreviewChapter;
  doubts: string[];
}
export type Row = ChapterRow | { kind: "volume"; title: string };

/** Chapters under their volumes, each with what is doubtful about it. */
export function rowsOf(preview: Preview): Row[] {
  const rows: Row[] = [];
  let volume: string | null = null;
  const doubts = byChapter(preview);
  for (const [index, chapter] of preview.chapters.entries()) {
    if (chapter.volume && chapter.volume !== volume)
      rows.push({ kind: "volume", title: chapter.volume });
    volume = chapter.volume;
    rows.push({ kind: "chapter", index, chapter, doubts: doubts[index]! });
  }
  return rows;
}

/** Doubts that belong to no line. */
export function generalDoubts(preview: Preview): string[] {
  return preview.doubts.filter((doubt) => doubt.line === null).map((doubt) => doubt.message);
}

function byChapter({ chapters, doubts }: Preview): string[][] {
  const found: string[][] = chapters.map(() => []);
  for (const { line, message } of doubts) {
    if (line === null) continue;
    const index = chapters.findLastIndex((chapter) => chapter.line <= line);
    found[Math.max(0, index)]?.push(message);
  }
  return found;
}

/** A project is whole as it is; every other file is cut into chapters by rules that may err. */
export function correctable(preview: Preview): boolean {
  return preview.format !== "zip";
}

/** A line that may well be a heading: short, and not the end of a sentence. */
export function likely(line: string): boolean {
  const text = line.trim();
  return text.length > 0 && text.length <= 24 && !/[。，、；：？！…—”’）」』.,;?!]$/.test(text);
}

/** Encodings that Chinese text comes in, where no reading has told yet which may be. */
export const ENCODINGS = ["utf-8", "gb18030", "big5hkscs", "utf-16-le", "utf-16-be"];

/** Failures that another encoding may mend. */
export const BY_ENCODING = new Set(["unknown_encoding", "mixed_encoding", "binary_file"]);

const NAMES: Record<string, string> = {
  "utf-8": "UTF-8", "utf-8-sig": "UTF-8", gb18030: "GB18030 (GBK)", big5hkscs: "Big5", "utf-16": "UTF-16",
  "utf-16-le": "UTF-16 LE", "utf-16-be": "UTF-16 BE",
}; // prettier-ignore

/** `gb18030` → `GB18030 (GBK)` */
export function encodingName(encoding: string): string {
  return NAMES[encoding.toLowerCase()] ?? encoding.toUpperCase();
}
