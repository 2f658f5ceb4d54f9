/** The other tabs of this browser: what they saved, which of them live, whose turn it is. */

export interface Told {
  chapter: string;
  revision: number;
  text: string;
}

export interface Tabs {
  /** This tab, until it is closed. */
  readonly id: string;
  /** Runs `work` while no other tab runs any under the same name. */
  alone<T>(name: string, work: () => Promise<T>): Promise<T>;
  /** Those of `ids` whose tab is still open. */
  living(ids: string[]): Promise<Set<string>>;
  /** Tells every other tab that a chapter was saved. */
  tell(saved: Told): void;
  listen(then: (saved: Told) => void): () => void;
}

const LIFE = "yanchi.tab.";

export function browserTabs(): Tabs {
  const id = crypto.randomUUID?.() ?? Math.random().toString(36).slice(2);
  const channel = "BroadcastChannel" in globalThis ? new BroadcastChannel("yanchi.saved") : null;
  // Locks need a secure context; without them the server's revisions alone tell texts apart.
  const locks = navigator.locks as LockManager | undefined;
  // Held as long as the page lives; a crashed page lets go.
  void locks?.request(LIFE + id, () => new Promise(() => {}));
  return {
    id,
    alone: (name, work) => (locks ? locks.request(`yanchi.${name}`, work) : work()) as never,
    async living(ids) {
      const held = (await locks?.query())?.held ?? [];
      const names = new Set(held.map((lock) => lock.name));
      return new Set(ids.filter((other) => other === id || names.has(LIFE + other)));
    },
    tell: (saved) => channel?.postMessage(saved),
    listen(then) {
      const heard = (event: MessageEvent<Told>) => then(event.data);
      channel?.addEventListener("message", heard);
      return () => channel?.removeEventListener("message", heard);
    },
  };
}
