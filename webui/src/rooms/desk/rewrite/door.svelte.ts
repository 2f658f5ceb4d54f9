/** The way to the rewriting, which is fetched when there is something to rewrite. */

import { toasts } from "$/state/toasts.svelte";
import type { Entered } from "./joined";
import type { Rewriting, State } from "./rewriting.svelte";

class Door {
  /** The rewriting, once the author has asked for it. */
  machine = $state.raw<Rewriting | null>(null);
  #entered: Promise<Entered> | null = null;

  get state(): State {
    return this.machine?.state ?? "closed";
  }

  get busy(): boolean {
    return this.machine?.busy ?? false;
  }

  /** Something is selected: it may be asked for in a moment. */
  near(): void {
    this.#enter().catch(() => {});
  }

  /** Opens the bar for what is selected. */
  async openBar(): Promise<void> {
    try {
      const { rewriting } = await this.#enter();
      rewriting.openBar();
    } catch (error) {
      toasts.error(error);
    }
  }

  /** Stops what is being written, or puts everything away. */
  escape(): void {
    if (this.busy) this.machine?.stop();
    else this.machine?.close();
  }

  /** The paper goes. */
  leave(): void {
    void this.#entered?.then(
      ({ leave }) => leave(),
      () => {},
    );
    this.#entered = this.machine = null;
  }

  #enter(): Promise<Entered> {
    if (this.#entered) return this.#entered;
    const entered: Promise<Entered> = import("./joined").then(({ enter }) => {
      const found = enter();
      if (this.#entered === entered) this.machine = found.rewriting;
      return found;
    });
    entered.catch(() => this.#entered === entered && (this.#entered = null));
    return (this.#entered = entered);
  }
}

export const door = new Door();
