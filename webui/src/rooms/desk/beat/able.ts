/** Waits for an engine that can write: it starts, or the service is away. */

import { api } from "$/api/client";
import { engine, lampOf } from "$/state/engine.svelte";

const ASK_MS = 2000;

/** Calls `then` whenever the engine is found able; until the returned function is called. */
export function whenAble(then: () => void): () => void {
  const timer = setInterval(() => void ask().then((able) => able && then()), ASK_MS);
  return () => clearInterval(timer);
}

async function ask(): Promise<boolean> {
  const health = await api.health().catch(() => null);
  engine.health = health;
  engine.seen(health !== null);
  const lamp = lampOf(health, health !== null);
  return lamp === "ready" || lamp === "busy";
}
