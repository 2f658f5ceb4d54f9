// The contents: volumes, and in them chapters with the shape of their state.

import { $, h, icon } from "./dom.js";
import { number, splitTitle } from "./text.js";

export const STATUS = { outline: "提纲", draft: "草稿", done: "写完", locked: "锁定" };
const shut = new Set();

export function showTree(work, volumes, chapters, current) {
  const names = new Map(volumes.map((v) => [v.id, v.title]));
  const parts = [];
  for (const chapter of chapters) {
    const last = parts.at(-1);
    if (last?.id === chapter.volume_id) last.chapters.push(chapter);
    else parts.push({ id: chapter.volume_id, title: names.get(chapter.volume_id), chapters: [chapter] });
  }
  $("#contents").replaceChildren(...parts.map((part) => volume(work, part, current)));
  $("#contents [aria-current]")?.scrollIntoView({ block: "nearest" });
}

/** One chapter's row drawn again, the rest left as it is. */
export function showRow(work, chapter, current) {
  $(`#contents [data-id="${chapter.id}"]`)?.replaceWith(row(work, chapter, current));
}

function volume(work, { id, title, chapters }, current) {
  const list = h("ul", {}, chapters.map((chapter) => h("li", {}, row(work, chapter, current))));
  if (title === undefined) return list;
  const chars = chapters.reduce((sum, chapter) => sum + chapter.chars, 0);
  const remember = (event) => (event.target.open ? shut.delete(id) : shut.add(id));
  return h("details", { open: !shut.has(id), ontoggle: remember },
    h("summary.row", {}, h("span.t", {}, title), h("span.n", {}, `${chapters.length} 章 · ${size(chars)}`)), list);
}

const size = (chars) => (chars >= 10000 ? `${(chars / 10000).toFixed(1)} 万` : number(chars));

function row(work, chapter, current) {
  const [ordinal, name] = splitTitle(chapter.title);
  const state = STATUS[chapter.status] ?? chapter.status;
  return h("a.row", {
    href: `#/w/${work}/${chapter.id}`, title: `${chapter.title}（${state}）`, "data-id": chapter.id,
    "aria-current": chapter.id === current ? "page" : null,
  },
  chapter.status === "locked" ? icon("lock") : h(`i.dot.${chapter.status}`),
  h("span.sr", {}, state),
  ordinal ? h("span.k", {}, ordinal) : null,
  h("span.t", {}, name),
  h("span.n.num", {}, chapter.chars ? number(chapter.chars) : "—"));
}
