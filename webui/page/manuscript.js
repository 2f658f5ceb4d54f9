// The sheet of paper: one chapter's text, kept safe. It saves by itself, never over a newer
// text from elsewhere, and a copy stays in this browser until the server has it.

import { api } from "./api.js";
import { caretAt, offsetAt, shown } from "./text.js";

const QUIET_MS = 1500;
const COPY_MS = 300;
const RETRY_MS = 5000;
const copyName = (chapter) => `yanchi.copy.${chapter}`;

export class Manuscript {
  chapter = null;
  conflict = null;
  #stored = "";
  #saving = Promise.resolve(true);
  #composing = false;
  #saveTimer;
  #copyTimer;

  /** `tell(state, detail)`: clean, typing, saving, offline, conflict, found or refused. */
  constructor(field, tell, onTyped) {
    Object.assign(this, { field, tell, onTyped });
    field.addEventListener("input", () => this.#typed());
    field.addEventListener("compositionstart", () => {
      this.#composing = true;
      this.onTyped();
    });
    field.addEventListener("compositionend", () => {
      this.#composing = false;
      this.#typed();
    });
    if (!CSS.supports("field-sizing", "content")) field.addEventListener("input", () => this.#fit());
  }

  get text() {
    return this.field.value;
  }

  get dirty() {
    return this.chapter !== null && this.text !== shown(this.#stored);
  }

  /** Characters of the stored chapter before the caret; meaningful while nothing is unsaved. */
  get offset() {
    return offsetAt(this.#stored, this.field.selectionEnd);
  }

  caretFor(offset) {
    return caretAt(this.#stored, offset);
  }

  open(work, chapter) {
    this.work = work;
    this.#adopt(chapter);
    this.conflict = null;
    const copy = readCopy(chapter.id);
    const lost = copy !== null && copy.text !== shown(chapter.text) ? copy : null;
    this.#show(lost ? lost.text : chapter.text);
    this.field.setSelectionRange(this.text.length, this.text.length);
    if (!lost) {
      dropCopy(chapter.id);
      this.tell("clean");
    } else if (lost.base === chapter.revision) {
      this.tell("found");
      this.#saveSoon();
    } else this.#dispute(chapter);
  }

  /** True when the chapter may be left: saved, or at least safe in this browser. */
  async leave() {
    if (this.chapter === null || (await this.flush())) return true;
    return this.#copy();
  }

  close() {
    clearTimeout(this.#saveTimer);
    clearTimeout(this.#copyTimer);
    this.chapter = null;
  }

  /** Saves what is not yet saved; true once the server has every character. */
  flush(keepalive = false) {
    clearTimeout(this.#saveTimer);
    this.#saving = this.#saving.then(() => this.#save(keepalive));
    return this.#saving;
  }

  async #save(keepalive) {
    if (!this.dirty) return true;
    if (this.conflict || this.#composing) return false;
    const { chapter, text } = this;
    this.tell("saving");
    try {
      const body = { text, base_revision: chapter.revision };
      const saved = await api.save(this.work, chapter.id, body, keepalive && text.length < 20000);
      Object.assign(chapter, { revision: saved.revision, chars: saved.chars });
      this.#stored = text;
    } catch (error) {
      return this.#unsaved(error);
    }
    if (this.dirty) return false; // typed on meanwhile: its own timer is running
    dropCopy(chapter.id);
    this.tell("clean");
    return true;
  }

  async #unsaved(error) {
    this.#copy();
    if (error.code === "stale_revision") return this.#compare();
    if (error.code === "offline" || error.retryable) {
      this.tell("offline");
      this.#saveSoon(RETRY_MS);
    } else this.tell("refused", error);
    return false;
  }

  async #compare() {
    let other;
    try {
      other = await api.chapter(this.work, this.chapter.id);
    } catch (error) {
      this.tell("refused", error);
      return false;
    }
    if (shown(other.text) === this.text) {
      this.#adopt(other);
      dropCopy(other.id);
      this.tell("clean");
      return true;
    }
    this.#dispute(other);
    return false;
  }

  #dispute(other) {
    this.conflict = other;
    this.tell("conflict", other);
  }

  /** Ends a conflict. Both texts become revisions, so that the choice can be taken back. */
  async settle(keepMine) {
    const other = this.conflict;
    this.conflict = null;
    this.#adopt(other);
    const safe = await this.flush();
    if (!safe || keepMine) return safe;
    this.#show(other.text);
    return this.flush();
  }

  /** The chapter as it is after `text` was accepted at `caret`: one step of the field's undo. */
  take(fresh, caret, text) {
    const before = document.activeElement;
    this.#adopt(fresh);
    this.field.focus({ preventScroll: true });
    this.field.setSelectionRange(caret, caret);
    document.execCommand("insertText", false, shown(text));
    if (this.text !== shown(fresh.text)) this.#show(fresh.text);
    const end = caret + shown(text).length;
    this.field.setSelectionRange(end, end);
    if (before?.id === "beat-text") before.focus();
    this.tell("clean");
  }

  #adopt(chapter) {
    this.#stored = chapter.text;
    this.chapter = chapter;
  }

  #show(text) {
    this.field.value = shown(text);
    this.#fit();
  }

  #typed() {
    if (this.#composing || this.chapter === null) return;
    if (!this.dirty) return this.tell(this.conflict ? "conflict" : "clean", this.conflict);
    this.onTyped();
    if (!this.conflict) this.tell("typing");
    clearTimeout(this.#copyTimer);
    this.#copyTimer = setTimeout(() => this.#copy(), COPY_MS);
    this.#saveSoon();
  }

  #saveSoon(wait = QUIET_MS) {
    clearTimeout(this.#saveTimer);
    this.#saveTimer = setTimeout(() => (this.#composing ? this.#saveSoon() : this.flush()), wait);
  }

  #copy() {
    clearTimeout(this.#copyTimer);
    if (!this.dirty) return true;
    const { id, revision } = this.chapter;
    const base = this.conflict ? null : revision; // an open choice must be asked again
    try {
      localStorage.setItem(copyName(id), JSON.stringify({ text: this.text, base }));
      return true;
    } catch {
      return false; // no room or no permission: the server's copy is then the only one
    }
  }

  #fit() {
    if (CSS.supports("field-sizing", "content")) return;
    this.field.style.height = "auto";
    this.field.style.height = `${this.field.scrollHeight}px`;
  }
}

function readCopy(chapter) {
  try {
    return JSON.parse(localStorage.getItem(copyName(chapter)));
  } catch {
    return null;
  }
}

function dropCopy(chapter) {
  try {
    localStorage.removeItem(copyName(chapter));
  } catch {
    // a browser that keeps nothing has nothing to drop
  }
}
