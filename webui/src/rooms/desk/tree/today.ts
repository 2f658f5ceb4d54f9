/** What was written day by day, told in a sentence and drawn as bars. Pure. */

import { count } from "$/words/index.svelte";
import { t } from "./words";

export interface Day {
  day: string;
  typed: number;
  accepted: number;
}

export const writtenOn = (day: Day) => day.typed + day.accepted;

/** Percent of the goal, 0 to 100. */
export function reached(written: number, goal: number): number {
  return goal > 0 ? Math.min(100, Math.round((written / goal) * 100)) : 0;
}

/** The chart for those who do not see it. */
export function told(days: readonly Day[], goal: number): string {
  const written = days.map(writtenOn);
  const busy = written.filter((n) => n > 0);
  if (!busy.length) return t.nothingYet;
  const enough = goal > 0 ? written.filter((n) => n >= goal).length : 0;
  const total = busy.reduce((sum, n) => sum + n, 0);
  const best = count(Math.max(...busy));
  return t.chart(busy.length, count(total), best, enough ? t.reached(enough) : "");
}

export interface Bar {
  x: number;
  /** Of the typed part, from the bottom; the accepted part stands on it. */
  typed: number;
  accepted: number;
}
export interface Chart {
  bars: Bar[];
  /** Where the goal's line lies, from the bottom; null for no goal. */
  goal: number | null;
  /** Characters at the top edge. */
  top: number;
}

/** Bars in a box of `height`, one a day, `step` apart. */
export function chart(days: readonly Day[], goal: number, height: number, step: number): Chart {
  const top = roundUp(Math.max(goal, ...days.map(writtenOn), 1));
  const high = (chars: number) => (chars / top) * height;
  return {
    bars: days.map((day, n) => ({
      x: n * step,
      typed: high(day.typed),
      accepted: high(day.accepted),
    })),
    goal: goal > 0 ? high(goal) : null,
    top,
  };
}

/** The next of 100, 200, 500, 1000, 2000 … */
function roundUp(chars: number): number {
  const size = 10 ** Math.max(2, Math.floor(Math.log10(chars)));
  return [1, 2, 5, 10].map((n) => n * size).find((n) => n >= chars) ?? chars;
}
