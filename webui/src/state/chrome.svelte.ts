import { MediaQuery } from "svelte/reactivity";

/** The window has no room for the side panel: it lies over the text as a sheet. */
export const narrow = new MediaQuery("max-width: 1100px");
/** Nor for the tree. */
export const narrower = new MediaQuery("max-width: 900px");

/** What the open room puts into the bar at the top. */
class Chrome {
  /** Where the author is: the chapter, and what it stands in. */
  crumb = $state<{ title: string; path: string } | null>(null);
  /** The room has a side panel that the bar's button toggles. */
  hasSide = $state(false);
  hasTree = $state(false);
  /** What the room calls the two, where they are not the desk's contents and context. */
  panels = $state.raw<{ tree: string; side: string } | null>(null);
  /** The sheets of a narrow window; wide ones show the panels as `look` says. */
  sheet = $state<"tree" | "side" | null>(null);
  search = $state(false);
  shortcuts = $state(false);
  /** The author is being shown round. */
  tour = $state(false);
}
export const chrome = new Chrome();
