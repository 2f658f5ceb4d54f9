/** A character's sheet: labelled paragraphs in the author's order. Every function gives a new one. */

export type Sheet = Record<string, string>;

/** With another label in the same place; null where the label is empty or taken. */
export function relabelled(sheet: Sheet, from: string, to: string): Sheet | null {
  const wanted = to.trim();
  if (!wanted || (wanted !== from && wanted in sheet)) return null;
  return Object.fromEntries(
    Object.entries(sheet).map(([label, text]) => [label === from ? wanted : label, text]),
  );
}

/** With a paragraph one place up or down; the same where it cannot go. */
export function moved(sheet: Sheet, label: string, by: 1 | -1): Sheet {
  const rows = Object.entries(sheet);
  const at = rows.findIndex(([name]) => name === label);
  const other = rows[at + by];
  if (at < 0 || !other) return sheet;
  return Object.fromEntries(rows.with(at + by, rows[at]!).with(at, other));
}

export function without(sheet: Sheet, label: string): Sheet {
  return Object.fromEntries(Object.entries(sheet).filter(([name]) => name !== label));
}
