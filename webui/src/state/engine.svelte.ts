/** What the engine is doing, asked for as long as the page lives. */

import { api, type Health } from "$/api/client";

export type Lamp = "ready" | "busy" | "starting" | "down" | "none";

class Engine {
  health = $state<Health | null>(null);
  /** The service itself answers. */
  online = $state(true);
  lamp = $derived<Lamp>(lampOf(this.health, this.online));
  #back = new Set<() => void>();

  /** Calls `then` each time the service answers again after it did not. */
  onBack(then: () => void): () => void {
    this.#back.add(then);
    return () => this.#back.delete(then);
  }

  /** Somebody met a lost service (or a found one) before the next question was due. */
  seen(online: boolean): void {
    const back = online && !this.online;
    this.online = online;
    if (back) for (const then of this.#back) then();
  }

  async watch(): Promise<never> {
    for (;;) {
      this.health = await api.health().catch(() => null);
      this.seen(this.health !== null);
      const { health } = this;
      const calm = health?.engine.state === "ready" && health.generations === 0 && !health.training;
      await pause(calm ? 15_000 : 2_000);
    }
  }
}

export function lampOf(health: Health | null, online: boolean): Lamp {
  if (!online || health === null) return "down";
  const { state } = health.engine;
  if (state === "ready") return health.generations > 0 ? "busy" : "ready";
  if (state === "starting" || state === "restarting") return "starting";
  return state === "none" ? "none" : "down";
}

/** Waits `ms`, or goes on at once when the page is looked at again. */
function pause(ms: number): Promise<void> {
  return new Promise((go) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener("visibilitychange", looked);
      go();
    };
    const looked = () => document.hidden || done();
    const timer = setTimeout(done, ms);
    addEventListener("visibilitychange", looked);
  });
}

export const engine = new Engine();
