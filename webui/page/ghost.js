// The continuation before it is taken: grey text that is not part of the document. At the end
// of a chapter it runs on from the caret's own line; inside a chapter it stands apart, below.

import { $, h } from "./dom.js";

const CLAUSE_END = /[\s\S]*[。！？…；\n”」]/u;
const calm = matchMedia("(prefers-reduced-motion: reduce)");

export class Ghost {
  text = "";
  #frame = 0;
  #words = document.createTextNode("");

  constructor(field) {
    this.field = field;
    this.box = $("#ghost");
    this.paper = $("#paper");
    new ResizeObserver(() => this.text && this.#place()).observe(field);
  }

  get present() {
    return this.text.length > 0;
  }

  begin(caret) {
    this.clear();
    this.caret = caret;
    this.top = this.paper.scrollTop;
  }

  add(piece) {
    this.text += piece;
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw(calm.matches);
    });
  }

  /** The last word on what the text is. */
  finish(text) {
    this.text = text;
    this.#draw(false);
  }

  clear() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.text = "";
    // It stood at the chapter's end for a caret further up: back to where the author was.
    if (!this.box.hidden && this.box.matches(".apart")) this.paper.scrollTop = this.top;
    this.box.hidden = true;
    this.box.replaceChildren();
  }

  #draw(wholeSentences) {
    const seen = wholeSentences ? (CLAUSE_END.exec(this.text)?.[0] ?? "") : this.text;
    const { paper } = this;
    const following = paper.scrollHeight - paper.scrollTop - paper.clientHeight < 160;
    const first = this.box.hidden;
    this.#words.data = seen;
    if (first) {
      this.box.hidden = false;
      this.#place();
      this.box.scrollIntoView({ block: "end" });
    } else if (following) paper.scrollTop = paper.scrollHeight;
  }

  #place() {
    const before = this.field.value.slice(0, this.caret);
    const after = this.field.value.slice(this.caret);
    const apart = after.trim() !== "";
    const tail = before.slice(before.lastIndexOf("\n") + 1);
    this.box.classList.toggle("apart", apart);
    this.box.style.marginTop = apart ? "" : `${-measure(tail + after)}px`;
    const lead = apart ? [] : [h("span.tail", {}, tail), h("span.caret")];
    this.box.replaceChildren(...lead, this.#words);
  }
}

/** Height of `text` as the manuscript sets it, in pixels. */
export function measure(text) {
  const box = $("#measure");
  box.textContent = `${text}\u200b`;
  const height = box.getBoundingClientRect().height;
  box.textContent = "";
  return height;
}
