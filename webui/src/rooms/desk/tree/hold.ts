/** Rows that can be taken by the pointer: what that needs is fetched when the book stands, or
 * when the pointer comes into the tree before. */

import { later } from "$/state/settled";

type Dnd = typeof import("./dnd");

let come: (dnd: Dnd) => void;
const there = new Promise<Dnd>((done) => (come = done));

/** Fetches it now. */
export const reach = later(() => import("./dnd").then((dnd) => come(dnd)));

/** Has `hold` done once it is there; the returned function undoes it. */
export function holding(hold: (dnd: Dnd) => (() => void) | undefined): () => void {
  let gone = false;
  let undo: (() => void) | undefined;
  void there.then((dnd) => gone || (undo = hold(dnd)));
  return () => {
    gone = true;
    undo?.();
  };
}
