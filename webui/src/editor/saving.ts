/** One chapter's text on its way to the server: saved by itself, never over a newer text.
 *
 *     saved ── changed() ──▶ dirty ── idle 800 ms, 5 s at most ──▶ saving ──▶ saved
 *                                        │ nobody answers ──▶ offline (tried again)
 *                                        │ changed elsewhere ──▶ conflict (settle)
 *                                        └ refused ──▶ locked | error
 *
 * In every state but `saved` a copy of the text lies in this browser (`copies.ts`).
 */

import { Refusal } from "$/api/client";
import type { Copies } from "./copies";
import { unbroken } from "./schema";
import type { Server, Version, Wish } from "./server";
import type { Tabs } from "./tabs";

export const IDLE_MS = 800;
export const LONGEST_MS = 5_000;
export const COPY_MS = 300;
const RETRY_MS = [5_000, 10_000, 20_000, 60_000];
/** Browsers refuse a keepalive request with a larger body than 64 KiB. */
const KEEPALIVE_BYTES = 60_000;

export type SaveState =
  "loading" | "saved" | "dirty" | "saving" | "offline" | "conflict" | "locked" | "error";
export type Choice = "mine" | "theirs" | "both";

/** Where the text is read when it is time to save it. */
export interface Source {
  text(): string;
  /** An input method is writing: what it shows is not the author's text yet. */
  composing(): boolean;
}

export interface Ports {
  server: Server;
  copies: Copies;
  tabs: Tabs;
  /** What a text is called that the author kept beside another one. */
  otherName: () => string;
  /** The state, or what is told about it, is another. */
  told: (saving: Saving) => void;
  /** The server has `version` now. */
  saved: (chapter: string, version: Version, chars: number) => void;
}

export class Saving {
  state: SaveState = "saved";
  /** Why it is not saved, in the server's words. */
  sentence: string | null = null;
  /** What another place made of the chapter, until the author has chosen. */
  theirs: Version | null = null;
  #base: Version;
  #source: Source;
  #dirty = false;
  #edits = 0;
  #wish: Wish = {};
  #queue: Promise<unknown> = Promise.resolve();
  #since = 0;
  #failures = 0;
  #left = false;
  #saveTimer: ReturnType<typeof setTimeout> | undefined;
  #copyTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly work: string,
    readonly chapter: string,
    base: Version,
    source: Source,
    readonly ports: Ports,
  ) {
    this.#base = base;
    this.#source = source;
    // A text with foreign line breaks is shown with ours: offsets agree once it is saved.
    this.#dirty = unbroken(base.text) !== base.text;
  }

  get base(): Version {
    return this.#base;
  }

  get dirty(): boolean {
    return this.#dirty;
  }

  /** The text is another than it was. Costs nothing that grows with the text. */
  changed(wish: Wish = {}): void {
    this.#edits++;
    if (!this.#dirty) this.#since = Date.now();
    this.#dirty = true;
    Object.assign(this.#wish, wish);
    this.#copyTimer ??= setTimeout(() => void this.#copy(), COPY_MS);
    if (this.state === "saved" || this.state === "error") this.#become("dirty");
    if (this.state === "dirty" || this.state === "saving") this.#saveSoon();
  }

  /** Saves what there is; the server's revision. Throws Refusal where it could not. */
  flush(keepalive = false): Promise<number> {
    clearTimeout(this.#saveTimer);
    const turn = this.#queue.then(() => this.#save(keepalive));
    this.#queue = turn.catch(() => {});
    return turn;
  }

  /** Tries again at once what could not be saved because nobody answered. */
  again(): void {
    if (this.state === "offline" && !this.#left) void this.flush().catch(() => {});
  }

  /** The page may be gone in a moment. */
  hidden(): void {
    if (!this.#dirty) return;
    this.ports.copies.gasp(this.#asCopy());
    void this.#copy();
    const text = this.#source.text();
    const small = new TextEncoder().encode(JSON.stringify(text)).length < KEEPALIVE_BYTES;
    if (this.state !== "conflict") void this.flush(small).catch(() => {});
  }

  /** The author turns to another chapter: what is unsaved goes on by itself, as it is now. */
  async leave(): Promise<void> {
    const text = this.#source.text();
    this.#left = true;
    this.#source = { text: () => text, composing: () => false };
    clearTimeout(this.#saveTimer);
    if (!this.#dirty) return;
    await this.#copy();
    if (!this.theirs) await this.flush().catch(() => {});
  }

  /** The server has this text, and it is shown. */
  adopt(version: Version): void {
    this.#base = version;
    this.#clean();
  }

  /** The chapter was changed elsewhere while it was changed here: the author will choose. */
  clash({ revision, text }: Version): void {
    clearTimeout(this.#saveTimer);
    this.theirs = { revision, text };
    void this.#copy();
    this.#become("conflict");
  }

  /** The shown text was found in this browser; it was made from revision `base`. */
  takeUp(base: number, wish: Wish): void {
    const theirs = this.#base;
    this.changed({ ...wish, origin: wish.origin ?? "synced" });
    if (base === theirs.revision) return;
    this.#base = { revision: base, text: "" };
    this.clash(theirs);
  }

  /** Ends a conflict. Both texts become revisions whatever is chosen, so nothing is lost.
   *
   * Returns the text to show instead of the author's, or null. Throws Refusal; then the
   * choice is open still.
   */
  async settle(choice: Choice): Promise<string | null> {
    const theirs = this.theirs;
    if (!theirs) return null;
    const { server } = this.ports;
    const before = this.#base;
    this.theirs = null;
    this.#base = theirs;
    try {
      await this.flush();
      if (choice === "mine") return null;
      if (choice === "both") {
        await server.snapshot(this.work, this.chapter, this.ports.otherName(), "author");
      }
      const { revision } = await server.restore(this.work, this.chapter, theirs.revision);
      this.#took({ revision, text: theirs.text });
      this.#clean();
      return theirs.text;
    } catch (error) {
      // Unless the author's text went through (theirs is then a revision before it).
      if (this.#base === theirs && !this.theirs) {
        this.#base = before;
        this.clash(theirs);
      }
      throw error;
    }
  }

  async #save(keepalive: boolean): Promise<number> {
    if (this.theirs) throw stale();
    if (!this.#dirty) return this.#base.revision;
    const seen = this.#edits;
    const text = whole(this.#source.text());
    const wish = this.#wish;
    if (text === this.#base.text && wish.generation === undefined) {
      this.#clean();
      return this.#base.revision;
    }
    this.#wish = {};
    this.#become("saving");
    try {
      await this.#put(text, wish, keepalive);
    } catch (error) {
      this.#wish = { ...wish, ...this.#wish };
      return await this.#refused(error, text);
    }
    this.#failures = 0;
    if (this.#edits === seen) this.#clean();
    else {
      this.#since = Date.now();
      this.#become("dirty");
      this.#saveSoon();
    }
    return this.#base.revision;
  }

  async #put(text: string, wish: Wish, keepalive: boolean): Promise<void> {
    const { server, tabs } = this.ports;
    const put = () =>
      server.save(this.work, this.chapter, text, this.#base.revision, wish, keepalive);
    // A page that goes away has no time to wait for its turn; the revision guards the text.
    const saved = keepalive ? await put() : await tabs.alone(`save.${this.chapter}`, put);
    this.#took({ revision: saved.revision, text }, saved.chars);
  }

  #took(version: Version, chars = -1): void {
    this.#base = version;
    this.ports.tabs.tell({ chapter: this.chapter, ...version });
    this.ports.saved(this.chapter, version, chars);
  }

  async #refused(error: unknown, text: string): Promise<number> {
    void this.#copy();
    if (!(error instanceof Refusal)) {
      this.#become("error", String(error));
      throw error;
    }
    if (error.code === "stale_revision") return this.#compare(text);
    if (error.code === "chapter_locked") this.#become("locked", error.message);
    else if (unreached(error)) {
      this.#become("offline", error.code === "offline" ? null : error.message);
      const wait = RETRY_MS[Math.min(this.#failures++, RETRY_MS.length - 1)];
      this.#saveSoon(wait);
    } else this.#become("error", error.message);
    throw error;
  }

  /** Another revision is current: perhaps it says the same, or what this text was made from. */
  async #compare(text: string): Promise<number> {
    const theirs = await this.ports.server.load(this.work, this.chapter).catch((error) => error);
    if (theirs instanceof Error) return this.#refused(theirs, text);
    if (theirs.text === text || theirs.text === this.#base.text) {
      this.#base = { revision: theirs.revision, text: theirs.text };
      return this.#save(false);
    }
    this.clash(theirs);
    throw stale();
  }

  #clean(): void {
    clearTimeout(this.#saveTimer);
    clearTimeout(this.#copyTimer);
    this.#copyTimer = undefined;
    this.#dirty = false;
    this.#wish = {};
    this.theirs = null;
    void this.ports.copies.drop(this.chapter, this.ports.tabs.id);
    this.#become("saved");
  }

  #saveSoon(wait = Math.min(IDLE_MS, this.#since + LONGEST_MS - Date.now())): void {
    clearTimeout(this.#saveTimer);
    if (this.#left) return;
    this.#saveTimer = setTimeout(
      () => {
        if (this.#source.composing()) this.#saveSoon(COPY_MS);
        else void this.flush().catch(() => {});
      },
      Math.max(0, wait),
    );
  }

  async #copy(): Promise<void> {
    clearTimeout(this.#copyTimer);
    this.#copyTimer = undefined;
    if (!this.#dirty) return;
    await this.ports.copies.put(this.#asCopy());
    // The server may have got the text while the copy was on its way into the database.
    if (!this.#dirty) await this.ports.copies.drop(this.chapter, this.ports.tabs.id);
  }

  #asCopy() {
    return {
      work: this.work,
      chapter: this.chapter,
      tab: this.ports.tabs.id,
      text: this.#source.text(),
      base: this.#base.revision,
      at: Date.now(),
      wish: { ...this.#wish },
    };
  }

  #become(state: SaveState, sentence: string | null = null): void {
    this.state = state;
    this.sentence = sentence;
    this.ports.told(this);
  }
}

/** Nobody answered, or nobody who knows the author: the same text may be taken later. */
export function unreached(error: Refusal): boolean {
  const { status, retryable } = error;
  return retryable || status === 0 || status === 401 || status === 403 || status >= 500;
}

/** What JSON can carry: half a character cannot travel. */
function whole(text: string): string {
  return text.replace(/\p{Surrogate}/gu, "\ufffd");
}

function stale(): Refusal {
  return new Refusal(
    { code: "stale_revision", message: "这一章在别处也改过，请先选留哪一份。" },
    409,
  );
}
