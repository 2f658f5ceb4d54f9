/** Rows of one kind of a work, as the author sees them: what they change shows at once.
 *
 * What is not saved yet (the outbox) lies over what the server tells; of two writers the last
 * one counts, field by field, and is told of it. A deleted row is gone from sight at once and
 * from the server a little later, so that it can be had back whole.
 */

import { toasts } from "$/state/toasts.svelte";
import { c } from "$/words/common";
import { ask } from "./ask";
import { outbox, type Fields, type Outbox } from "./outbox.svelte";
import { t } from "./words";

export const UNDO_MS = 7000;

interface Row {
  id: string;
}

interface How<T> {
  outbox?: Outbox;
  /** Fields that the server reckons: another value of them is nobody's change. */
  derived?: (keyof T)[];
  /** Called with the list whenever it is another one. */
  mirror?: (list: T[]) => void;
}

export class Rows<T extends Row, New, Change> {
  list = $state.raw<T[]>([]);
  loading = $state(false);
  error = $state<string | null>(null);
  base = $state<string | null>(null);
  #doomed = new Map<string, { timer: ReturnType<typeof setTimeout>; go: () => void }>();
  #outbox: Outbox;
  #unhear: () => void = () => {};

  constructor(private how: How<T> = {}) {
    this.#outbox = how.outbox ?? outbox;
    addEventListener("pagehide", () => this.#settle());
  }

  /** Reads the rows at this address; at once where they are read already. */
  async open(base: string): Promise<void> {
    if (this.base === base && !this.error) return;
    this.#unhear();
    this.#settle();
    this.base = base;
    this.#show([]);
    this.#unhear = this.#outbox.hear(base, (row, sent) =>
      row === null ? void this.refresh() : this.#answered(row as T, sent),
    );
    await this.refresh();
  }

  async refresh(): Promise<void> {
    const base = this.base;
    if (base === null) return;
    this.loading = this.list.length === 0;
    try {
      const rows = await ask<T[]>("get", base);
      if (this.base !== base) return;
      this.error = null;
      this.#show(rows.filter((row) => !this.#doomed.has(row.id)).map((row) => this.#over(row)));
    } catch (error) {
      if (this.base === base) this.error = error instanceof Error ? error.message : String(error);
    } finally {
      if (this.base === base) this.loading = false;
    }
  }

  get(id: string | null | undefined): T | undefined {
    return this.list.find((row) => row.id === id);
  }

  /** The new row; undefined where the server would not, which is told. */
  async add(body: New): Promise<T | undefined> {
    const base = this.base;
    if (base === null) return undefined;
    try {
      const made = await ask<T>("post", base, body);
      if (this.base === base) this.#show([...this.list, made]);
      return made;
    } catch (error) {
      toasts.error(error);
      return undefined;
    }
  }

  change(id: string, change: Change): void {
    this.#put(id, change as object);
    this.#outbox.put(this.url(id), change as Fields);
  }

  /** Puts what a route answered in place of a row, what is not saved yet on top. */
  took(row: T): void {
    this.#show(this.list.map((one) => (one.id === row.id ? this.#over(row) : one)));
  }

  /** Everything anew, as a route answered it. */
  tookAll(rows: T[]): void {
    this.#show(rows.map((row) => this.#over(row)));
  }

  /** Takes a row away, with a way back for some seconds. `below` go with it. */
  remove(id: string, name: string, below: string[] = []): void {
    const row = this.get(id);
    if (!row) return;
    const before = this.list;
    const gone = new Set([id, ...below]);
    const url = this.url(id);
    const go = () => {
      this.#doomed.delete(id);
      for (const one of below) this.#doomed.delete(one);
      for (const one of gone) this.#outbox.drop(url.replace(id, one));
      void ask("delete", url).catch((error: unknown) => {
        toasts.error(error);
        void this.refresh();
      });
    };
    const timer = setTimeout(go, UNDO_MS);
    for (const one of gone) this.#doomed.set(one, { timer, go: one === id ? go : () => {} });
    this.#show(this.list.filter((one) => !gone.has(one.id)));
    const back = () => {
      if (!this.#doomed.has(id)) return;
      clearTimeout(timer);
      for (const one of gone) this.#doomed.delete(one);
      const now = new Map(this.list.map((one) => [one.id, one]));
      const kept = before.filter((one) => gone.has(one.id) || now.has(one.id));
      const later = this.list.filter((one) => !before.some((old) => old.id === one.id));
      this.#show([...kept.map((one) => now.get(one.id) ?? one), ...later]);
    };
    toasts.show(
      { kind: "told", sentence: t.removed(name), action: { label: c.undo, run: back } },
      UNDO_MS,
    );
  }

  url(id: string): string {
    return `${this.base}/${id}`;
  }

  /** What is to be deleted is deleted now. */
  #settle(): void {
    for (const { timer, go } of [...this.#doomed.values()]) {
      clearTimeout(timer);
      go();
    }
  }

  #over(row: T): T {
    return { ...row, ...(this.#outbox.pending(this.url(row.id)) as Partial<T>) };
  }

  #put(id: string, fields: object): void {
    const at = this.list.findIndex((row) => row.id === id);
    if (at >= 0) this.#show(this.list.with(at, { ...this.list[at]!, ...fields }));
  }

  /** The author's own fields stay as they typed them; what others changed is shown and told. */
  #answered(row: T, sent: Fields): void {
    const mine = this.get(row.id);
    if (!mine) return;
    const own = { ...sent, ...this.#outbox.pending(this.url(row.id)) };
    const fresh = { ...row, ...(own as Partial<T>) };
    const derived = new Set<keyof T>([...DERIVED, ...(this.how.derived ?? [])] as (keyof T)[]);
    const foreign = (Object.keys(row) as (keyof T)[]).some(
      (name) =>
        !(name in own) &&
        !derived.has(name) &&
        JSON.stringify(mine[name]) !== JSON.stringify(row[name]),
    );
    this.#put(row.id, fresh);
    if (foreign) toasts.told(t.elsewhere);
  }

  #show(list: T[]): void {
    this.list = list;
    this.how.mirror?.(list);
  }
}

const DERIVED = ["updated_at", "created_at", "position"];
