/** What a saved version of a template has that another text has not, by lines. */

import { diffLines } from "diff";

export interface Line {
  text: string;
  kind: "same" | "added" | "removed";
}

const AROUND = 2;

/** The lines of `then` and `now` in one list; long stretches that are the same are left out. */
export function differences(then: string, now: string): Line[] {
  const lines = diffLines(then, now).flatMap((change): Line[] => {
    const kind = change.added ? "added" : change.removed ? "removed" : "same";
    return change.value
      .replace(/\n$/, "")
      .split("\n")
      .map((text) => ({ text, kind }));
  });
  const near = (at: number) =>
    lines.slice(Math.max(0, at - AROUND), at + AROUND + 1).some((line) => line.kind !== "same");
  return lines.filter((_, at) => near(at));
}
