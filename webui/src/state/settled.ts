/** What can wait until that stands which the author came for.
 *
 *     const fetched = later(() => import("./Side.svelte"));   // fetched in a calm moment after that
 *     await fetched();                                       // or at once, when it is wanted
 */

/** A page whose room never settles, because something failed, goes on all the same, ms. */
const LONGEST_MS = 10_000;

let stands: () => void;
const settled = new Promise<void>((done) => {
  stands = done;
  setTimeout(done, LONGEST_MS);
});

/** The open room shows what was asked for. */
export function settle(): void {
  stands();
}

/** Runs `work` in the first calm moment after the room has settled. */
export function afterwards(work: () => unknown): void {
  void settled.then(painted).then(work);
}

/** `load`, once: when it is called, else by itself when there is time for it. */
export function later<T>(load: () => Promise<T>): () => Promise<T> {
  let loaded: Promise<T> | null = null;
  const once = () =>
    (loaded ??= load().catch((error) => {
      loaded = null; // the next who wants it tries again
      throw error;
    }));
  afterwards(() => once().catch(() => {}));
  return once;
}

/** After a frame that shows what there is. */
function painted(): Promise<void> {
  return new Promise((go) => requestAnimationFrame(() => setTimeout(go)));
}
