/** Offsets on the wire count code points, as Python does; JavaScript's strings count UTF-16 units. */

/** The code points before UTF-16 offset `unit` of `text`. */
export function toPoints(text: string, unit: number): number {
  let points = 0;
  for (let at = 0; at < unit && at < text.length; points++) at += wide(text, at) ? 2 : 1;
  return points;
}

/** The UTF-16 offset before which `points` code points of `text` stand. */
export function toUnits(text: string, points: number): number {
  let at = 0;
  for (let left = points; left > 0 && at < text.length; left--) at += wide(text, at) ? 2 : 1;
  return at;
}

function wide(text: string, at: number): boolean {
  return (text.codePointAt(at) ?? 0) > 0xffff;
}
