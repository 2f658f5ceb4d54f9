// One continuation from the author's wish to the text taken or refused.

import { Refusal, api } from "./api.js";
import { $, announce, h, icon } from "./dom.js";
import { Ghost } from "./ghost.js";
import { countChars, number } from "./text.js";

export class Continuation {
  #stopper = null;
  #generation = null;
  #stopped = false;

  /** `on`: prompt(data), logged() after every end, taken(chapter); `strip` shows the states. */
  constructor(manuscript, strip, on) {
    Object.assign(this, { manuscript, strip, on });
    this.ghost = new Ghost(manuscript.field);
    $("#beat-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.start();
    });
    $("#stop").addEventListener("click", () => this.stop());
  }

  get busy() {
    return this.#stopper !== null;
  }

  get ready() {
    return !this.busy && this.ghost.present;
  }

  async start() {
    const { manuscript } = this;
    if (this.busy || !manuscript.chapter || manuscript.chapter.status === "locked") return;
    this.refuse();
    const stopper = new AbortController();
    this.#stopper = stopper;
    this.#stopped = false;
    this.strip.show("loading", h("i.work-line"), h("span", {}, "正在取材：人物、伏笔、前情……"));
    try {
      if (!(await manuscript.flush())) return this.strip.idle();
      if (!stopper.signal.aborted) await this.#write(stopper.signal);
    } catch (error) {
      this.#failed(error);
    } finally {
      if (this.#stopper === stopper) this.#stopper = null;
      if (this.strip.state === "loading") this.strip.idle();
      this.on.logged();
    }
  }

  async #write(signal) {
    const { work, chapter, offset, field } = this.manuscript;
    this.ghost.begin(field.selectionEnd);
    const wish = { ...wishes(), offset, revision: chapter.revision };
    let end = null;
    for await (const { event, data } of api.continue(work, chapter.id, wish, signal)) {
      signal.throwIfAborted(); // what was already on its way belongs to nobody now
      if (event === "prompt") {
        this.#generation = { id: data.generation, work, chapter: chapter.id };
        this.on.prompt(data);
      } else if (event === "delta" && data.index === 0) {
        this.ghost.add(data.text);
        this.#progress();
      } else if (event === "done" || event === "error") end = { event, data };
    }
    if (end?.event === "done") return this.#finished(end.data.text);
    throw new Refusal(end?.data.error ?? { code: "cut_off", message: "写到一半断了。", retryable: true }, 0);
  }

  #progress() {
    const count = h("span.num", {}, `已写 ${number(countChars(this.ghost.text))} 字`);
    if (this.strip.state !== "streaming") this.strip.show("streaming", h("i.work-line"), count);
    else this.strip.replaceLast(count);
  }

  #finished(text) {
    if (!text.trim()) {
      this.ghost.clear();
      return this.#trouble("这一次没有写出字来。", "另写", () => this.start());
    }
    this.ghost.finish(text);
    this.offer();
    announce(`续写好了，${countChars(text)} 字。Tab 收下，Esc 不要`);
  }

  /** The choice that a finished continuation leaves. */
  offer() {
    const choice = (key, word, act, extra = "") =>
      h(`button.a${extra}`, { type: "button", onclick: act }, h("kbd", {}, key), word);
    this.strip.show(
      "ready",
      choice("Tab", "收下", () => this.accept(), ".yes"),
      choice("Esc", "不要", () => this.refuse()),
      choice("Alt R", "另写", () => this.start()),
      h("span.grow"),
      h("span.num.muted", {}, `${number(countChars(this.ghost.text))} 字`),
    );
  }

  #failed(error) {
    if (error.name === "AbortError") {
      this.#stopped = true;
      if (!this.ghost.present) return;
      this.ghost.finish(this.ghost.text);
      return this.offer();
    }
    const kept = countChars(this.ghost.text);
    this.ghost.clear();
    const cause = error instanceof Refusal ? error.message : "写到一半断了。";
    this.#trouble(kept ? `${cause}已写的 ${kept} 字留在历史里。` : cause, "再试", () => this.start());
    announce(cause);
  }

  #trouble(cause, word, act) {
    this.strip.show("error", icon("warn"), h("span.wrap", {}, cause),
      h("button.btn.sm", { type: "button", onclick: act }, word));
  }

  /** Ends the stream; what is already written can still be taken. */
  stop() {
    this.#stopper?.abort();
  }

  /** Lets go of everything, as when another chapter is opened or the author writes on. */
  leave() {
    this.stop();
    this.refuse();
  }

  refuse() {
    if (this.#generation && this.ghost.present) {
      const { work, id } = this.#generation;
      const noted = api.verdict(work, id, { verdict: "refused" });
      noted.then(() => this.on.logged(), () => {}); // only a note in the log
    }
    this.#generation = null;
    this.ghost.clear();
    if (["ready", "error", "streaming"].includes(this.strip.state)) this.strip.idle();
  }

  /** Shows an earlier attempt again, where it was written for. */
  recall(generation) {
    const { work, chapter, field } = this.manuscript;
    const text = generation.outputs[0].text;
    const caret = this.manuscript.caretFor(generation.offset);
    this.leave();
    this.#generation = { id: generation.id, work, chapter: chapter.id };
    this.#stopped = false;
    field.setSelectionRange(caret, caret);
    this.ghost.begin(caret);
    this.ghost.finish(text);
    this.offer();
  }

  async accept() {
    const { manuscript, ghost } = this;
    const taken = this.#generation;
    if (!this.ready || !taken || !(await manuscript.flush())) return;
    const { text, caret } = ghost;
    const body = { verdict: "accepted", base_revision: manuscript.chapter.revision };
    if (this.#stopped) body.text = text; // the log may not have it yet
    this.#generation = null; // a second Tab must not take it twice
    try {
      await api.verdict(taken.work, taken.id, body);
      const fresh = await api.chapter(taken.work, taken.chapter);
      if (manuscript.chapter?.id !== fresh.id) return;
      ghost.clear();
      manuscript.take(fresh, caret, text);
      this.strip.idle();
      this.on.taken(fresh);
    } catch (error) {
      this.#generation = taken;
      this.#trouble(error.message, "复制这段文字", () => navigator.clipboard.writeText(text));
    }
  }
}

function wishes() {
  return {
    beat: $("#beat-text").value.trim(),
    length: Number($("[name=length]:checked").value),
    adapter: $("#voice").value || null,
    sampling: { temperature: Number($("#temperature").value) },
  };
}
