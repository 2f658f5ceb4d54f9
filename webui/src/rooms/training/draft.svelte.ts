/** The voice that is being made: what was chosen so far, kept in this browser. */

import { stored } from "$/state/stored.svelte";
import type { Asking } from "./asking";
import { set, type Recipe } from "./recipe";

export interface Source {
  id: string;
  filename: string;
}

export interface Draft {
  uploads: Source[];
  work: string | null;
  dataset: string | null;
  /** The job that makes the data set, while it does. */
  building: string | null;
  /** Ways of asking the served model, by what is made. */
  asking: Record<string, Asking>;
  recipe: Recipe;
  run: string | null;
  adapter: string | null;
  prompt: string;
  /** How often each side was chosen, by the adapter's folder; "" is the base. */
  votes: Record<string, number>;
}

const EMPTY: Draft = {
  uploads: [],
  work: null,
  dataset: null,
  building: null,
  asking: {},
  recipe: {},
  run: null,
  adapter: null,
  prompt: "",
  votes: {},
};

export const draft = stored<Draft>("yanchi.training", structuredClone(EMPTY));

/** These samples are what is learned from now on. */
export function choose(dataset: string): void {
  draft.dataset = dataset;
  draft.recipe = set(draft.recipe, "data", [dataset]);
}

/** Begins another voice; what was made stays among the data sets, runs and adapters. */
export function anew(): void {
  Object.assign(draft, structuredClone(EMPTY));
}
