/** The messages of a conversation as a tree, of which one path is on the page. */

export interface Node {
  id: string;
  parent_id: string | null;
  number: number;
}

export class Tree<M extends Node> {
  readonly #byId = new Map<string, M>();
  readonly #children = new Map<string | null, M[]>();

  constructor(messages: readonly M[]) {
    for (const message of [...messages].sort((one, other) => one.number - other.number)) {
      this.#byId.set(message.id, message);
      const siblings = this.#children.get(message.parent_id) ?? [];
      siblings.push(message);
      this.#children.set(message.parent_id, siblings);
    }
  }

  get(id: string | null): M | null {
    return (id !== null && this.#byId.get(id)) || null;
  }

  /** From the first message to this one. */
  path(leaf: string | null): M[] {
    const found: M[] = [];
    for (let at = this.get(leaf); at; at = this.get(at.parent_id)) found.push(at);
    return found.reverse();
  }

  /** The message's versions, itself among them, in the order in which they were made. */
  versions(message: M): M[] {
    return this.#children.get(message.parent_id) ?? [message];
  }

  /** Where the conversation could stand: every message that nothing was said after, greetings
   * that were not answered left out while another was. */
  leaves(): M[] {
    const ends = [...this.#byId.values()].filter(({ id }) => !this.#children.has(id));
    const answered = ends.filter((message) => message.parent_id !== null);
    return answered.length ? answered : ends.slice(0, 1);
  }

  /** Which branch a message stands on: that of the first leaf below it. */
  branch(leaf: string | null): number {
    return this.leaves().findIndex((end) => this.path(end.id).some(({ id }) => id === leaf));
  }
}
