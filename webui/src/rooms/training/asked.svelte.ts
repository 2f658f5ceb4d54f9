/** What the advisor was asked, and what it said of the recipe as it was then. */

import { http, ok } from "$/api/client";
import { toasts } from "$/state/toasts.svelte";
import type { Job } from "./job.svelte";
import { placed, type Advised, type Recipe } from "./recipe";

class Asked {
  /** The job that works it out. */
  job = $state<string | null>(null);
  #advice = $state.raw<Advised[]>([]);
  #of = $state("");
  #placed = $derived(placed(this.#advice));

  get fields(): Map<string, Advised> {
    return this.#placed.fields;
  }

  get whole(): Advised[] {
    return this.#placed.whole;
  }

  isStale(recipe: Recipe): boolean {
    return this.#advice.length > 0 && this.#of !== JSON.stringify(recipe);
  }

  async ask(recipe: Recipe, probe: boolean): Promise<void> {
    try {
      const job = await ok(http.POST("/api/runs/advice", { body: { recipe, probe } }));
      this.#of = JSON.stringify(recipe);
      this.job = job.id;
    } catch (error) {
      toasts.error(error);
    }
  }

  heard(job: Job): void {
    if (job.id !== this.job) return;
    const told = (job.result as { advice?: Advised[] } | null | undefined)?.advice;
    if (told) this.#advice = told;
    // A failed one stays in sight with its reason.
    if (job.state === "done") this.job = null;
  }
}

export const asked = new Asked();
