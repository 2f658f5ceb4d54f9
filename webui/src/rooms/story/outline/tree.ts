/** The outline as a tree: rows in sight, and where a move puts one. */

import type { Node } from "../stores";

export type Kind = "premise" | "volume" | "chapter" | "beat";
export const KINDS: readonly Kind[] = ["premise", "volume", "chapter", "beat"];

export interface TreeRow {
  node: Node;
  depth: number;
  /** Its place among its siblings, from 1 on, and how many they are. */
  place: number;
  of: number;
  below: number;
}

export type Below = Map<string | null, Node[]>;

/** The children of every node, in order; what hangs under nothing known stands at the top. */
export function children(nodes: readonly Node[]): Below {
  const known = new Set(nodes.map((node) => node.id));
  const found: Below = new Map();
  for (const node of nodes) {
    const parent = node.parent_id && known.has(node.parent_id) ? node.parent_id : null;
    found.set(parent, [...(found.get(parent) ?? []), node]);
  }
  for (const list of found.values())
    list.sort((a, b) => a.position - b.position || (a.id < b.id ? -1 : 1));
  return found;
}

/** The rows from top to bottom, without what is folded away. */
export function rows(below: Below, folded: ReadonlySet<string>): TreeRow[] {
  const found: TreeRow[] = [];
  const walk = (parent: string | null, depth: number) => {
    const list = below.get(parent) ?? [];
    list.forEach((node, n) => {
      const inside = below.get(node.id)?.length ?? 0;
      found.push({ node, depth, place: n + 1, of: list.length, below: inside });
      if (inside && !folded.has(node.id)) walk(node.id, depth + 1);
    });
  };
  walk(null, 0);
  return found;
}

/** Everything under a node, itself left out. */
export function under(below: Below, id: string): string[] {
  return (below.get(id) ?? []).flatMap((node) => [node.id, ...under(below, node.id)]);
}

export interface Target {
  parent_id: string | null;
  position: number;
}

/** Where a step puts a node: among its siblings, under the one above, or a level out. */
export function stepped(
  below: Below,
  node: Node,
  step: "up" | "down" | "in" | "out",
): Target | null {
  const parent = [...below].find(([, list]) => list.includes(node))?.[0] ?? null;
  const list = below.get(parent) ?? [];
  const at = list.indexOf(node);
  if (step === "up") return at > 0 ? { parent_id: parent, position: at - 1 } : null;
  if (step === "down") return at < list.length - 1 ? { parent_id: parent, position: at + 1 } : null;
  if (step === "in") {
    const above = list[at - 1];
    return above ? { parent_id: above.id, position: below.get(above.id)?.length ?? 0 } : null;
  }
  if (parent === null) return null;
  const [grand, aunts] = [...below].find(([, all]) => all.some((one) => one.id === parent))!;
  return { parent_id: grand, position: aunts.findIndex((one) => one.id === parent) + 1 };
}

/** Where a drop puts a node: before, behind or under another; null where it cannot go. */
export function dropped(
  below: Below,
  id: string,
  onto: string,
  where: "before" | "after" | "inside",
): Target | null {
  if (id === onto || under(below, id).includes(onto)) return null;
  if (where === "inside") {
    const list = (below.get(onto) ?? []).filter((one) => one.id !== id);
    return { parent_id: onto, position: list.length };
  }
  const found = [...below].find(([, list]) => list.some((one) => one.id === onto));
  if (!found) return null;
  const list = found[1].filter((one) => one.id !== id);
  const at = list.findIndex((one) => one.id === onto);
  return { parent_id: found[0], position: where === "before" ? at : at + 1 };
}

/** The rows as they will be when the server has moved one. */
export function arranged(nodes: readonly Node[], id: string, to: Target): Node[] {
  const node = nodes.find((one) => one.id === id);
  if (!node) return [...nodes];
  // Taken out of the tree as it is: without it, what hangs under it would count as a root.
  const list = (children(nodes).get(to.parent_id) ?? []).filter((one) => one.id !== id);
  const order = list.toSpliced(to.position, 0, node).map((one) => one.id);
  return nodes.map((one) => {
    const position = order.indexOf(one.id);
    if (position < 0) return one;
    return { ...one, position, ...(one.id === id ? { parent_id: to.parent_id } : {}) };
  });
}

/** What is written of the beats under a node. */
export function beats(below: Below, id: string): { done: number; all: number } {
  const list = (below.get(id) ?? []).filter((node) => node.kind === "beat");
  return { done: list.filter((node) => node.done).length, all: list.length };
}

/** What usually hangs under a node of this kind. */
export function kindBelow(kind: string): Kind {
  if (kind === "premise") return "volume";
  return kind === "volume" ? "chapter" : "beat";
}

/** What a node is called in a list. */
export function nameOf(node: Node, untitled: string): string {
  return node.title || node.summary.split("\n")[0] || untitled;
}
