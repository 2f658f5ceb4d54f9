/** What a newcomer is shown, each beside the real thing, and where its card may stand. */

import { t } from "./words";

export interface Step {
  /** The first of these that is in sight; a step with none is left out. */
  at: string[];
  title: () => string;
  told: () => string;
}

export const PAPER = '[data-region="paper"]';

export const STEPS: Step[] = [
  {
    at: ['[data-region="tree"]', '[data-tour="tree"]'],
    title: () => t.treeTitle,
    told: () => t.tree,
  },
  { at: [PAPER], title: () => t.pageTitle, told: () => t.page },
  { at: ['[data-region="beat"]'], title: () => t.beatTitle, told: () => t.beat },
  {
    at: ['[data-region="side"]', '[data-tour="side"]'],
    title: () => t.sideTitle,
    told: () => t.side,
  },
  { at: ['[data-tour="lamp"]'], title: () => t.lampTitle, told: () => t.lamp },
  { at: ['[data-tour="search"]'], title: () => t.searchTitle, told: () => t.search },
];

export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

const GAP = 12;

/** Where a card of `card`'s size stands: beside `anchor` where there is room, below or above it
 * else, and always inside the window. */
export function beside(anchor: Box, card: Box, view: { width: number; height: number }): Box {
  const right = anchor.left + anchor.width;
  const bottom = anchor.top + anchor.height;
  const fits = {
    right: right + GAP + card.width <= view.width,
    left: anchor.left - GAP - card.width >= 0,
    below: bottom + GAP + card.height <= view.height,
    above: anchor.top - GAP - card.height >= 0,
  };
  const along = { left: anchor.left, top: anchor.top };
  if (fits.below) along.top = bottom + GAP;
  else if (fits.right) along.left = right + GAP;
  else if (fits.left) along.left = anchor.left - GAP - card.width;
  else if (fits.above) along.top = anchor.top - GAP - card.height;
  // Nothing beside it is free: at the foot of it, out of the way of its beginning.
  else along.top = bottom - card.height - GAP;
  return {
    ...card,
    left: within(along.left, view.width - card.width),
    top: within(along.top, view.height - card.height),
  };
}

function within(at: number, most: number): number {
  return Math.max(GAP, Math.min(at, most - GAP));
}
