// Why it wrote so: what went into the prompt, what stayed out, and the reasons.

import { $, h } from "./dom.js";
import { number } from "./text.js";

const GROUPS = {
  system: ["系统与文风", "--p-ink"],
  beat: ["剧情与要求", "--p-rouge"],
  cast: ["人物与状态", "--p-azurite"],
  lore: ["设定", "--p-malachite"],
  threads: ["伏笔", "--p-gamboge"],
  recap: ["前情与提纲", "--p-indigo"],
  passages: ["相关段落", "--p-ochre"],
  tail: ["正文末尾", "--p-ash"],
};
const ROLES = { system: "系统", user: "请求", assistant: "回答" };
const nameOf = (group) => GROUPS[group]?.[0] ?? group;
const colour = (group) => ({ "--c": `var(${GROUPS[group]?.[1] ?? "--p-ash"})` });

export function showWhy(prompt) {
  const sizes = sizesOf(prompt.kept);
  $("#why").replaceChildren(
    h("div.sum", {}, h("span.sm.muted", {}, "带给模型的内容"),
      h("span.num.sm", {}, h("b", {}, number(prompt.tokens)), h("span.muted", {}, ` / ${number(prompt.budget)} 词元`))),
    bar(sizes, prompt),
    h("ul.legend", {}, sizes.map(([group, tokens]) =>
      h("li", {}, h("i", colour(group)), nameOf(group), h("b.num", {}, number(tokens))))),
    h("h3", {}, "用上了", h("span.num", {}, `${prompt.kept.length} 条`)),
    h("ul", {}, prompt.kept.map((item) => row(item, ""))),
    h("h3", {}, "没用上", h("span.num", {}, `${prompt.dropped.length} 条`)),
    prompt.dropped.length
      ? h("ul", {}, prompt.dropped.map((item) => row(item, ".drop")))
      : h("p.sm.muted", {}, "找到的都带上了。"),
    h("details", {}, h("summary", {}, "原始提示"),
      prompt.messages.map((m) => [h("h3", {}, ROLES[m.role] ?? m.role), h("div.raw", {}, m.content)])),
  );
}

export function showNoWhy() {
  $("#why").replaceChildren(h("p.empty", {}, "还没有续写过。写出一段后，这里说明模型看到了什么、没看到什么、为什么。"));
}

function sizesOf(kept) {
  const sizes = new Map();
  for (const { group, tokens } of kept) sizes.set(group, (sizes.get(group) ?? 0) + tokens);
  const order = Object.keys(GROUPS);
  return [...sizes].sort(([a], [b]) => order.indexOf(a) - order.indexOf(b));
}

function bar(sizes, { tokens, budget }) {
  const free = Math.max(0, budget - tokens);
  const told = sizes.map(([group, size]) => `${nameOf(group)} ${size}`);
  const parts = sizes.map(([group, size]) =>
    h("i", { ...colour(group), flex: `${size}`, title: `${nameOf(group)} ${size}` }));
  return h("div.stack", { role: "img", "aria-label": `词元构成：${told.join("，")}，未用 ${free}` },
    parts, free ? h("i.free", { flex: `${free}`, title: `未用 ${free}` }) : null);
}

function row(item, kind) {
  const score = item.score === null ? "" : ` · ${item.score.toFixed(2)}`;
  return h(`li.it${kind}`, {}, h("i", colour(item.group)),
    h("div", {}, h("b", { title: item.source }, item.source),
      h("p", {}, `${nameOf(item.group)} · ${[item.why, item.reason].filter(Boolean).join(" · ")}${item.shortened ? " · 有删节" : ""}`),
      h("p.excerpt", {}, item.text.trim())),
    h("span.tok.num", {}, `${number(item.tokens)} 词元${score}`));
}
