/** Where two texts of a chapter differ, line by line and then within the lines. */

import { diffArrays, diffChars } from "diff";

export interface Part {
  text: string;
  /** Stands in this text alone. */
  own: boolean;
}

/** A stretch of lines that is not the same in both. */
export interface Difference {
  mine: Part[];
  theirs: Part[];
  /** The line before it, which both have; empty at the beginning. */
  before: string;
}

/** Longer stretches are told apart as wholes: their characters would take too long. */
const FINE = 4_000;

export function differences(mine: string, theirs: string): Difference[] {
  const found: Difference[] = [];
  let before = "";
  let lines: { mine: string[]; theirs: string[] } | null = null;
  const close = () => {
    if (lines) found.push({ ...told(lines.mine.join("\n"), lines.theirs.join("\n")), before });
    lines = null;
  };
  for (const { added, removed, value } of diffArrays(mine.split("\n"), theirs.split("\n"))) {
    if (added || removed) {
      lines ??= { mine: [], theirs: [] };
      lines[removed ? "mine" : "theirs"].push(...value);
    } else {
      close();
      before = value.findLast((line) => line.trim()) ?? "";
    }
  }
  close();
  return found;
}

function told(mine: string, theirs: string): { mine: Part[]; theirs: Part[] } {
  if (mine.length + theirs.length > FINE) {
    return { mine: [{ text: mine, own: true }], theirs: [{ text: theirs, own: true }] };
  }
  const parts = diffChars(mine, theirs);
  const side = (not: "added" | "removed") =>
    parts
      .filter((part) => !part[not])
      .map(({ value, added, removed }) => ({ text: value, own: added || removed }));
  return { mine: side("added"), theirs: side("removed") };
}
