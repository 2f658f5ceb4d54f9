/** Where menus and popovers are put: into the open dialog, which makes the page behind it inert. */

import { getContext, setContext } from "svelte";

const LAYER = Symbol("layer");

export function setLayer(element: () => HTMLElement | undefined): void {
  setContext(LAYER, element);
}

/** The nearest dialog's element, else the page's body; ask it when something opens. */
export function getLayer(): () => HTMLElement {
  const element = getContext<(() => HTMLElement | undefined) | undefined>(LAYER);
  return () => element?.() ?? document.body;
}
