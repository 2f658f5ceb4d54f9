/** The parts of the settings, in the order of their list; each has its word under its name. */
export const SECTIONS = [
  "look",
  "writing",
  "budget",
  "templates",
  "keys",
  "access",
  "data",
  "about",
] as const;

export type Section = (typeof SECTIONS)[number];

export function sectionOf(name: string | undefined): Section {
  return SECTIONS.find((section) => section === name) ?? "look";
}
