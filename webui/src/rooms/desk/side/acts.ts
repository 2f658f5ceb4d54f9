/** What an author does with an earlier text. */

import { manuscript } from "$/editor/manuscript.svelte";
import { toasts } from "$/state/toasts.svelte";
import { c } from "$/words/common";
import { attempts } from "../attempts.svelte";
import type { Prompt } from "./groups";
import type { Generation } from "./history.svelte";
import { side } from "./side.svelte";
import { generation, why } from "./why.svelte";
import { t } from "./words";

/** Goes back to a revision; what there was stays in the history. True where the server took it. */
export async function restore(number: number): Promise<boolean> {
  return tried(async () => {
    await manuscript.restore(number);
    toasts.told(t.restoredTo(number));
  });
}

export async function copy(text: string): Promise<void> {
  await tried(async () => {
    await navigator.clipboard.writeText(text);
    toasts.told(c.copied);
  });
}

/** Offers what was written once again: at its old place while the text is the same, else at the caret. */
export async function lookAgain(row: Generation, index: number): Promise<void> {
  await tried(async () => {
    const full = await generation(manuscript.work!, row.id);
    const at = row.revision === manuscript.revision ? row.offset : undefined;
    const prompt = full.prompt as unknown as Prompt;
    attempts.recall({ id: row.id, outputs: full.outputs, prompt }, index, at);
    side.leave();
  });
}

/** Shows what went into it. */
export async function showWhy(row: Generation): Promise<void> {
  await tried(async () => {
    why.pick(await generation(manuscript.work!, row.id));
    side.show("why", true);
  });
}

async function tried(act: () => Promise<void>): Promise<boolean> {
  try {
    await act();
    return true;
  } catch (error) {
    toasts.error(error);
    return false;
  }
}
