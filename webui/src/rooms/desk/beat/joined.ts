/** The attempts' ports, joined to the open manuscript, the ghost in it and the server. */

import { http, stream } from "$/api/client";
import type { Ghost } from "$/editor/ghost";
import { manuscript } from "$/editor/manuscript.svelte";
import type { Ports } from "./ports";
import { wishes } from "./wishes.svelte";

export function portsFor(ghost: Ghost): Ports {
  return {
    paper: manuscript,
    ghost,
    wish: () => wishes.wish(),
    ask: stream,
    refused,
    taken: () => wishes.happened(),
    frame: (draw) => void requestAnimationFrame(draw),
  };
}

/** Notes in the log that something was not wanted: nobody waits for it, and it may fail. */
export function refused(work_id: string, generation_id: string): void {
  const path = { work_id, generation_id };
  const body = { verdict: "refused" as const, candidate: 0 };
  http
    .POST("/api/works/{work_id}/generations/{generation_id}/verdict", { params: { path }, body })
    .catch(() => {});
}
