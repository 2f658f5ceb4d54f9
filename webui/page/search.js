// Finding a passage in the whole book and going there.

import { api } from "./api.js";
import { $, h } from "./dom.js";

const PAUSE_MS = 250;

export class Search {
  #timer;
  #asked = null;

  constructor(workOf) {
    this.dialog = $("#search");
    this.field = $("#search-text");
    this.workOf = workOf;
    this.field.addEventListener("input", (event) => {
      clearTimeout(this.#timer);
      if (!event.isComposing) this.#timer = setTimeout(() => this.#ask(), PAUSE_MS);
    });
    this.field.addEventListener("compositionend", () => this.#ask());
    $("form", this.dialog).addEventListener("submit", (event) => {
      event.preventDefault();
      $("#found a")?.click();
    });
    $("#found").addEventListener("click", (event) => event.target.closest("a") && this.dialog.close());
  }

  open() {
    this.dialog.showModal();
    this.field.select();
  }

  async #ask() {
    this.#asked?.abort();
    const words = this.field.value.trim();
    if (!words) return this.#tell("", []);
    const asked = (this.#asked = new AbortController());
    $("#search-note").textContent = "正在找……";
    try {
      const { passages, notice } = await api.search(this.workOf().id, words, asked.signal);
      const told = passages.length ? `找到 ${passages.length} 处` : "没有找到。换个说法，或少写几个字。";
      this.#tell([told, notice].filter(Boolean).join("　"), passages, words);
    } catch (error) {
      if (error.name !== "AbortError") this.#tell(error.message, []);
    }
  }

  #tell(note, passages, words) {
    $("#search-note").textContent = note;
    $("#found").replaceChildren(...passages.map((p) => h("li", {},
      h("a", { href: `#/w/${this.workOf().id}/${p.chapter_id}/${p.position}-${[...p.text].length}` },
        h("b", {}, p.title), h("p", {}, excerpt(p.text, words))))));
  }
}

/** The passage around the words themselves, which are marked; else its beginning. */
function excerpt(text, words) {
  const at = text.indexOf(words);
  if (at < 0) return [text.trim()];
  const from = Math.max(0, at - 20);
  return [from ? "……" : "", text.slice(from, at).trimStart(), h("mark", {}, words), text.slice(at + words.length)];
}
