/** Two orders beside each other: where each chapter and scene is told, and where it happens. */

import type { Shapes } from "$/api/client";

export type Moment = Shapes["MomentOut"];
export const KINDS = ["chapter", "scene", "progression", "relation", "fact", "thread"] as const;
export type Kind = (typeof KINDS)[number];

export interface Slope {
  id: string;
  kind: Kind;
  title: string;
  /** Places in the two orders, from 0 on. */
  told: number;
  happens: number;
}

/** By chapter, then by offset; a chapter before what begins with it. */
export function asTold(moments: readonly Moment[], indexOf: (id: string) => number): Moment[] {
  return [...moments].sort(
    (a, b) =>
      indexOf(a.at.chapter_id) - indexOf(b.at.chapter_id) ||
      a.at.offset - b.at.offset ||
      KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind),
  );
}

/** A line for each chapter and scene; `moments` come in the story's order. */
export function slopes(moments: readonly Moment[], indexOf: (id: string) => number): Slope[] {
  const lines = moments.filter(({ kind }) => kind === "chapter" || kind === "scene");
  const told = new Map(asTold(lines, indexOf).map(({ id }, n) => [id, n]));
  return lines.map(({ id, kind, title }, n) => ({
    id,
    kind,
    title,
    told: told.get(id)!,
    happens: n,
  }));
}

/** What the author wants to see of it. */
export function wanted(
  moments: readonly Moment[],
  kinds: ReadonlySet<Kind>,
  person: string,
): Moment[] {
  return moments.filter(
    ({ kind, character_ids }) =>
      kinds.has(kind) && (person === "" || kind === "chapter" || character_ids.includes(person)),
  );
}
