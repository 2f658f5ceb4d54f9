export const TABS = [
  "cast",
  "relations",
  "outline",
  "lore",
  "threads",
  "timeline",
  "recaps",
  "documents",
] as const;
export type Tab = (typeof TABS)[number];

/** The tab that an address names; the cast for one that names none. */
export function tabOf(name: string): Tab {
  return TABS.find((tab) => tab === name) ?? "cast";
}
