// A file on its way in: what it would become is shown and corrected before anything is kept.

import { api } from "./api.js";
import { $, announce, h, icon } from "./dom.js";
import { number, splitTitle } from "./text.js";

const ENCODINGS = {
  "utf-8": "UTF-8", gb18030: "GB18030（GBK）", big5hkscs: "Big5", "utf-16-le": "UTF-16 LE", "utf-16-be": "UTF-16 BE",
};

export async function readFile(file) {
  $("#import").replaceChildren(h("p.told", { role: "status" }, `正在读 ${file.name}……`));
  try {
    const seen = await api.upload(file);
    new Preview(seen).show(seen);
    announce(`读出 ${seen.chapters.length} 章，请看一眼再导入`);
  } catch (error) {
    refuse(`${file.name}：${error.message}`);
  }
}

function refuse(sentence) {
  $("#import").replaceChildren(h("p.told", { role: "alert" }, icon("warn"), sentence,
    h("button.btn.sm", { onclick: () => $("#import").replaceChildren() }, "知道了")));
}

class Preview {
  dropped = [];
  encoding = null;

  constructor({ upload, title, author }) {
    Object.assign(this, { upload, title, author });
  }

  get corrections() {
    const { encoding, author, dropped } = this;
    return { encoding, title: this.title.trim() || null, author, drop_headings: dropped };
  }

  /** The same file read again under the corrections; the author's words stay. */
  async again(change) {
    const before = { encoding: this.encoding, dropped: this.dropped };
    Object.assign(this, change);
    try {
      this.show(await api.preview(this.upload, this.corrections));
    } catch (error) {
      Object.assign(this, before);
      this.note.replaceChildren(error.message);
    }
  }

  async commit(button) {
    button.disabled = true;
    try {
      const made = await api.commit(this.upload, this.corrections);
      location.hash = `#/w/${made.work}`;
    } catch (error) {
      button.disabled = false;
      this.note.replaceChildren(error.message);
    }
  }

  show(seen) {
    this.note = h("p.sm", { role: "alert" });
    const top = $(".tb-scroll")?.scrollTop ?? 0;
    $("#import").replaceChildren(h("section.imp", { "aria-label": "导入预览" },
      h("div", {},
        h("h2", {}, "导入预览 ", h("span.muted.sm", {}, "还没有保存任何内容")),
        h("p.meta", {}, h("span.tag", {}, seen.filename), h("span.tag.num", {}, `${number(seen.chars)} 字符`)),
        h("div.scroll.tb-scroll", { tabIndex: 0 }, h("table.tb", {}, h("tbody", {}, this.#rows(seen))))),
      h("div", {}, this.#fields(seen), this.#doubts(seen), this.note, this.#foot(seen))));
    $(".tb-scroll").scrollTop = top;
    if (!top) $(".imp").scrollIntoView({ block: "nearest" });
  }

  #rows(seen) {
    let volume = null;
    return seen.chapters.flatMap((chapter, n) => {
      const until = seen.chapters[n + 1]?.line ?? Infinity;
      const doubts = seen.doubts.filter((d) => d.line !== null && d.line >= chapter.line && d.line < until);
      const rows = [this.#row(chapter, doubts, n > 0)];
      if (chapter.volume && chapter.volume !== volume) {
        volume = chapter.volume;
        rows.unshift(h("tr.vol", {}, h("td", { colSpan: 4 }, volume)));
      }
      return rows;
    });
  }

  #row(chapter, doubts, droppable) {
    const [ordinal, name] = splitTitle(chapter.title);
    const merge = h("button.btn.sm.quiet", {
      title: "这一行不是标题：并入上一章",
      "aria-label": `${chapter.title}不是标题，并入上一章`,
      onclick: () => this.again({ dropped: [...this.dropped, chapter.line] }),
    }, "与上并");
    return h(doubts.length ? "tr.w" : "tr", {},
      h("td", {}, ordinal),
      h("td", {}, name, doubts.map((d) => h("span.tag.warn", {}, d.message)), h("span.begins", {}, chapter.begins)),
      h("td.num", {}, `${number(chapter.chars)} 字符`),
      h("td", {}, droppable ? merge : null));
  }

  #fields(seen) {
    const read = seen.encoding.replace(/-sig$/, "");
    const listed = Object.entries({ [read]: read, ...ENCODINGS });
    const keep = (name) => (event) => (this[name] = event.target.value);
    const encoding = h("select.pick", { onchange: (event) => this.again({ encoding: event.target.value, dropped: [] }) },
      listed.map(([value, name]) => h("option", { value, selected: value === read }, name)));
    return [
      h("label.stack-label", {}, "书名", h("input.field", { name: "title", value: this.title, maxLength: 200, oninput: keep("title") })),
      h("label.stack-label", {}, "作者", h("input.field", { name: "author", value: this.author, maxLength: 200, oninput: keep("author") })),
      h("label.stack-label", {}, "编码", encoding),
    ];
  }

  #doubts({ doubts }) {
    const dropped = this.dropped.length
      ? h("button.btn.sm", { onclick: () => this.again({ dropped: [] }) }, `并了 ${this.dropped.length} 处 · 复原`) : null;
    if (!doubts.length) return [dropped, h("p.sm.muted", {}, "没有拿不准的地方。")];
    const told = doubts.map((d) => h("li", {}, d.line === null ? "" : `第 ${d.line} 行：`, d.message));
    return [dropped, h("b.sm", {}, `拿不准的地方 ${doubts.length} 处`), h("ul.doubts.scroll", { tabIndex: 0 }, told)];
  }

  #foot({ chapters }) {
    const go = h("button.btn.primary", { onclick: () => this.commit(go) }, `导入 ${chapters.length} 章`);
    return h("div.foot", {}, h("button.btn", { onclick: () => $("#import").replaceChildren() }, "不导入"), go);
  }
}
