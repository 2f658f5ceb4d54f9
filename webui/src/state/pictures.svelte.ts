/** Pictures of characters, and what stands where there is none. */

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

interface Person {
  id: string;
  name: string;
  color: string;
  portrait: boolean;
}

/** What `Face` shows of a character. */
export function faceOf(work: string, { id, name, color, portrait }: Person) {
  const url = `/api/works/${work}/characters/${id}/portrait`;
  return { name, color, picture: portrait ? `${url}?${pictures.version(id)}` : null };
}
