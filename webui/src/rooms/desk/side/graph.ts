/** A few people and what they are to each other, laid out once and for all. */

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

export interface Person {
  id: string;
  name: string;
}

export interface Bond {
  from: string;
  to: string;
  label: string;
}

export interface Spot extends Person {
  x: number;
  y: number;
  r: number;
  me: boolean;
}

export interface Line extends Bond {
  x1: number;
  y1: number;
  x2: number;
  y2: number;
}

const RADIUS = 24;
const OWN = 27;
const SETTLED = 240;

/** Places inside `width` × `height`; `me` stays in the middle. The same people always get the
 *  same places. */
export function laidOut(
  me: string,
  people: Person[],
  bonds: Bond[],
  width: number,
  height: number,
): { spots: Spot[]; lines: Line[] } {
  const nodes: (Spot & SimulationNodeDatum)[] = people.map((person, n) => {
    const own = person.id === me;
    const turn = (n / Math.max(1, people.length)) * 2 * Math.PI;
    const x = width / 2 + (own ? 0 : Math.cos(turn) * (width / 3));
    const y = height / 2 + (own ? 0 : Math.sin(turn) * (height / 3));
    const fixed = own ? { fx: x, fy: y } : {};
    return { ...person, x, y, ...fixed, r: own ? OWN : RADIUS, me: own };
  });
  const links: (SimulationLinkDatum<Spot & SimulationNodeDatum> & Bond)[] = bonds.map((bond) => ({
    ...bond,
    source: bond.from,
    target: bond.to,
  }));
  forceSimulation(nodes)
    .force("apart", forceManyBody().strength(-620))
    .force("room", forceCollide(RADIUS + 8))
    .force("x", forceX(width / 2).strength(0.05))
    .force("y", forceY(height / 2).strength(0.12))
    .force(
      "bonds",
      forceLink<Spot & SimulationNodeDatum, (typeof links)[number]>(links)
        .id(({ id }) => id)
        .distance(124),
    )
    .stop()
    .tick(SETTLED);
  for (const node of nodes) {
    node.x = within(node.x, node.r + 2, width);
    node.y = within(node.y, node.r + 2, height);
  }
  const at = new Map(nodes.map((node) => [node.id, node]));
  const lines = bonds.map((bond) => {
    const [one, other] = [at.get(bond.from)!, at.get(bond.to)!];
    return { ...bond, x1: one.x, y1: one.y, x2: other.x, y2: other.y };
  });
  return { spots: nodes.map(({ id, name, x, y, r, me }) => ({ id, name, x, y, r, me })), lines };
}

function within(at: number, margin: number, size: number): number {
  return Math.round(Math.min(size - margin, Math.max(margin, at)) * 10) / 10;
}
