import type { Bond } from "../stores";

/** Those that hold somewhere within the chapter at `chapter` (an index); all of them for null.
 *
 * A bound in a chapter that is gone (index −1) holds nothing, as on the server.
 */
export function holding(
  bonds: readonly Bond[],
  chapter: number | null,
  indexOf: (id: string) => number,
): Bond[] {
  if (chapter === null) return [...bonds];
  return bonds.filter((bond) => {
    const since = bond.since_chapter_id ? indexOf(bond.since_chapter_id) : 0;
    const until = bond.until_chapter_id ? indexOf(bond.until_chapter_id) : Infinity;
    if (since < 0 || until < 0) return false;
    return since <= chapter && (chapter < until || (chapter === until && bond.until_offset! > 0));
  });
}
