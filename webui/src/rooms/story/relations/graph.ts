/** Where the characters stand in the graph: settled at once, the same every time. */

import {
  forceCollide,
  forceLink,
  forceManyBody,
  forceSimulation,
  forceX,
  forceY,
  type SimulationLinkDatum,
  type SimulationNodeDatum,
} from "d3-force";

export interface Point {
  x: number;
  y: number;
}
interface Link {
  a: string;
  b: string;
}
interface Spot extends SimulationNodeDatum {
  id: string;
}

/** Steps until nothing moves any more; fewer for a crowd, which would take too long. */
const STEPS = 300;
const CROWD = 120;

/** A place for each id; those in `kept` stay where they are. */
export function settle(
  ids: readonly string[],
  links: readonly Link[],
  kept: ReadonlyMap<string, Point> = new Map(),
): Map<string, Point> {
  const spots: Spot[] = ids.map((id) => {
    const at = kept.get(id);
    return at ? { id, x: at.x, y: at.y, fx: at.x, fy: at.y } : { id };
  });
  const known = new Set(ids);
  const springs: SimulationLinkDatum<Spot>[] = links
    .filter(({ a, b }) => known.has(a) && known.has(b))
    .map(({ a, b }) => ({ source: a, target: b }));
  const simulation = forceSimulation(spots)
    .force("charge", forceManyBody().strength(-1400).distanceMax(900))
    .force(
      "link",
      forceLink<Spot, SimulationLinkDatum<Spot>>(springs)
        .id((spot) => spot.id)
        .distance(190)
        .strength(0.12),
    )
    .force("x", forceX(0).strength(0.06))
    .force("y", forceY(0).strength(0.09))
    .force("apart", forceCollide(56))
    .stop();
  simulation.tick(ids.length > CROWD ? Math.ceil((STEPS * CROWD) / ids.length) : STEPS);
  return new Map(spots.map(({ id, x = 0, y = 0 }) => [id, { x, y }]));
}

export interface Frame {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** What holds every point, with room around it for faces and names. */
export function frameOf(points: Iterable<Point>, room = 70): Frame {
  const all = [...points];
  if (!all.length) return { x: -200, y: -150, width: 400, height: 300 };
  const xs = all.map(({ x }) => x);
  const ys = all.map(({ y }) => y);
  const [left, top] = [Math.min(...xs) - room, Math.min(...ys) - room];
  return {
    x: left,
    y: top,
    width: Math.max(Math.max(...xs) + room - left, 320),
    height: Math.max(Math.max(...ys) + room - top, 240),
  };
}

/** The frame seen from nearer (`by` < 1) or farther, around a point of it. */
export function zoomed(frame: Frame, by: number, at: Point): Frame {
  return {
    x: at.x - (at.x - frame.x) * by,
    y: at.y - (at.y - frame.y) * by,
    width: frame.width * by,
    height: frame.height * by,
  };
}

/** Bends links between the same two apart; 0 for one alone. Counted from the lesser id on. */
export function bends(links: readonly (Link & { id: string })[]): Map<string, number> {
  const pairs = new Map<string, string[]>();
  for (const { id, a, b } of links) {
    const pair = [a, b].sort().join(" ");
    pairs.set(pair, [...(pairs.get(pair) ?? []), id]);
  }
  const found = new Map<string, number>();
  for (const { id, a, b } of links) {
    const all = pairs.get([a, b].sort().join(" ")) ?? [];
    const bend = all.indexOf(id) - (all.length - 1) / 2;
    found.set(id, a < b ? bend : -bend);
  }
  return found;
}

/** A label short enough to stand on a line. */
export function brief(label: string, most = 8): string {
  const points = [...label];
  return points.length > most ? `${points.slice(0, most - 1).join("")}…` : label;
}

/** How far apart two lines between the same two are in the middle, and where an arrow ends. */
const APART = 56;
const FACE = 27;

/** A line's path to the edge of the other's face, and the middle of it, where its label stands. */
export function curve(from: Point, end: Point, bend: number): { d: string; mid: Point } {
  const [dx, dy] = [end.x - from.x, end.y - from.y];
  const long = Math.hypot(dx, dy) || 1;
  const [ux, uy] = [dx / long, dy / long];
  const middle = { x: (from.x + end.x) / 2, y: (from.y + end.y) / 2 };
  const mid = { x: middle.x - uy * bend * APART, y: middle.y + ux * bend * APART };
  // The curve's control point lies twice as far out as the curve itself.
  const control = { x: 2 * mid.x - middle.x, y: 2 * mid.y - middle.y };
  const stop = { x: end.x - ux * FACE, y: end.y - uy * FACE };
  return { d: `M${from.x} ${from.y}Q${control.x} ${control.y} ${stop.x} ${stop.y}`, mid };
}
