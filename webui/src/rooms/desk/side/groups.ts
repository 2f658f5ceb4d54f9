/** A prompt's tokens by what they are for. */

import type { Shapes } from "$/api/client";

export type Prompt = Shapes["PromptOut"];
export type Kept = Shapes["PlacedOut"];
export type Left = Shapes["LeftOut"];

/** In the order of the bar, each with its pigment. */
export const GROUPS = {
  system: "ink",
  beat: "rouge",
  cast: "azurite",
  lore: "malachite",
  threads: "gamboge",
  recap: "indigo",
  passages: "ochre",
  tail: "ash",
} as const;
export type Group = keyof typeof GROUPS;

export interface Sum {
  group: Group;
  tokens: number;
  kept: number;
  left: number;
}

/** Tokens and items of each group. What the items do not account for is the frame that they
 *  stand in, which is the system's. */
export function sums(prompt: Prompt): Sum[] {
  const found = (Object.keys(GROUPS) as Group[]).map((group) => ({
    group,
    tokens: tokensOf(prompt.kept.filter((item) => groupOf(item) === group)),
    kept: prompt.kept.filter((item) => groupOf(item) === group).length,
    left: prompt.dropped.filter((item) => groupOf(item) === group).length,
  }));
  found[0]!.tokens += Math.max(0, prompt.tokens - tokensOf(prompt.kept));
  return found;
}

/** Tokens that are left of the budget. */
export function free(prompt: Prompt): number {
  return Math.max(0, prompt.budget - prompt.tokens);
}

export function groupOf(item: { group: string }): Group {
  return item.group in GROUPS ? (item.group as Group) : "system";
}

export function pigment(item: { group: string }): string {
  return GROUPS[groupOf(item)];
}

function tokensOf(items: { tokens: number }[]): number {
  return items.reduce((all, { tokens }) => all + tokens, 0);
}

// Items that may not stand here whatever the room (retrieval/timeline.py): putting them in by
// hand would tell what is still to come.
const BARRED = [
  "此时还没有发生",
  "此时已经过去",
  "视角人物此时还不知道",
  "它所在的章节已不在，请重新指定从哪里起",
];

export function barred(item: Left): boolean {
  return BARRED.includes(item.reason) || item.id.startsWith("sheet:");
}

/** What an item is called: of a fact, or a line of a sheet, with what it is about. */
export function called({ title, source, text }: Left): string {
  const about = /^([^：]{1,60}（[^：]{1,40}）)：/u.exec(text)?.[1];
  return about?.startsWith(title) ? about : title || source;
}

/** The name by which an author's choice is kept: a passage's other part is the same passage. */
export function choiceOf(id: string): string {
  return id.replace(/:other$/, "");
}

/** What must stand whatever is chosen, like the text itself. */
export function fixed(item: Left, pinned: readonly string[]): boolean {
  return item.required && !pinned.includes(choiceOf(item.id));
}

export interface Choice {
  pinned: string[];
  excluded: string[];
}

/** The choice with an item pinned, excluded, or (null) neither. */
export function chosen(before: Choice, id: string, as: keyof Choice | null): Choice {
  const name = choiceOf(id);
  const without = (ids: string[]) => ids.filter((one) => one !== name);
  const after = { pinned: without(before.pinned), excluded: without(before.excluded) };
  if (as) after[as].push(name);
  return after;
}
