/** The open chapter: its text in the editor, its places, its way to the server and back.
 *
 * The one object that other parts use. Offsets are code points of the text unless said
 * otherwise. Nothing here does work that grows with the text on a keystroke, and nothing touches
 * a running composition.
 */

import type { Editor } from "@tiptap/core";
import type { Plugin } from "@tiptap/pm/state";
import { Refusal } from "$/api/client";
import { t } from "$/rooms/desk/words";
import { book } from "$/state/book.svelte";
import { engine } from "$/state/engine.svelte";
import { composition } from "./composing";
import { browserCopies, type Copy } from "./copies";
import { Sheet, type Change, type Putting } from "./sheet";
import { measured, pointsAt, posAt, sizeOfDoc, unitsAt, type Size } from "./places";
import { Saving, unreached, type Choice, type Ports, type SaveState } from "./saving";
import { unbroken } from "./schema";
import { orphans, syncLeftovers } from "./leftovers";
import { server, type ChapterFull, type Version } from "./server";
import { browserTabs, type Told } from "./tabs";
import { Texts } from "./texts";

export type { SaveState, Choice } from "./saving";
export type Counts = Pick<Size, "chars" | "han">;

const COUNT_MS = 200;
const LOOK_AGAIN_MS = 30_000;
const NOTHING: Counts = { chars: 0, han: 0 };

export class Manuscript {
  editor = $state.raw<Editor | null>(null);
  work = $state<string | null>(null);
  chapter = $state<string | null>(null);
  state = $state<SaveState>("loading");
  /** Why the chapter is offline, locked or in error, in the server's words. */
  sentence = $state<string | null>(null);
  revision = $state(0);
  composing = $state(false);
  /** The chapter's counts, and the selection's; a moment behind the keys. */
  chars = $state(0);
  han = $state(0);
  selected = $state.raw<Counts>(NOTHING);
  /** What another place made of this chapter; `settle` ends the conflict. */
  theirs = $state.raw<Version | null>(null);
  /** Text that was not saved in time was found in this browser and taken up. */
  found = $state(false);

  #moved = $state(0);
  #sheet = new Sheet((change) => this.#changed(change));
  #saving: Saving | null = null;
  #leaving = new Map<string, Promise<void>>();
  #taken: Copy[] = [];
  #turn = 0;
  #looked = 0;
  #synced = false;
  #listeners = new Set<() => void>();
  #ports: Ports;
  #texts: Texts;
  #counting: ReturnType<typeof setTimeout> | undefined;
  #frame = 0;

  constructor(ports?: Partial<Ports>) {
    this.#ports = {
      server,
      copies: browserCopies(),
      tabs: browserTabs(),
      otherName: () => t.otherText,
      told: (saving) => this.#told(saving),
      saved: (chapter, version, chars) => this.#saved(chapter, version, chars),
      ...ports,
    };
    this.#texts = new Texts(this.#ports.server);
    this.#ports.tabs.listen((told) => this.#heard(told));
    composition.onChange((active) => {
      this.composing = active;
      if (!active) this.#countSoon();
    });
    engine.onBack(() => void this.#back());
  }

  /** Puts the editor into `element`; the returned function takes it out again. */
  mount(element: HTMLElement): () => void {
    this.editor = this.#sheet.mount(element);
    const gone = () => {
      if (this.#saving) this.#sheet.leave(this.#saving.chapter);
      this.#saving?.hidden();
    };
    const hidden = () => (document.hidden ? gone() : void this.#lookAgain());
    document.addEventListener("visibilitychange", hidden);
    addEventListener("pagehide", gone);
    return () => {
      document.removeEventListener("visibilitychange", hidden);
      removeEventListener("pagehide", gone);
      this.#leave();
      this.chapter = null;
      this.editor = null;
      this.#sheet.unmount();
    };
  }

  /** The chapter's text as it is shown, line breaks "\n". */
  text(): string {
    return this.#sheet.text();
  }

  /** Where the caret is. */
  caret(): number {
    void this.#moved;
    return this.pointsAt(this.#sheet.state.selection.head);
  }

  /** The selection in UTF-16 offsets of `text()`. */
  get selection(): { from: number; to: number } {
    void this.#moved;
    const { doc, selection } = this.#sheet.state;
    return { from: unitsAt(doc, selection.from), to: unitsAt(doc, selection.to) };
  }

  /** The ProseMirror position of an offset. */
  posAt(points: number): number {
    return posAt(this.#sheet.state.doc, points);
  }

  /** The offset of a ProseMirror position. */
  pointsAt(pos: number): number {
    return pointsAt(this.#sheet.state.doc, pos);
  }

  /** Opens a chapter, at `span` or where the author last was in it. What was open goes on saving. */
  async open(work: string, chapter: string, span?: [number, number] | null): Promise<void> {
    if (chapter === this.chapter && this.#saving) {
      if (span) this.goto(...span);
      return;
    }
    const turn = ++this.#turn;
    const here = () => turn === this.#turn;
    this.#leave();
    Object.assign(this, { work, chapter, state: "loading", sentence: null, found: false });
    this.#sheet.editable(false);
    await this.#leaving.get(chapter);
    if (!here()) return;
    const seen = this.#texts.seen(chapter);
    if (seen) this.#begin(work, chapter, seen, span);
    const left = orphans(this.#ports, chapter);
    const full = await this.#texts.load(work, chapter).catch((error: Refusal) => error);
    if (!here()) return;
    if (!(full instanceof Error)) {
      if (!this.#saving) this.#begin(work, chapter, full, span);
      this.#fresh(full);
    }
    const copies = await left;
    if (!here()) return;
    if (full instanceof Error && !this.#openWithout(work, chapter, full, copies[0])) return;
    this.#takeUp(copies);
    this.#texts.expectAround(
      work,
      chapter,
      book.chapters.map(({ id }) => id),
    );
    if (!this.#synced) void this.#back();
    this.#synced = true;
  }

  /** Saves what there is; the server's revision. Rejects with the server's Refusal. */
  async flush(): Promise<number> {
    return this.#open().flush();
  }

  /** Puts `text` in, at the caret or at `at`: one step of undo, saved at once. */
  insert(text: string, how: Putting = {}): void {
    const at = how.at === undefined ? undefined : this.posAt(how.at);
    this.#put(at, at, text, how);
  }

  /** Puts `text` in place of what stands from `start` to `end`: one step of undo. */
  replace(start: number, end: number, text: string, how: Putting = {}): void {
    this.#put(this.posAt(start), this.posAt(end), text, how);
  }

  /** Selects from `start` to `end` (or stands at `start`), brings it into sight and lights it up. */
  goto(start: number, end = start): void {
    composition.settled(() => this.#sheet.reveal(this.posAt(start), this.posAt(end)));
  }

  /** Keeps the text as it is now under a name. */
  async snapshot(label: string, kind: "author" | "before"): Promise<void> {
    const { work, chapter } = this.#open();
    await this.flush();
    await this.#ports.server.snapshot(work, chapter, label, kind);
  }

  /** Goes back to an earlier revision; what is there now stays in the history, and in undo. */
  async restore(number: number): Promise<void> {
    const { work, chapter } = this.#open();
    await this.flush();
    await this.#ports.server.restore(work, chapter, number);
    await this.refresh(true);
  }

  /** Looks whether the server has a newer text; shows it, or asks where both have changed. */
  async refresh(undoable = false): Promise<void> {
    const saving = this.#open();
    const full = await this.#texts.load(saving.work, saving.chapter);
    if (saving === this.#saving) this.#fresh(full, undoable);
  }

  /** Ends a conflict; rejects with the server's Refusal, then it is open still. */
  async settle(choice: Choice): Promise<void> {
    const text = await this.#open().settle(choice);
    if (text !== null) this.#sheet.show(unbroken(text), false);
  }

  /** Tries again what was refused, or could not be read. */
  async retry(): Promise<void> {
    if (this.#saving) await this.flush();
    else if (this.work && this.chapter) {
      const { work, chapter } = this;
      this.chapter = null;
      await this.open(work, chapter);
    }
  }

  /** The author locks or unlocks the chapter. */
  locked(locked: boolean): void {
    if (!this.#saving) return;
    this.#sheet.editable(!locked);
    if (locked) this.state = "locked";
    else if (this.state === "locked") {
      this.state = this.#saving?.dirty ? "dirty" : "saved";
      void this.flush().catch(() => {});
    }
  }

  /** Calls `then` after each change of the text. */
  onChange(then: () => void): () => void {
    this.#listeners.add(then);
    return () => this.#listeners.delete(then);
  }

  /** Adds a plugin to the editor, now and whenever it is made anew. */
  addPlugin(plugin: Plugin): () => void {
    return this.#sheet.add(plugin);
  }

  #open(): Saving {
    if (this.#saving) return this.#saving;
    throw new Refusal({ code: "no_chapter", message: t.noChapter }, 409);
  }

  #begin(work: string, chapter: string, base: Version, span?: [number, number] | null): void {
    this.#sheet.open(chapter, unbroken(base.text));
    const source = { text: () => this.text(), composing: () => composition.active };
    const { revision, text } = base;
    this.#saving = new Saving(work, chapter, { revision, text }, source, this.#ports);
    this.#sheet.editable(book.chapter(chapter)?.status !== "locked");
    this.#told(this.#saving);
    this.#count();
    if (span) this.goto(...span);
  }

  /** The server does not answer, but this browser may know the text. */
  #openWithout(work: string, chapter: string, error: Refusal, copy: Copy | undefined): boolean {
    if (this.#saving) return true;
    if (copy && error instanceof Refusal && unreached(error)) {
      this.#begin(work, chapter, { revision: copy.base, text: "" });
      return true;
    }
    this.state = "error";
    this.sentence = error.message;
    return false;
  }

  /** What the server has now, against what is shown. */
  #fresh(full: ChapterFull, undoable = false): void {
    const saving = this.#saving!;
    this.#looked = Date.now();
    const { text, ...row } = full;
    book.changed(row);
    const locked = full.status === "locked";
    if (locked !== (this.state === "locked")) this.locked(locked);
    if (full.revision <= saving.base.revision) return;
    if (saving.dirty) return saving.clash(full);
    this.#sheet.show(unbroken(text), undoable);
    saving.adopt({ revision: full.revision, text });
  }

  /** Texts of this chapter that were left in this browser: the newest is taken up. */
  #takeUp(copies: Copy[]): void {
    const saving = this.#saving!;
    const known = (copy: Copy) => copy.text === this.text();
    for (const { chapter, tab } of copies.filter(known)) void this.#ports.copies.drop(chapter, tab);
    const copy = copies.find((one) => !known(one));
    if (!copy || saving.dirty) return;
    this.#sheet.show(copy.text, true);
    this.#taken.push(copy);
    saving.takeUp(copy.base, copy.wish);
    this.found = true;
  }

  #put(from: number | undefined, to: number | undefined, text: string, how: Putting): void {
    composition.settled(() => {
      this.#sheet.put(from, to, text, how);
      void this.#saving?.flush().catch(() => {});
    });
  }

  #changed(change: Change): void {
    if (change.moved) this.#frame ||= requestAnimationFrame(() => this.#shown());
    if (!change.doc) return;
    if (change.by === "author") this.#saving?.changed(change.wish);
    if (change.wish?.origin === "pasted") void this.#saving?.flush().catch(() => {});
    this.#countSoon();
    for (const then of this.#listeners) then();
  }

  #shown(): void {
    this.#frame = 0;
    this.#moved++;
    this.#countSoon();
  }

  #countSoon(): void {
    clearTimeout(this.#counting);
    this.#counting = setTimeout(() => this.#count(), COUNT_MS);
  }

  #count(): void {
    const { doc, selection } = this.#sheet.state;
    const { chars, han } = sizeOfDoc(doc);
    Object.assign(this, { chars, han });
    const chosen = selection.empty ? "" : doc.textBetween(selection.from, selection.to, "\n");
    this.selected = chosen ? measured(chosen) : NOTHING;
  }

  #told(saving: Saving): void {
    if (saving !== this.#saving) return;
    const locked = book.chapter(saving.chapter)?.status === "locked" && !saving.dirty;
    this.state = locked ? "locked" : saving.state;
    if (saving.state === "locked") this.#sheet.editable(false);
    this.sentence = saving.sentence;
    this.revision = saving.base.revision;
    this.theirs = saving.theirs;
    if (saving.state === "offline" && saving.sentence === null) engine.seen(false);
    if (saving.state === "saved") this.#drained();
  }

  #drained(): void {
    this.found = false;
    const { copies } = this.#ports;
    for (const { chapter, tab } of this.#taken.splice(0)) void copies.drop(chapter, tab);
  }

  #saved(chapter: string, version: Version, chars: number): void {
    this.#texts.keep(chapter, version);
    const open = chapter === this.chapter;
    const counts = chars < 0 ? {} : { chars, ...(open && { han: this.han }) };
    book.changed({ id: chapter, revision: version.revision, ...counts });
    if (open) this.#looked = Date.now();
    engine.seen(true);
  }

  /** Another tab saved a chapter. */
  #heard(told: Told): void {
    this.#texts.keep(told.chapter, told);
    book.changed({ id: told.chapter, revision: told.revision });
    const saving = this.#saving;
    if (saving?.chapter !== told.chapter || told.revision <= saving.base.revision) return;
    composition.settled(() => {
      if (saving !== this.#saving) return;
      if (saving.dirty && told.text !== this.text()) return saving.clash(told);
      this.#sheet.show(unbroken(told.text), false);
      saving.adopt({ revision: told.revision, text: told.text });
    });
  }

  /** The service answers (again): what waits in this browser goes to it. */
  async #back(): Promise<void> {
    this.#saving?.again();
    await syncLeftovers(this.#ports, this.chapter).catch(() => {});
  }

  async #lookAgain(): Promise<void> {
    if (!this.#saving || Date.now() - this.#looked < LOOK_AGAIN_MS) return;
    await this.refresh().catch(() => {});
  }

  #leave(): void {
    const saving = this.#saving;
    this.#saving = null;
    this.#taken = [];
    if (!saving) return;
    this.#sheet.leave(saving.chapter);
    const left = saving.leave().finally(() => this.#leaving.delete(saving.chapter));
    this.#leaving.set(saving.chapter, left);
  }
}

export const manuscript = new Manuscript();
