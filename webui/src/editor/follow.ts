/** Keeps the end of something that grows in sight while its beginning stays there too.
 *
 * An author who scrolls is not followed any more.
 */

const MARGIN = 24;
const SCROLLS = ["wheel", "touchmove", "keydown", "pointerdown"] as const;

export class Follower {
  readonly #dom: HTMLElement;
  #scroller: HTMLElement | null = null;
  #left = false;

  constructor(dom: HTMLElement) {
    this.#dom = dom;
  }

  /** It has grown. */
  step(): void {
    this.#scroller ??= this.#begin();
    if (!this.#scroller || this.#left) return;
    const [own, view] = [this.#dom, this.#scroller].map((e) => e.getBoundingClientRect());
    if (!own || !view || own.top < view.top || own.top > view.bottom) return;
    const hidden = own.bottom + MARGIN - view.bottom;
    const room = own.top - MARGIN - view.top;
    if (hidden > 0 && room > 0) this.#scroller.scrollTop += Math.min(hidden, room);
  }

  end(): void {
    for (const name of SCROLLS) this.#scroller?.removeEventListener(name, this.#leave);
    this.#scroller = null;
    this.#left = false;
  }

  #begin(): HTMLElement | null {
    let box = this.#dom.parentElement;
    while (box && !/auto|scroll/.test(getComputedStyle(box).overflowY)) box = box.parentElement;
    for (const name of SCROLLS) box?.addEventListener(name, this.#leave, { passive: true });
    return box;
  }

  readonly #leave = () => {
    this.#left = true;
  };
}
