/** Which room is open, from the address behind `#`: `/`, `/w/<work>/<chapter>/<start>-<end>`, …
 *
 * Addresses stay behind `#` so that the page can be served as plain files from any folder.
 */

export type Room =
  | { name: "shelf" }
  | { name: "desk"; work: string; chapter: string | null; span: [number, number] | null }
  | { name: "story"; work: string; tab: string; item: string | null }
  | { name: "personas"; persona: string | null; conversation: string | null }
  | { name: "training"; step?: string; run?: string }
  | { name: "models" }
  | { name: "settings"; section?: string }
  | { name: "lost" };

const ID = /^[0-9a-f]{32}$/;

/** The room that an address names; `lost` for one that names none. */
export function parse(hash: string): Room {
  const [room = "", ...rest] = hash
    .replace(/^#?\/?/, "")
    .split("/")
    .map(decodeURIComponent);
  const [first = "", second = "", third = ""] = rest;
  if (room === "") return { name: "shelf" };
  if (room === "w" && ID.test(first)) {
    if (second === "story")
      return { name: "story", work: first, tab: third || "cast", item: rest[3] ?? null };
    const span = /^(\d+)-(\d+)$/.exec(third);
    return {
      name: "desk",
      work: first,
      chapter: ID.test(second) ? second : null,
      span: span ? [Number(span[1]), Number(span[2])] : null,
    };
  }
  if (room === "personas")
    return { name: "personas", persona: first || null, conversation: second || null };
  if (room === "settings") return first ? { name: room, section: first } : { name: room };
  if (room === "training")
    return { name: room, ...(first && { step: first }), ...(second && { run: second }) };
  if (room === "models") return { name: room };
  return { name: "lost" };
}

/** The address of a room; the inverse of `parse`. */
export function address(room: Room): string {
  switch (room.name) {
    case "shelf":
    case "lost":
      return "#/";
    case "desk": {
      const span = room.span ? `/${room.span[0]}-${room.span[1]}` : "";
      return `#/w/${room.work}${room.chapter ? `/${room.chapter}${span}` : ""}`;
    }
    case "story":
      return `#/w/${room.work}/story/${room.tab}${room.item ? `/${room.item}` : ""}`;
    case "personas":
      return ["#/personas", room.persona, room.conversation].filter(Boolean).join("/");
    case "training":
      return ["#/training", room.step, room.run].filter(Boolean).join("/");
    case "settings":
      return room.section ? `#/settings/${room.section}` : "#/settings";
    default:
      return `#/${room.name}`;
  }
}

class Route {
  room = $state<Room>(parse(location.hash));
  /** The work last written in, so that 写作 leads back to it. */
  lastWork = $state<string | null>(localStorage.getItem("yanchi.work"));

  constructor() {
    addEventListener("hashchange", () => this.#follow());
    this.#follow();
  }

  go(room: Room): void {
    location.hash = address(room);
  }

  /** The same room at another place, without a step in the browser's history. */
  replace(room: Room): void {
    history.replaceState(null, "", address(room));
    this.#follow();
  }

  #follow(): void {
    this.room = parse(location.hash);
    if ("work" in this.room) {
      this.lastWork = this.room.work;
      localStorage.setItem("yanchi.work", this.room.work);
    }
  }
}

export const route = new Route();
