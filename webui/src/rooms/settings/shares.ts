/** A work's own shares of the prompt over the default ones. */

/** Where a group's colour is among the data colours; the same in every bar of the product. */
export const PIGMENTS: Record<string, string> = {
  system: "ink",
  beat: "rouge",
  cast: "azurite",
  lore: "malachite",
  threads: "gamboge",
  recap: "indigo",
  passages: "ochre",
  tail: "ash",
};

export type Percents = Record<string, number>;

/** Whole percents for each group, the work's own where it has them. */
export function percents(defaults: Record<string, number>, own: unknown): Percents {
  const mine = typeof own === "object" && own !== null ? (own as Record<string, unknown>) : {};
  return Object.fromEntries(
    Object.entries(defaults).map(([group, share]) => {
      const found = mine[group];
      return [group, Math.round((typeof found === "number" ? found : share) * 100)];
    }),
  );
}

/** What to store: only what differs from the defaults. */
export function own(defaults: Record<string, number>, now: Percents): Record<string, number> {
  const plain = percents(defaults, {});
  const changed = Object.entries(now).filter(([group, percent]) => plain[group] !== percent);
  return Object.fromEntries(changed.map(([group, percent]) => [group, percent / 100]));
}

export function sum(now: Percents): number {
  return Object.values(now).reduce((all, percent) => all + percent, 0);
}
