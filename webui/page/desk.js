// The desk: one work open, one of its chapters on the paper.

import { api } from "./api.js";
import { Continuation } from "./continuation.js";
import { $, announce, h, icon } from "./dom.js";
import { measure } from "./ghost.js";
import { showHistory } from "./history.js";
import { Manuscript } from "./manuscript.js";
import { Strip } from "./strip.js";
import { countChars, number, splitTitle } from "./text.js";
import { showRow, showTree } from "./tree.js";
import { showNoWhy, showWhy } from "./why.js";

const SAVED = {
  clean: "已保存", typing: "未保存", saving: "正在保存", found: "找回了没存的字",
  offline: "存在本机", conflict: "等您选", refused: "没存上",
};

export class Desk {
  work = null;
  chapters = [];
  volumes = [];
  #saved = "clean";
  #opening = 0;

  constructor() {
    this.strip = new Strip(() => this.#idle());
    const told = (state, detail) => this.#told(state, detail);
    this.manuscript = new Manuscript($("#text"), told, () => this.continuation.leave());
    this.continuation = new Continuation(this.manuscript, this.strip, {
      prompt: showWhy,
      logged: () => this.#history(),
      taken: () => this.#history(),
    });
    this.#wire();
  }

  get chapter() {
    return this.manuscript.chapter;
  }

  /** Opens a work, at a chapter or where its author last was; `span` is [offset, length]. */
  async open(workId, chapterId, span) {
    const turn = ++this.#opening;
    if (!(await this.leave())) return false;
    if (this.work?.id !== workId) await this.#load(workId);
    const last = localStorage.getItem(`yanchi.last.${workId}`);
    const find = (id) => this.chapters.find((c) => c.id === id);
    const row = find(chapterId) ?? find(last) ?? this.chapters.at(-1);
    if (!row) return this.#bare();
    const chapter = await api.chapter(workId, row.id);
    if (turn !== this.#opening) return true;
    localStorage.setItem(`yanchi.last.${workId}`, row.id);
    this.#show(Object.assign(row, chapter), span, !chapterId);
    return true;
  }

  /** False when something is neither saved nor safe in this browser: then nothing is closed. */
  async leave() {
    if (!(await this.manuscript.leave())) return false;
    this.continuation.leave();
    this.manuscript.close();
    return true;
  }

  forget() {
    this.work = null;
  }

  async #load(workId) {
    [this.work, this.volumes, this.chapters] = await Promise.all([
      api.work(workId), api.volumes(workId), api.chapters(workId),
    ]);
    $("#work-title").textContent = this.work.title;
    const link = (format, word) => h("a", { href: api.exportUrl(workId, format), download: "" }, word);
    $("#exports").replaceChildren("导出", link("txt", "TXT"), link("md", "Markdown"));
    await this.#voices();
  }

  async #voices() {
    const adapters = await api.adapters().catch(() => []); // the engine may still be starting
    $("#voice-label").hidden = adapters.length === 0;
    $("#voice").replaceChildren(...[["", "模型原声"], ...adapters.map((a) => [a.name, a.name])]
      .map(([value, word]) => h("option", { value }, word)));
  }

  #show(chapter, span, atEnd) {
    $("#title").value = chapter.title;
    $("#volume-name").textContent = this.volumes.find((v) => v.id === chapter.volume_id)?.title ?? "";
    for (const part of ["#title", "#text", "#status", "#bin"]) $(part).disabled = false;
    this.#showStatus(chapter);
    document.title = `${chapter.title} · ${this.work.title} · 砚池`;
    $("#crumb").replaceChildren(h("b", {}, chapter.title), h("span.sm.muted", {}, this.work.title));
    this.manuscript.open(this.work.id, chapter);
    showTree(this.work.id, this.volumes, this.chapters, chapter.id);
    this.#size();
    showNoWhy();
    this.#history();
    this.strip.idle();
    if (matchMedia("(pointer: fine)").matches) $("#text").focus({ preventScroll: true });
    const paper = $("#paper");
    paper.scrollTop = atEnd ? paper.scrollHeight : 0;
    if (span) this.#reveal(...span);
  }

  #reveal(offset, length) {
    const [from, to] = [this.manuscript.caretFor(offset), this.manuscript.caretFor(offset + length)];
    const field = $("#text");
    field.setSelectionRange(from, to);
    const above = field.offsetTop + measure(field.value.slice(0, from));
    $("#paper").scrollTop = above - $("#paper").clientHeight / 3;
  }

  #showStatus(chapter) {
    const locked = chapter.status === "locked";
    $("#status").value = chapter.status;
    $("#text").readOnly = $("#title").readOnly = locked;
    $("#go").disabled = $("#bin").disabled = locked;
  }

  #bare() {
    document.title = `${this.work.title} · 砚池`;
    $("#title").value = $("#text").value = "";
    for (const part of ["#title", "#text", "#status", "#bin", "#go"]) $(part).disabled = true;
    $("#volume-name").textContent = "";
    $("#crumb").replaceChildren(h("b", {}, this.work.title));
    $("#contents").replaceChildren(h("div.empty", {}, "从第一章写起",
      h("button.btn.sm", { onclick: () => this.newChapter() }, "新增一章")));
    this.#size();
    showNoWhy();
    $("#history").replaceChildren();
    this.strip.idle();
    return true;
  }

  #size() {
    const chars = this.chapters.reduce((sum, chapter) => sum + chapter.chars, 0);
    $("#work-size").textContent = `${this.chapters.length} 章 · ${number(chars)} 字`;
    $("#count").textContent = `${number(countChars(this.manuscript.text))} 字`;
  }

  #history() {
    const recall = (generation) => this.continuation.recall(generation);
    if (this.chapter) showHistory(this.work.id, this.chapter.id, recall);
  }

  #idle() {
    if (!this.chapter) return [];
    if (this.chapter.status === "locked") return [icon("lock"), h("span.muted", {}, "这一章已锁定，改了状态才能续写。")];
    return [h("span.muted.wide", {}, "从光标处接着写"), h("span.grow.wide"),
      h("span.muted.num.narrow-only", {}, `${$("#count").textContent} · ${SAVED[this.#saved]}`)];
  }

  #told(state, detail) {
    this.#saved = state;
    $("#saved").replaceChildren(...(state === "clean" ? [icon("check")] : []), SAVED[state]);
    this.strip?.trouble(this.#troubleOf(state, detail));
    if (state === "clean" && this.chapter) {
      const row = this.chapters.find((c) => c.id === this.chapter.id);
      Object.assign(row, { chars: this.chapter.chars, revision: this.chapter.revision });
      showRow(this.work.id, row, row.id);
      this.#size();
    }
    if (this.strip?.state === "idle") this.strip.idle();
  }

  #troubleOf(state, detail) {
    const button = (word, onclick) => h("button.btn.sm", { type: "button", onclick }, word);
    if (state === "offline") {
      return [icon("warn"), h("span.wrap", {}, "连不上服务，您照常写；文字存在本机，连上后自动同步。")];
    }
    if (state === "conflict") {
      return [icon("warn"), h("span.wrap", {}, "这一章在别处也改过，留哪一份？"),
        button("看那份", () => lookAt(detail.text)),
        button("留这份", () => this.manuscript.settle(true)),
        button("留那份", () => this.manuscript.settle(false))];
    }
    if (state !== "refused") return null;
    const again = detail.code === "chapter_not_found"
      ? button("放回这一章", () => this.#putBack(this.chapter.id))
      : button("再存一次", () => this.manuscript.flush());
    return [icon("warn"), h("span.wrap", {}, detail.message), again];
  }

  #wire() {
    $("#text").addEventListener("input", () => ($("#count").textContent = `${number(countChars(this.manuscript.text))} 字`));
    $("#title").addEventListener("change", () => this.#change({ title: $("#title").value.trim() || this.chapter.title }));
    $("#title").addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.isComposing) $("#text").focus();
    });
    $("#status").addEventListener("change", () => this.#change({ status: $("#status").value }));
    $("#bin").addEventListener("click", () => this.#bin());
    $("#new-chapter").addEventListener("click", () => this.newChapter());
    $("#paper").addEventListener("click", (event) => {
      if (event.target.matches("#paper, .sheet")) $("#text").focus({ preventScroll: true });
    });
    $("#temperature").addEventListener("input", (event) => ($("#temperature-now").value = event.target.value));
    addEventListener("visibilitychange", () => document.hidden && this.manuscript.flush(true));
  }

  /** Runs a wish of the author; a refusal is told in the strip with the way to try again. */
  async #attempt(wish) {
    try {
      await wish();
    } catch (error) {
      const again = h("button.btn.sm", { type: "button", onclick: () => this.#attempt(wish) }, "再试");
      this.strip.show("error", icon("warn"), h("span.wrap", {}, error.message), again);
      announce(error.message);
    }
  }

  #change(fields) {
    const { chapter, work } = this;
    return this.#attempt(async () => {
      await this.manuscript.flush();
      const changed = await api.change(work.id, chapter.id, fields);
      const { title, status } = changed;
      Object.assign(chapter, { title, status });
      Object.assign(this.chapters.find((c) => c.id === chapter.id), { title, status });
      showRow(work.id, chapter, chapter.id);
      $("#title").value = title;
      $("#crumb b").textContent = title;
      this.#showStatus(chapter);
      this.strip.idle();
    });
  }

  newChapter() {
    const after = this.chapter;
    return this.#attempt(async () => {
      if (!(await this.manuscript.leave())) return;
      const body = { title: nextTitle(after?.title) };
      if (after) Object.assign(body, { volume_id: after.volume_id, position: after.position + 1 });
      const made = await api.newChapter(this.work.id, body);
      await this.#load(this.work.id);
      location.hash = `#/w/${this.work.id}/${made.id}`;
      setTimeout(() => $("#title").select(), 300);
    });
  }

  #bin() {
    const { id, title } = this.chapter;
    return this.#attempt(async () => {
      if (!(await this.leave())) return;
      await api.bin(this.work.id, id);
      await this.#reload(null);
      this.strip.show("note", h("span", {}, `《${title}》移到了回收处。`),
        h("button.btn.sm", { type: "button", onclick: () => this.#putBack(id) }, "放回"));
    });
  }

  #putBack(id) {
    return this.#attempt(async () => {
      await api.restore(this.work.id, id);
      if (this.chapter?.id === id) return this.manuscript.flush();
      await this.#reload(id);
    });
  }

  async #reload(chapterId) {
    const { id } = this.work;
    this.forget();
    history.replaceState(null, "", chapterId ? `#/w/${id}/${chapterId}` : `#/w/${id}`);
    await this.open(id, chapterId);
  }

  /** The chapter `step` places further on, if there is one. */
  turn(step) {
    const at = this.chapters.findIndex((c) => c.id === this.chapter?.id);
    const next = this.chapters[at + step];
    if (at >= 0 && next) location.hash = `#/w/${this.work.id}/${next.id}`;
  }
}

const DIGITS = "零一二三四五六七八九";

/** 第十三章 after 第十二章 …; a plain word where the title before is not numbered so. */
function nextTitle(title = "第零章") {
  const found = /^第(\d+|[零一二三四五六七八九十]{1,3})([章回节])/u.exec(splitTitle(title)[0]);
  if (!found) return "新的一章";
  const [, written, unit] = found;
  if (/\d/.test(written)) return `第${Number(written) + 1}${unit}`;
  const [tens, ones] = written.includes("十") ? written.split("十") : ["零", written];
  const value = (tens === "" ? 1 : DIGITS.indexOf(tens)) * 10 + (ones === "" ? 0 : DIGITS.indexOf(ones)) + 1;
  if (value > 99) return "新的一章";
  const [ten, one] = [Math.floor(value / 10), value % 10];
  return `第${ten > 1 ? DIGITS[ten] : ""}${ten ? "十" : ""}${one ? DIGITS[one] : ""}${unit}`;
}

function lookAt(text) {
  const dialog = h("dialog.dialog", { "aria-label": "别处的那一份", onclose: (event) => event.target.remove() },
    h("h2", {}, "别处的那一份"), h("p.muted.sm", {}, `${number(countChars(text))} 字`),
    h("div.other.scroll", { tabIndex: 0 }, text));
  document.body.append(dialog);
  dialog.showModal();
}
