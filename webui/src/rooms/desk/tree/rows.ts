/** The tree as the flat rows that are shown. Pure. */

import type { Chapter, Volume } from "$/state/book.svelte";
import { numberOf } from "./numbers";

/** A volume with more chapters than this shows its first ones, until asked or written in. */
export const LONG = 30;
const FIRST = 5;

interface Placed {
  id: string;
  level: 1 | 2;
  /** Its place among its equals, from 1, and how many these are. */
  at: number;
  of: number;
}
export interface VolumeRow extends Placed {
  kind: "volume";
  volume: Volume;
  chapters: number;
  chars: number;
  /** Nothing but outlines. */
  outline: boolean;
  open: boolean;
}
export interface ChapterRow extends Placed {
  kind: "chapter";
  chapter: Chapter;
  volume: string | null;
}
export interface MoreRow extends Placed {
  kind: "more";
  volume: string;
  left: number;
  /** The first chapter that is not shown. */
  before: string;
}
export type Row = VolumeRow | ChapterRow | MoreRow;

export interface Shown {
  volumes: readonly Volume[];
  chapters: readonly Chapter[];
  /** Volumes that are folded. */
  folded: ReadonlySet<string>;
  /** Long volumes shown whole. */
  whole: ReadonlySet<string>;
  /** The open chapter, which is never hidden behind “the others”. */
  current: string | null;
  filter: string;
}

export function rowsOf({ volumes, chapters, folded, whole, current, filter }: Shown): Row[] {
  const wanted = filter.trim().toLowerCase();
  const groups = new Map<string, Chapter[]>(volumes.map(({ id }) => [id, []]));
  const loose: Chapter[] = [];
  for (const chapter of chapters) (groups.get(chapter.volume_id ?? "") ?? loose).push(chapter);
  const fits = (chapter: Chapter) => !wanted || titleOf(chapter).toLowerCase().includes(wanted);
  const seen = volumes.filter(
    (volume) => !wanted || named(volume, wanted) || groups.get(volume.id)!.some(fits),
  );
  const alone = loose.filter(fits);
  const of = alone.length + seen.length;
  const rows: Row[] = alone.map((chapter, n) => ({
    ...{ kind: "chapter", id: chapter.id, level: 1, at: n + 1, of, chapter, volume: null },
  }));
  for (const [n, volume] of seen.entries()) {
    const all = groups.get(volume.id)!;
    const open = wanted !== "" || !folded.has(volume.id);
    rows.push({
      ...{ kind: "volume", id: volume.id, level: 1, at: alone.length + n + 1, of, volume, open },
      chapters: all.length,
      chars: all.reduce((sum, chapter) => sum + chapter.chars, 0),
      outline: all.length > 0 && all.every((one) => one.status === "outline" && !one.chars),
    });
    if (!open) continue;
    const inside = wanted && !named(volume, wanted) ? all.filter(fits) : all;
    const long = inside.length > LONG && !wanted && volumes.length > 1 && !whole.has(volume.id);
    const cut = long && !inside.some((chapter) => chapter.id === current);
    const some = cut ? inside.slice(0, FIRST) : inside;
    for (const [at, chapter] of some.entries())
      rows.push({
        ...{ kind: "chapter", id: chapter.id, level: 2, at: at + 1, of: inside.length },
        ...{ chapter, volume: volume.id },
      });
    if (cut)
      rows.push({
        ...{ kind: "more", id: `more:${volume.id}`, level: 2, at: FIRST + 1, of: FIRST + 1 },
        ...{ volume: volume.id, left: inside.length - FIRST, before: inside[FIRST]!.id },
      });
  }
  return rows;
}

/** `第三章 渡口` */
export function titleOf(chapter: Pick<Chapter, "label" | "name">): string {
  return [chapter.label, chapter.name].filter(Boolean).join(" ");
}

function named(volume: Volume, wanted: string): boolean {
  return volume.title.toLowerCase().includes(wanted);
}

/** The row that typed letters mean: the next one from `from` on that begins with them, or has them.
 *
 * Chinese cannot be typed without a field to compose it in: digits lead to the chapter of that
 * number.
 */
export function typedAhead(rows: readonly Row[], from: number, letters: string): number {
  const wanted = letters.toLowerCase();
  const first = letters.length > 1 ? from : from + 1;
  const order = rows.map((_, n) => (first + n) % rows.length);
  const names = rows.map((row) => namesOf(row).map((name) => name.toLowerCase()));
  const find = (fits: (name: string) => boolean) => order.find((n) => names[n]!.some(fits));
  return (
    find((name) => name === wanted) ??
    find((name) => name.startsWith(wanted)) ??
    find((name) => name.includes(wanted)) ??
    -1
  );
}

function namesOf(row: Row): string[] {
  if (row.kind === "more") return [];
  if (row.kind === "volume") return [row.volume.title];
  const { label, name } = row.chapter;
  return [String(numberOf(label) ?? ""), name, titleOf(row.chapter)].filter(Boolean);
}
