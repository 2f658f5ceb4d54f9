/** What the address asks for, asked for before the page stands: its room, and at the desk the book.
 *
 * The answers wait in the browser for whoever asks the same a moment later.
 */

import { ROOMS } from "./rooms";
import { route } from "./state/route.svelte";

export function ahead(): void {
  const { room } = route;
  if (room.name === "lost") return;
  // Whoever opens it says why it could not be fetched.
  ROOMS[room.name]().catch(() => {});
  if (room.name !== "desk") return;
  const work = `/api/works/${room.work}`;
  if (room.chapter) expect(`${work}/chapters/${room.chapter}`);
  for (const part of ["", "/volumes", "/chapters", "/characters"]) expect(work + part);
}

function expect(href: string): void {
  const link = document.createElement("link");
  Object.assign(link, { rel: "preload", as: "fetch", crossOrigin: "anonymous", href });
  document.head.append(link);
}
