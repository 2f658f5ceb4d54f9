// The shelf: every work, a new one, and files that come in.

import { api } from "./api.js";
import { $, h, icon } from "./dom.js";
import { readFile } from "./importer.js";
import { ago, number } from "./text.js";

const CLOTHS = ["#2c5878", "#45614f", "#4a4f57", "#7a5a38", "#5b5480", "#7a4148"];
export const cloth = (id) => CLOTHS[parseInt(id.slice(0, 4), 16) % CLOTHS.length];

export async function showShelf() {
  document.title = "书架 · 砚池";
  const place = $("#shelf .shelf");
  try {
    const works = await api.works();
    const chars = works.reduce((sum, work) => sum + work.chars, 0);
    place.replaceChildren(
      h("div.top", {},
        h("div", {}, h("h1", {}, "书架"), h("p.num", {}, `${works.length} 部作品 · ${number(chars)} 字`)),
        h("span.grow"),
        h("button.btn.primary", { onclick: newWork }, icon("plus"), "新作品")),
      h("div", { id: "told" }),
      h("div", { id: "import" }),
      h("ul.books", {}, works.map(book), h("li", {}, dropZone())),
    );
  } catch (error) {
    place.replaceChildren(h("h1", {}, "书架"), h("p.told", {}, icon("warn"), `书架没读到。${error.message}`,
      h("button.btn", { onclick: showShelf }, "再试")));
  }
}

function book(work) {
  const link = (format, word) => h("a", { href: api.exportUrl(work.id, format), download: "", title: `导出《${work.title}》` }, word);
  return h("li.book", {},
    h("a", { href: `#/w/${work.id}` },
      h("div.cover", { "--c": cloth(work.id), "aria-hidden": "true" }, h("span.slip", {}, work.title)),
      h("b", {}, work.title),
      h("p.num", {}, `${work.chapters} 章 · ${number(work.chars)} 字 · ${ago(work.updated_at)}`)),
    h("p", {}, "导出 ", link("txt", "TXT"), " · ", link("md", "Markdown")));
}

function dropZone() {
  const pick = h("input.sr", { type: "file", accept: ".txt,.md,.markdown,text/plain,text/markdown" });
  pick.addEventListener("change", () => {
    if (pick.files.length) readFile(pick.files[0]);
    pick.value = "";
  });
  return h("label.dropzone", {}, icon("up", false), h("b", {}, "把书稿拖到这里"),
    h("small", {}, "或点这里选一个文件", h("br"), "TXT · Markdown"), pick);
}

export function acceptDrops() {
  const shelf = $("#shelf");
  const carries = (event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragover", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    shelf.classList.add("dragging");
  });
  addEventListener("dragleave", (event) => event.relatedTarget ?? shelf.classList.remove("dragging"));
  addEventListener("drop", (event) => {
    shelf.classList.remove("dragging");
    if (!carries(event)) return;
    event.preventDefault(); // never let the browser leave the page for the file
    if (document.body.dataset.room === "shelf") readFile(event.dataTransfer.files[0]);
  });
}

function newWork() {
  const dialog = $("#new-work");
  const form = $("form", dialog);
  form.reset();
  dialog.returnValue = "";
  dialog.onclose = async () => {
    if (dialog.returnValue !== "yes" || !form.elements.title.value.trim()) return;
    try {
      const work = await api.newWork({ title: form.elements.title.value, author: form.elements.author.value });
      await api.newChapter(work.id, { title: "第一章" });
      location.hash = `#/w/${work.id}`;
    } catch (error) {
      $("#told").replaceChildren(h("p.told", {}, icon("warn"), error.message));
    }
  };
  dialog.showModal();
}
