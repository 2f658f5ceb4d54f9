/** Where something dragged over the rows would go. Pure. */

import { placed, volumePlaced, type Order } from "$/state/order";
import type { Row } from "./rows";

export interface Spot {
  /** The line is drawn under this many rows. */
  line: number;
  level: 1 | 2;
  order: Order;
}

/** `y` counts rows from the top: 2.7 is the lower part of the third one. */
export function spotAt(rows: readonly Row[], order: Order, id: string, y: number): Spot | null {
  if (!rows.length) return null;
  const at = Math.min(rows.length - 1, Math.max(0, Math.floor(y)));
  const upper = y - at < 0.5;
  const volume = order.volumes.some((one) => one.id === id);
  return volume ? volumeSpot(rows, order, id, at, y) : chapterSpot(rows, order, id, at, upper);
}

function chapterSpot(
  rows: readonly Row[],
  order: Order,
  id: string,
  at: number,
  upper: boolean,
): Spot {
  const row = rows[at]!;
  const spot = (
    level: 1 | 2,
    volume: string | null,
    before: string | null,
    below = !upper,
  ): Spot => ({
    line: below ? at + 1 : at,
    level,
    order: placed(order, id, volume, before),
  });
  if (row.kind === "chapter")
    return spot(row.level, row.volume, upper ? row.id : after(order, row.volume, row.id, id));
  if (row.kind === "more") return spot(2, row.volume, upper ? row.before : null);
  if (!upper) return spot(2, row.id, row.open ? firstOf(order, row.id, id) : null);
  const above = order.volumes[order.volumes.findIndex((one) => one.id === row.id) - 1];
  return spot(above ? 2 : 1, above?.id ?? null, null);
}

function volumeSpot(rows: readonly Row[], order: Order, id: string, at: number, y: number): Spot {
  const starts = rows.flatMap((row, n) => (row.kind === "volume" ? [n] : []));
  const ids = starts.map((n) => rows[n]!.id);
  const edges = [...starts, rows.length];
  const block = starts.findLastIndex((start) => start <= at);
  const middle = block < 0 ? Infinity : (edges[block]! + edges[block + 1]!) / 2;
  const gap = block < 0 ? 0 : y < middle ? block : block + 1;
  return { line: edges[gap]!, level: 1, order: volumePlaced(order, id, beforeOf(ids, gap, id)) };
}

/** The volume before which a gap lies; the dragged one itself does not count. */
function beforeOf(ids: string[], gap: number, id: string): string | null {
  return ids.slice(gap).find((one) => one !== id) ?? null;
}

function chaptersOf(order: Order, volume: string | null): string[] {
  if (volume === null) return order.loose;
  return order.volumes.find((one) => one.id === volume)?.chapters ?? [];
}

function after(order: Order, volume: string | null, id: string, dragged: string): string | null {
  const chapters = chaptersOf(order, volume).filter((one) => one !== dragged || one === id);
  return chapters[chapters.indexOf(id) + 1] ?? null;
}

function firstOf(order: Order, volume: string, dragged: string): string | null {
  return chaptersOf(order, volume).find((one) => one !== dragged) ?? null;
}

/** Whether two orders are the same. */
export function same(a: Order, b: Order): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
