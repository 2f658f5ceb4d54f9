/** Each room is its own piece of the page, fetched when it is first opened. */

import type { Component } from "svelte";
import type { Room } from "$/state/route.svelte";

export const ROOMS: Record<Exclude<Room["name"], "lost">, () => Promise<{ default: Component }>> = {
  shelf: () => import("$/rooms/shelf/Shelf.svelte"),
  desk: () => import("$/rooms/desk/Desk.svelte"),
  story: () => import("$/rooms/story/Story.svelte"),
  personas: () => import("$/rooms/personas/Personas.svelte"),
  training: () => import("$/rooms/training/Training.svelte"),
  models: () => import("$/rooms/models/Models.svelte"),
  settings: () => import("$/rooms/settings/Settings.svelte"),
};
