/** One polite sentence for a screen reader; never one a token. */

import { untrack } from "svelte";

class Live {
  sentence = $state("");
}
export const live = new Live();

/** Also inside an effect, which does not depend on it. */
export function announce(sentence: string): void {
  const last = untrack(() => live.sentence);
  // The same sentence twice is read twice only when it differs: a zero-width space tells them apart.
  live.sentence = last === sentence ? `${sentence}\u200b` : sentence;
}
