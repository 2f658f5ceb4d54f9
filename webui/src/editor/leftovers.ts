/** Texts that were typed and did not reach the server before their page was closed. */

import { Refusal } from "$/api/client";
import type { Copy } from "./copies";
import { unreached, type Ports } from "./saving";

/** Copies of a chapter whose tab is closed, and this tab's own from an earlier opening. */
export async function orphans(ports: Ports, chapter?: string): Promise<Copy[]> {
  const { copies, tabs } = ports;
  const kept = await copies.list(chapter);
  const living = await tabs.living(kept.map((copy) => copy.tab));
  return kept.filter((copy) => copy.tab === tabs.id || !living.has(copy.tab));
}

/** Saves what was left of every chapter but `open`. What was changed elsewhere too waits until
 * its chapter is opened, and is then asked about. Ends quietly when nobody answers. */
export async function syncLeftovers(ports: Ports, open: string | null): Promise<void> {
  for (const copy of await orphans(ports)) {
    if (copy.chapter === open) continue;
    const away = await ports.tabs.alone(`save.${copy.chapter}`, () => sync(ports, copy));
    if (away) return;
  }
}

/** True when nobody answered. */
async function sync(ports: Ports, copy: Copy): Promise<boolean> {
  const { server, copies } = ports;
  const wish = { ...copy.wish, origin: copy.wish.origin ?? ("synced" as const) };
  try {
    const saved = await server.save(copy.work, copy.chapter, copy.text, copy.base, wish);
    await copies.drop(copy.chapter, copy.tab);
    ports.saved(copy.chapter, { revision: saved.revision, text: copy.text }, saved.chars);
    return false;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.code !== "stale_revision") return unreached(error);
    const now = await server.load(copy.work, copy.chapter).catch(() => null);
    if (now?.text === copy.text) await copies.drop(copy.chapter, copy.tab);
    return now === null;
  }
}
