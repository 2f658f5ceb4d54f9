/** A chapter's revisions by the day, in the words of the desk. */

import type { Shapes } from "$/api/client";

export type Revision = Shapes["RevisionOut"];

export interface Day {
  /** The first moment of it that is told, as ISO. */
  at: string;
  revisions: Revision[];
}

/** Newest day first, as the revisions come. */
export function days(revisions: Revision[]): Day[] {
  const found: Day[] = [];
  for (const revision of revisions) {
    const last = found.at(-1);
    if (last && dayOf(last.at) === dayOf(revision.created_at)) last.revisions.push(revision);
    else found.push({ at: revision.created_at, revisions: [revision] });
  }
  return found;
}

function dayOf(time: string): string {
  return new Date(time).toDateString();
}

/** The revision that stood before a sitting began; 0 for none. */
export function before({ number, count }: Revision): number {
  return number - count;
}

/** Whose characters came in; null where neither wrote them here. */
export function by({ origin }: Revision): "author" | "model" | null {
  if (origin === "accepted" || origin === "rewritten") return "model";
  return ["typed", "pasted", "synced"].includes(origin) ? "author" : null;
}

/** `今天`, `昨天`, `3天前`, then the date. */
export function dayName(time: string, language: "zh" | "en", now = new Date()): string {
  const locale = language === "en" ? "en" : "zh-CN";
  const then = new Date(time);
  const ago = Math.round((midnight(now) - midnight(then)) / 86_400_000);
  if (ago < 7) {
    const name = new Intl.RelativeTimeFormat(locale, { numeric: "auto" }).format(-ago, "day");
    return name[0]!.toUpperCase() + name.slice(1);
  }
  const year = then.getFullYear() === now.getFullYear() ? {} : { year: "numeric" as const };
  return then.toLocaleDateString(locale, { month: "long", day: "numeric", ...year });
}

function midnight(day: Date): number {
  return new Date(day.getFullYear(), day.getMonth(), day.getDate()).getTime();
}
