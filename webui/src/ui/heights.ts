/** Where the rows of a long list stand: measured ones as they are, the others as estimated. */

export class Heights {
  #measured = new Map<number, number>();
  #offsets: Float64Array;
  /** Rows before this one have their offsets summed up. */
  #known = 0;

  constructor(
    readonly length: number,
    readonly estimate: number,
  ) {
    this.#offsets = new Float64Array(length + 1);
  }

  /** Takes what a row really measures, px; true when that is news. */
  set(index: number, height: number): boolean {
    if (index >= this.length || this.of(index) === height) return false;
    this.#measured.set(index, height);
    this.#known = Math.min(this.#known, index);
    return true;
  }

  of(index: number): number {
    return this.#measured.get(index) ?? this.estimate;
  }

  /** Px above row `index`; the height of all for `length`. */
  offset(index: number): number {
    for (; this.#known < index; this.#known++)
      this.#offsets[this.#known + 1] = this.#offsets[this.#known]! + this.of(this.#known);
    return this.#offsets[index]!;
  }

  /** The row that covers `y` px from the top; the last one below them all. */
  at(y: number): number {
    let low = 0;
    let high = Math.max(0, this.length - 1);
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.offset(middle) <= y) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
