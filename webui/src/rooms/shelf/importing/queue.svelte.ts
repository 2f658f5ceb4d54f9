/** Files on their way in: read one after the other, looked at, corrected, kept or let go. */

import { Refusal } from "$/api/client";
import { announce } from "$/state/announce.svelte";
import { route } from "$/state/route.svelte";
import { toasts } from "$/state/toasts.svelte";
import { count } from "$/words/index.svelte";
import { shelf } from "../shelf.svelte";
import { asRead, type Corrections } from "./corrections";
import { BY_ENCODING, type Preview } from "./preview";
import * as server from "./server";
import { t } from "./words";

export type State = "waiting" | "sending" | "reading" | "ready" | "saving" | "failed";

/** One file. */
export class Item {
  state = $state<State>("waiting");
  /** How much of it is sent, 0 to 1. */
  sent = $state(0);
  preview = $state.raw<Preview | null>(null);
  told = $state.raw<Corrections>(asRead("", ""));
  /** What went wrong, in the server's words; what was read before stays. */
  error = $state<string | null>(null);
  /** Another encoding may mend it. */
  encodable = $state(false);
  encoding: string | null = null;
  /** The server has not got the file (any more). */
  unsent = $state(true);
  past = $state.raw<Corrections[]>([]);
  readonly id = crypto.randomUUID();
  #abort = new AbortController();
  #turn = 0;

  constructor(readonly file: File) {}

  async send(): Promise<void> {
    Object.assign(this, { state: "sending", sent: 0, error: null });
    try {
      const sent = (share: number) => {
        this.sent = share;
        if (share >= 1) this.state = "reading";
      };
      const preview = await server.send(this.file, this.encoding, sent, this.#abort.signal);
      this.told = { ...asRead(preview.title, preview.author), encoding: this.encoding };
      Object.assign(this, { preview, state: "ready", unsent: false, past: [] });
      announce(t.read(preview.title, preview.chapters.length));
    } catch (error) {
      this.#failed(error);
    }
  }

  /** The title and the author need no second reading. */
  name(change: Partial<Pick<Corrections, "title" | "author">>): void {
    this.told = { ...this.told, ...change };
  }

  /** Reads the file again under other corrections; those it cannot be read under are not kept. */
  async correct(next: Corrections): Promise<boolean> {
    const before = this.told;
    const done = await this.#read(next);
    if (done) this.past = [...this.past, before];
    return done;
  }

  async back(): Promise<void> {
    const before = this.past.at(-1);
    if (!before) return;
    const { title, author } = this.told;
    if (await this.#read({ ...before, title, author })) this.past = this.past.slice(0, -1);
  }

  /** The work that it became; null where it could not. */
  async commit(): Promise<{ work: string; title: string; chapters: number } | null> {
    if (!this.preview) return null;
    Object.assign(this, { state: "saving", error: null });
    try {
      return await server.commit(this.preview.upload, this.told);
    } catch (error) {
      this.#failed(error);
      return null;
    }
  }

  drop(): void {
    this.#turn++;
    this.#abort.abort();
    if (this.preview) void server.drop(this.preview.upload).catch(() => {});
  }

  async #read(next: Corrections): Promise<boolean> {
    if (!this.preview) return false;
    const before = this.told;
    const turn = ++this.#turn;
    Object.assign(this, { told: next, state: "reading", error: null });
    try {
      const preview = await server.preview(this.preview.upload, next);
      if (turn !== this.#turn) return false;
      Object.assign(this, { preview, state: "ready" });
      return true;
    } catch (error) {
      if (turn !== this.#turn) return false;
      this.told = { ...before, title: this.told.title, author: this.told.author };
      this.#failed(error);
      return false;
    }
  }

  #failed(error: unknown): void {
    if (error instanceof DOMException && error.name === "AbortError") return;
    this.error = error instanceof Error ? error.message : String(error);
    const code = error instanceof Refusal ? error.code : "";
    if (code === "upload_not_found") this.unsent = true;
    this.encodable = BY_ENCODING.has(code);
    this.state = this.preview && !this.unsent ? "ready" : "failed";
  }
}

class Queue {
  items = $state.raw<Item[]>([]);
  chosen = $state<string | null>(null);
  readonly current: Item | null = $derived(
    this.items.find((item) => item.id === this.chosen) ?? this.items[0] ?? null,
  );
  #line: Promise<unknown> = Promise.resolve();

  take(files: Iterable<File>): void {
    const fresh = [...files].map((file) => new Item(file));
    this.items = [...this.items, ...fresh];
    this.chosen ??= fresh[0]?.id ?? null;
    for (const item of fresh) this.#send(item);
  }

  again(item: Item, encoding = item.encoding): void {
    item.encoding = encoding;
    item.state = "waiting";
    this.#send(item);
  }

  drop(item: Item): void {
    item.drop();
    this.#out(item);
  }

  /** Keeps the file as a work. The last one opens it; before others it stands on the shelf. */
  async commit(item: Item): Promise<void> {
    const made = await item.commit();
    if (!made) return;
    this.#out(item);
    const open = () => route.go({ name: "desk", work: made.work, chapter: null, span: null });
    if (!this.items.length) return open();
    const sentence = t.done(made.title, count(made.chapters));
    toasts.show({ kind: "told", sentence, action: { label: t.open, run: open } }, 8_000);
    await shelf.read();
  }

  #send(item: Item): void {
    // One at a time: a second large file does not slow the first one down.
    this.#line = this.#line.then(() => (this.items.includes(item) ? item.send() : undefined));
  }

  #out(item: Item): void {
    const at = this.items.indexOf(item);
    this.items = this.items.filter((one) => one !== item);
    if (this.chosen === item.id) this.chosen = (this.items[at] ?? this.items.at(-1))?.id ?? null;
  }
}

export const queue = new Queue();
