/** Numbers to a line's geometry. A point is [step, value]. */

export type Point = readonly [number, number];

/** An average that forgets slowly, without the pull of its beginning. */
export function smooth(points: readonly Point[], weight = 0.9): Point[] {
  let sum = 0;
  let share = 0;
  return points.map(([x, y]) => {
    sum = weight * sum + (1 - weight) * y;
    share = weight * share + (1 - weight);
    return [x, sum / share];
  });
}

/** At most `most` points (from two) that keep every peak: the least and the greatest of each stretch. */
export function thin(points: readonly Point[], most: number): readonly Point[] {
  if (points.length <= most) return points;
  const size = Math.ceil(points.length / Math.max(1, Math.floor(most / 2)));
  const kept: Point[] = [];
  for (let at = 0; at < points.length; at += size) {
    const stretch = points.slice(at, at + size);
    const low = stretch.reduce((a, b) => (b[1] < a[1] ? b : a));
    const high = stretch.reduce((a, b) => (b[1] > a[1] ? b : a));
    kept.push(...(low === high ? [low] : low[0] < high[0] ? [low, high] : [high, low]));
  }
  return kept;
}

export interface Scale {
  low: number;
  high: number;
  log: boolean;
  /** 0…1 of a value. */
  at: (value: number) => number;
  ticks: number[];
}

/** From the values that there are, with some air; a logarithm wants all of them above 0. */
export function scale(values: readonly number[], log: boolean, ticks = 4): Scale {
  const told = values.filter((v) => Number.isFinite(v) && (!log || v > 0));
  let low = told.reduce((a, b) => Math.min(a, b), Infinity);
  let high = told.reduce((a, b) => Math.max(a, b), -Infinity);
  if (!(low <= high)) [low, high] = [log ? 0.1 : 0, 1];
  if (low === high) [low, high] = log ? [low / 2, high * 2] : [low - 0.5, high + 0.5];
  else if (log) [low, high] = [low * 0.95, high * 1.05];
  else {
    const air = (high - low) * 0.06;
    low = low >= 0 && low < air ? 0 : low - air;
    high += air;
  }
  const from = log ? Math.log(low) : low;
  const span = (log ? Math.log(high) : high) - from;
  return {
    low,
    high,
    log,
    at: (value) => ((log ? Math.log(value) : value) - from) / span,
    ticks: log ? logTicks(low, high, ticks) : niceTicks(low, high, ticks),
  };
}

/** Round values within, about `most` of them. */
export function niceTicks(low: number, high: number, most: number): number[] {
  const rough = (high - low) / Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough * 0.999)!;
  const found: number[] = [];
  for (let n = Math.ceil(low / step - 1e-9); n * step <= high * (1 + 1e-12) + 1e-12; n++)
    found.push(Number((n * step).toPrecision(12)));
  return found;
}

function logTicks(low: number, high: number, most: number): number[] {
  if (high / low < 5) return niceTicks(low, high, most).filter((tick) => tick > 0);
  const found: number[] = [];
  for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; power++)
    for (const n of [1, 2, 5]) {
      const tick = Number((n * 10 ** power).toPrecision(6));
      if (tick >= low && tick <= high) found.push(tick);
    }
  return found;
}

/** An SVG path through the points; a value that the scale cannot show breaks the line. */
export function path(
  points: readonly Point[],
  x: (step: number) => number,
  y: (value: number) => number,
): string {
  let told = "";
  let pen = "M";
  for (const [step, value] of points) {
    const at = y(value);
    if (!Number.isFinite(at)) {
      pen = "M";
      continue;
    }
    told += `${pen}${x(step).toFixed(1)},${at.toFixed(1)}`;
    pen = "L";
  }
  return told;
}

/** About `most` rows of a table that stands beside a picture: the first, the last, and between. */
export function rows<T>(all: readonly T[], most: number): T[] {
  if (all.length <= most) return [...all];
  return Array.from(
    { length: most },
    (_, n) => all[Math.round((n * (all.length - 1)) / (most - 1))]!,
  );
}
