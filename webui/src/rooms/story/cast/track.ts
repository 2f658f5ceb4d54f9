/** Where the stretches of a chart lie, in percent of the whole book. */

export interface Held {
  id: string;
  label: string;
  since_chapter_id?: string | null;
  until_chapter_id?: string | null;
}

export interface Bar {
  id: string;
  label: string;
  left: number;
  width: number;
}

/** One lane a label, in the order in which the labels come; bars of a gone chapter are left out. */
export function lanes(
  rows: readonly Held[],
  indexOf: (chapter: string) => number,
  chapters: number,
): { label: string; bars: Bar[] }[] {
  const found = new Map<string, Bar[]>();
  for (const row of rows) {
    const bars = found.get(row.label) ?? [];
    found.set(row.label, bars);
    const since = row.since_chapter_id ? indexOf(row.since_chapter_id) : 0;
    const until = row.until_chapter_id ? indexOf(row.until_chapter_id) : chapters;
    if (since < 0 || until < 0 || !chapters) continue;
    const width = Math.max(until - since, 0.5);
    bars.push({
      id: row.id,
      label: row.label,
      left: (100 * since) / chapters,
      width: (100 * Math.min(width, chapters - since)) / chapters,
    });
  }
  return [...found].map(([label, bars]) => ({ label, bars }));
}
