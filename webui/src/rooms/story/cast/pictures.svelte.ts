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
