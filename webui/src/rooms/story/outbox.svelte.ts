/** Changes on their way to the server: they wait for a pause, for a lost service, for another try.
 *
 * A change lies in localStorage until the server has it, so that neither a reload nor a crash
 * loses it. Two changes of the same row become one; of the same field the last one counts.
 */

import { isOffline, Refusal } from "$/api/client";
import { engine } from "$/state/engine.svelte";
import { ask } from "./ask";

export type Fields = Record<string, unknown>;
/** Told what the server made of a change, and which fields it was; null where a change was given up. */
type Told = (row: unknown, sent: Fields) => void;

export const IDLE_MS = 600;
const AGAIN_MS = 5000;
const KEPT = "yanchi.outbox.";

interface Waiting {
  fields: Fields;
  timer?: ReturnType<typeof setTimeout> | undefined;
  /** The server would not have it; it waits for the author's next change. */
  refused?: string;
}

export class Outbox {
  /** What is not saved yet, by address. */
  #waiting = new Map<string, Waiting>();
  #going = new Map<string, Promise<void>>();
  #listeners = new Map<string, Set<Told>>();
  /** How many rows have changes that the server does not have. */
  open = $state(0);
  /** What the server would not have, and why; the last one. */
  refused = $state<string | null>(null);
  /** It waits for the service to come back. */
  away = $state(false);

  constructor(private store: Storage = localStorage) {
    for (const key of Object.keys(store)) {
      if (!key.startsWith(KEPT)) continue;
      const fields = parsed(store.getItem(key));
      if (fields) this.#waiting.set(key.slice(KEPT.length), { fields });
      else store.removeItem(key);
    }
    this.#count();
  }

  /** The fields of a row that are not saved yet. */
  pending(url: string): Fields {
    return this.#waiting.get(url)?.fields ?? {};
  }

  put(url: string, fields: Fields): void {
    const before = this.#waiting.get(url);
    clearTimeout(before?.timer);
    const merged = { ...before?.fields, ...fields };
    const timer = setTimeout(() => void this.send(url), IDLE_MS);
    this.#waiting.set(url, { fields: merged, timer });
    this.#keep(url, merged);
    this.#count();
  }

  /** Forgets what waits for a row that goes. */
  drop(url: string): void {
    clearTimeout(this.#waiting.get(url)?.timer);
    this.#waiting.delete(url);
    this.store.removeItem(KEPT + url);
    this.#count();
  }

  /** Gives up what the server would not have. */
  discard(): void {
    for (const [url, { refused }] of [...this.#waiting]) {
      if (!refused) continue;
      this.drop(url);
      this.#tell(url, null, {});
    }
  }

  /** Called with every answer for a row below this address. */
  hear(base: string, told: Told): () => void {
    const all = this.#listeners.get(base) ?? new Set();
    this.#listeners.set(base, all.add(told));
    return () => all.delete(told);
  }

  /** Sends everything that waits. */
  async flush(): Promise<void> {
    await Promise.all([...this.#waiting.keys()].map((url) => this.send(url)));
  }

  /** Sends what waits for one row, after what is already going there. */
  async send(url: string): Promise<void> {
    await this.#going.get(url);
    const waiting = this.#waiting.get(url);
    if (!waiting || waiting.refused) return;
    clearTimeout(waiting.timer);
    const going = this.#try(url, waiting).finally(() => this.#going.delete(url));
    this.#going.set(url, going);
    await going;
  }

  async #try(url: string, sent: Waiting): Promise<void> {
    const fields = { ...sent.fields };
    try {
      const row = await ask("patch", url, fields);
      this.away = false;
      if (this.#waiting.get(url) === sent) this.drop(url);
      this.#tell(url, row, fields);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.away = isOffline(error);
      this.#refuse(url, sent, error);
    } finally {
      this.#count();
    }
  }

  #refuse(url: string, sent: Waiting, error: Refusal): void {
    if (this.#waiting.get(url) !== sent) return; // there is already another wish
    if (this.away || error.retryable || error.status >= 500) {
      sent.timer = setTimeout(() => void this.send(url), AGAIN_MS);
      return;
    }
    sent.refused = this.refused = error.message;
  }

  #tell(url: string, row: unknown, fields: Fields): void {
    const base = url.slice(0, url.lastIndexOf("/"));
    for (const told of this.#listeners.get(base) ?? []) told(row, fields);
  }

  #keep(url: string, fields: Fields): void {
    try {
      this.store.setItem(KEPT + url, JSON.stringify(fields));
    } catch {
      // No room left in this browser: it still waits in memory.
    }
  }

  #count(): void {
    this.open = this.#waiting.size;
    if (![...this.#waiting.values()].some((one) => one.refused)) this.refused = null;
  }
}

function parsed(text: string | null): Fields | null {
  try {
    const found: unknown = JSON.parse(text ?? "");
    return typeof found === "object" && found !== null ? (found as Fields) : null;
  } catch {
    return null;
  }
}

export const outbox = new Outbox();
void outbox.flush(); // what the last page left
engine.onBack(() => void outbox.flush());
addEventListener("pagehide", () => void outbox.flush());
addEventListener("visibilitychange", () => document.hidden && void outbox.flush());
