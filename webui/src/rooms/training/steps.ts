/** The six steps of a voice, and where each lives in the address. */

import { route } from "$/state/route.svelte";
import type { Draft } from "./draft.svelte";

export const STEPS = ["texts", "samples", "recipe", "train", "compare", "publish"] as const;
export type Step = (typeof STEPS)[number];

export function stepOf(told: string | undefined): Step {
  return STEPS.find((step) => step === told) ?? "texts";
}

export function go(step: Step, run?: string | null): void {
  route.go({ name: "training", step, ...(run && { run }) });
}

/** Whether a step has what the next one needs. */
export function isDone(step: Step, draft: Draft, runDone: boolean): boolean {
  switch (step) {
    case "texts":
      return draft.uploads.length > 0 || draft.work !== null || draft.dataset !== null;
    case "samples":
      return draft.dataset !== null;
    case "recipe":
      return draft.run !== null;
    case "train":
      return runDone;
    case "compare":
      return Object.keys(draft.votes).length > 0;
    case "publish":
      return draft.adapter !== null;
  }
}
