/** A data set's card (`dataset.json`) and what the page reads from it. */

export interface Spread {
  mean: number;
  median: number;
  p90: number;
  p99: number;
  max: number;
}

export interface Statistics {
  rows: number;
  characters: number;
  learned_characters: number;
  tokens: number | null;
  unit: "tokens" | "characters";
  lengths: Spread;
  /** Lower edges; the last bar has no upper one. */
  histogram: { edges: number[]; counts: number[] };
}

export interface Refused {
  source: string;
  row: number | null;
  field: string;
  reason: string;
}

export interface LeakKind {
  count: number;
  worst: {
    train_row: number;
    held_out_row: number;
    train_place: string;
    held_out_place: string;
    text: string;
  }[];
}

export interface Audit {
  clean: boolean;
  exact?: LeakKind;
  near?: LeakKind;
  shared?: LeakKind;
}

export interface Card {
  name: string;
  kind: "chat" | "text" | "preference";
  rows: number;
  held_out_rows?: number;
  made?: { command: string };
  sources?: { name: string }[];
  refusals?: { count: number; first: Refused[] };
  statistics?: { train?: Statistics; held_out?: Statistics };
  audit?: Audit | null;
  report?: Record<string, unknown>;
}

export interface Bar {
  low: number;
  /** null: no upper edge. */
  high: number | null;
  count: number;
}

/** The histogram's bars, without the empty ones at both ends. */
export function bars({ edges, counts }: Statistics["histogram"]): Bar[] {
  const all = counts.map((count, n) => ({ low: edges[n]!, high: edges[n + 1] ?? null, count }));
  const first = all.findIndex((bar) => bar.count > 0);
  if (first < 0) return [];
  let last = all.length;
  while (all[last - 1]!.count === 0) last--;
  return all.slice(first, last);
}

export function leaks(audit: Audit): number {
  return [audit.exact, audit.near, audit.shared].reduce((sum, kind) => sum + (kind?.count ?? 0), 0);
}

/** Counts of a report, also those one level down: `["spam.links", 12]`. */
export function counts(report: Record<string, unknown>, prefix = ""): [string, number][] {
  const found: [string, number][] = [];
  for (const [key, value] of Object.entries(report)) {
    if (typeof value === "number") found.push([prefix + key, value]);
    else if (prefix.split(".").length < 3 && isObject(value))
      found.push(...counts(value, `${prefix}${key}.`));
  }
  return found;
}

/** `play` → `play-2` → `play-3`: the next name that nobody has. */
export function nextName(name: string, taken: readonly string[]): string {
  const stem = name.replace(/-\d+$/, "").slice(0, 60);
  let n = 2;
  while (taken.includes(`${stem}-${n}`)) n++;
  return `${stem}-${n}`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
