/** From the side panel to a place in the book. */

import { manuscript } from "$/editor/manuscript.svelte";
import { chrome } from "$/state/chrome.svelte";
import { route } from "$/state/route.svelte";
import { toPoints } from "$/text/points";

/** Opens the place with `words` lit up; a sheet is put away for it. */
export function goTo(place: { chapter_id: string; offset: number }, words = ""): void {
  const { work, chapter } = manuscript;
  const end = place.offset + toPoints(words, words.length);
  chrome.sheet = null;
  if (place.chapter_id === chapter) manuscript.goto(place.offset, end);
  else if (work)
    route.go({ name: "desk", work, chapter: place.chapter_id, span: [place.offset, end] });
}
