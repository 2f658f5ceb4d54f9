/** The room’s words, by step. */

import { words } from "$/words/index.svelte";
import * as room from "./words/room";
import * as texts from "./words/texts";
import * as making from "./words/making";
import * as recipe from "./words/recipe";
import * as running from "./words/running";
import * as publishing from "./words/publishing";

export const t = words(
  { ...room.zh, ...texts.zh, ...making.zh, ...recipe.zh, ...running.zh, ...publishing.zh },
  { ...room.en, ...texts.en, ...making.en, ...recipe.en, ...running.en, ...publishing.en },
);

/** The word of a recipe's key or choice; names of methods stay as they are. */
export function fieldWord(key: string): string {
  const last = key.split(".").at(-1)!;
  const name = last === "steps" ? "steps_" : last;
  const told = (t as unknown as Record<string, string | undefined>)[name];
  return told ?? KINDS[last] ?? last;
}

const KINDS: Record<string, string> = {
  lora: "LoRA",
  rslora: "rsLoRA",
  dora: "DoRA",
  pissa: "PiSSA",
  qlora: "QLoRA",
  full: "Full",
  galore: "GaLore",
  badam: "BAdam",
};
