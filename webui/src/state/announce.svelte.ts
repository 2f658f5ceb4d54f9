/** One polite sentence for a screen reader; never one a token. */
class Live {
  sentence = $state("");
}
export const live = new Live();

export function announce(sentence: string): void {
  // The same sentence twice is read twice only when it differs: a zero-width space tells them apart.
  live.sentence = live.sentence === sentence ? `${sentence}\u200b` : sentence;
}
