/** The open work's threads, for the side panel. */

import { http, ok, type Shapes } from "$/api/client";
import type { Thread } from "./ledger";

class Threads {
  all = $state.raw<Thread[]>([]);
  refused = $state<string | null>(null);
  ready = $state(false);
  #work: string | null = null;

  async read(work: string): Promise<void> {
    if (work !== this.#work) Object.assign(this, { all: [], ready: false });
    this.#work = work;
    try {
      const params = { path: { work_id: work } };
      const all = await ok(http.GET("/api/works/{work_id}/threads", { params }));
      if (work === this.#work) Object.assign(this, { all, ready: true, refused: null });
    } catch (error) {
      if (work === this.#work) this.refused = (error as Error).message;
    }
  }

  /** Notes an event under a thread, or under a new one called `title`. Throws Refusal. */
  async note(work: string, thread: string | null, title: string, event: Shapes["EventNew"]) {
    const path = { work_id: work };
    if (thread === null) {
      const body = { title, events: [event] } as Shapes["ThreadNew"];
      await ok(http.POST("/api/works/{work_id}/threads", { params: { path }, body }));
    } else {
      await ok(
        http.POST("/api/works/{work_id}/threads/{thread_id}/events", {
          params: { path: { ...path, thread_id: thread } },
          body: event,
        }),
      );
    }
    await this.read(work);
  }
}

export const threads = new Threads();
