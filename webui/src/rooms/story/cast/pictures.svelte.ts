import { of } from "../ask";
import type { Person } from "../stores";

/** A portrait's address stays the same when the picture is another: each change asks anew. */
class Pictures {
  #versions = $state<Record<string, number>>({});

  version(id: string): number {
    return this.#versions[id] ?? 0;
  }
  changed(id: string): void {
    this.#versions[id] = Date.now();
  }
}
export const pictures = new Pictures();

/** What `Face` shows of a character. */
export function faceOf(work: string, { id, name, color, portrait }: Person) {
  const url = of(work, "characters", id, "portrait");
  return { name, color, picture: portrait ? `${url}?${pictures.version(id)}` : null };
}
