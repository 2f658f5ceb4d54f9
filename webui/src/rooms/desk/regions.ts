/** F6: from one part of the page to the next, as a screen reader's author walks. */

const FIRST =
  '[tabindex="0"], a[href], button:not([disabled]), input:not([disabled]), textarea:not([disabled])';

/** Puts the focus into the next part that is in sight (`by` 1), or the one before (-1). */
export function walk(by: 1 | -1, paper: () => void): void {
  const parts = [...document.querySelectorAll<HTMLElement>("[data-region]")].filter(seen);
  if (!parts.length) return;
  const here = parts.findLastIndex((part) => part.contains(document.activeElement));
  const next =
    parts[here < 0 ? (by > 0 ? 0 : parts.length - 1) : (here + by + parts.length) % parts.length]!;
  if (next.dataset.region === "paper") return paper();
  const first = [...next.querySelectorAll<HTMLElement>(FIRST)].find(seen);
  (first ?? next).focus();
}

function seen(element: HTMLElement): boolean {
  return element.checkVisibility({ visibilityProperty: true });
}
