/** What of a sheet goes onto a card: who it is, how things are now, and a little more. */

import type { Standing } from "../side/standing";

export interface Line {
  label: string;
  text: string;
}

const FIRST = ["身份", "此刻"];
const MOST = 4;

/** At most `MOST` lines, who and now before all; relations have lines of their own. */
export function gist(standing: Standing, summary: string): Line[] {
  const lines: Line[] = standing.paragraphs.filter(({ label, text }) => text && label !== "关系");
  const rank = ({ label }: Line) => {
    const at = FIRST.indexOf(label);
    return at < 0 ? FIRST.length : at;
  };
  const sorted = [...lines].sort((a, b) => rank(a) - rank(b));
  if (!lines.some(({ label }) => label === FIRST[0]) && summary)
    sorted.unshift({ label: FIRST[0]!, text: summary });
  return sorted.slice(0, MOST).map(({ label, text }) => ({ label, text }));
}
