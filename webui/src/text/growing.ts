/** The changes that a new text makes while it is still being written.
 *
 * What the old and the new text have had in common for some words is settled: the changes before
 * it are firm and stay as they are, also when the text is whole. What comes after is not told
 * apart before more of it is there.
 */

import { hunks, pieces, type Hunk } from "./hunks";

/** UTF-16 units in common behind a change that make it firm: less is met by chance. */
const ANCHOR = 6;
/** How much more of the old text than of the new a change may pass over, units: what looks like
 * a longer leap is rather a phrase that comes again. */
const LEAP = 60;

/** How long it looks each time, ms: the author goes on writing elsewhere. */
const PATIENCE = 20;

/** New words that are not told apart yet, and where in the old text they stand. */
export interface Coming {
  at: number;
  text: string;
}

export class Growing {
  readonly firm: Hunk[] = [];
  coming: Coming = { at: 0, text: "" };
  /** With the firm changes, the old text up to `#old` is the new one up to `#fresh`. */
  #old = 0;
  #fresh = 0;
  #text = "";

  constructor(readonly old: string) {}

  /** Takes in the new text as far as it has come. */
  grow(text: string): void {
    this.#text = text;
    const fresh = pieces(text.slice(this.#fresh)).slice(0, -1).join(""); // half a word may follow
    const old = this.old.slice(this.#old, this.#old + fresh.length + LEAP);
    this.#settle(hunks(old, fresh, PATIENCE));
    this.coming = this.#rest();
  }

  /** The changes of the whole text; the firm ones are among them. */
  whole(text: string): Hunk[] {
    if (!text.startsWith(this.#text.slice(0, this.#fresh))) return hunks(this.old, text);
    const { firm } = this;
    return [...firm, ...this.#placed(hunks(this.old.slice(this.#old), text.slice(this.#fresh)))];
  }

  /** The changes that have come when nothing more does: after them the old text stays. */
  stopped(): Hunk[] {
    const { at, text } = this.coming;
    const inserted = /^[^]*[。！？!?…\n][”’」』]*/u.exec(text)?.[0] ?? "";
    return inserted
      ? [...this.firm, { start: at, end: at, removed: "", inserted }]
      : [...this.firm];
  }

  /** Makes firm what lies before the last long stretch that both have. */
  #settle(found: Hunk[]): void {
    for (let n = found.length - 1; n > 0; n--) {
      const before = found.slice(0, n);
      const end = found[n]!.start;
      const grown = before.reduce(
        (sum, { inserted, removed }) => sum + inserted.length - removed.length,
        0,
      );
      if (end - before.at(-1)!.end < ANCHOR || grown < -LEAP) continue;
      this.firm.push(...this.#placed(before));
      this.#old += end;
      this.#fresh += end + grown;
      return;
    }
  }

  #placed(found: Hunk[]): Hunk[] {
    const by = this.#old;
    return found.map((hunk) => ({ ...hunk, start: hunk.start + by, end: hunk.end + by }));
  }

  /** What the old text goes on with like the new one is not new. */
  #rest(): Coming {
    const fresh = this.#text.slice(this.#fresh);
    let same = 0;
    for (const piece of pieces(fresh)) {
      if (!this.old.startsWith(piece, this.#old + same)) break;
      same += piece.length;
    }
    return { at: this.#old + same, text: fresh.slice(same) };
  }
}
