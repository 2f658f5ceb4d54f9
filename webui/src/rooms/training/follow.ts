/** What the server tells of something that goes on, until it is over; a lost line is taken up again. */

import { offline, refusal, Refusal } from "$/api/client";
import { events, type ServerEvent } from "$/api/events";

const AGAIN_MS = 2000;

/** The events of one answer. Throws Refusal or AbortError. */
async function* once(path: string, signal: AbortSignal): AsyncGenerator<ServerEvent> {
  const answer = await fetch(path, { signal }).catch((error: unknown) => {
    throw signal.aborted ? error : offline();
  });
  if (!answer.ok) throw refusal(await answer.json().catch(() => null), answer.status);
  if (answer.body) yield* events(answer.body);
}

export interface Listener {
  /** Where to ask, anew for each try. */
  path: () => string;
  heard: (event: ServerEvent) => void;
  /** The server's last word was heard: there is no more to come. */
  over: () => boolean;
  /** It was refused for good: it is not there. */
  gone?: (error: Refusal) => void;
}

/** Follows until it is over; the answer stops following. */
export function follow(listener: Listener): () => void {
  const stop = new AbortController();
  void following(listener, stop.signal);
  return () => stop.abort();
}

async function following(listener: Listener, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      for await (const event of once(listener.path(), signal)) {
        if (signal.aborted) return;
        listener.heard(event);
      }
      if (listener.over()) return;
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Refusal && error.status >= 400 && error.status < 500)
        return listener.gone?.(error);
    }
    await new Promise((go) => setTimeout(go, AGAIN_MS));
  }
}
