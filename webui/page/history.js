// Every attempt in this chapter, taken or not: nothing that was written is thrown away.

import { api } from "./api.js";
import { $, h } from "./dom.js";
import { ago, countChars, number } from "./text.js";

const STATES = { running: "正在写", done: "写完", failed: "断了", cancelled: "停了" };
const VERDICTS = { accepted: "已收下", refused: "没要" };

export async function showHistory(work, chapter, recall) {
  const place = $("#history");
  try {
    const all = (await api.generations(work, chapter)).filter((g) => g.outputs[0]?.text);
    place.replaceChildren(all.length
      ? h("ul", {}, all.map((generation) => attempt(generation, recall)))
      : h("p.empty", {}, "这一章还没有续写过。"));
  } catch (error) {
    place.replaceChildren(h("div.empty", {}, error.message,
      h("button.btn.sm", { onclick: () => showHistory(work, chapter, recall) }, "再试")));
  }
}

function attempt(generation, recall) {
  const { text } = generation.outputs[0];
  const verdict = VERDICTS[generation.verdict] ?? STATES[generation.state] ?? generation.state;
  return h("li.hv", {},
    h("div", {}, h("b", {}, generation.request.beat || "接着写"),
      h("span.muted.xs", {}, ago(generation.created_at))),
    h("p", {}, text.trim()),
    h("div", {}, h("span.muted.num", {}, `${number(countChars(text))} 字 · ${verdict}`),
      h("span", {},
        h("button.btn.sm.quiet", { onclick: () => navigator.clipboard.writeText(text) }, "复制"),
        generation.verdict === "accepted" || generation.state === "running" ? null
          : h("button.btn.sm", { onclick: () => recall(generation) }, "再看"))));
}
