/** Which of its faces the line above the beat shows: what goes on comes before what is so. */

import type { Lamp } from "$/state/engine.svelte";
import type { State } from "../attempts.svelte";

export function faceOf(state: State, lamp: Lamp, online: boolean): State {
  if (state !== "idle") return state;
  if (!online) return "offline";
  return lamp === "starting" ? "starting" : "idle";
}
