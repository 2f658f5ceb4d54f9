// The engine's lamp: its shape says how it is, not its colour alone.

import { api } from "./api.js";
import { $ } from "./dom.js";

const WORDS = {
  ready: ["", "就绪"], busy: ["busy", "忙"], starting: ["starting", "启动中"],
  restarting: ["starting", "重启中"], failed: ["down", "起不来"], stopped: ["down", "未开"], lost: ["down", "未连上"],
};

/** Asks for the engine's health for as long as the page lives; `back` when it answers again. */
export async function watchEngine(back) {
  let lost = false;
  for (;;) {
    const health = await api.health().catch(() => null);
    if (health && lost) back();
    lost = health === null;
    show(health);
    await pause(health?.engine.state === "ready" ? 15000 : 3000);
  }
}

/** Waits, or goes on at once when the page is looked at again. */
function pause(ms) {
  return new Promise((go) => {
    const on = () => {
      if (document.hidden) return;
      clearTimeout(timer);
      removeEventListener("visibilitychange", on);
      go();
    };
    const timer = setTimeout(() => {
      removeEventListener("visibilitychange", on);
      go();
    }, ms);
    addEventListener("visibilitychange", on);
  });
}

function show(health) {
  const engine = health?.engine ?? { state: "lost", model: "", detail: "" };
  const busy = engine.state === "ready" && health.generations > 0;
  const [shape, word] = WORDS[busy ? "busy" : engine.state] ?? WORDS.lost;
  $("#engine .lamp").className = `lamp ${shape}`;
  $("#engine-state").textContent = word;
  const reading = health?.indexing ? " · 正在读新改的章节" : "";
  $("#engine-detail").textContent = engine.state === "ready" ? nameOf(engine.model) + reading : engine.detail;
  $("#engine").title = [word, engine.model, engine.detail].filter(Boolean).join(" · ");
}

const nameOf = (model) => model.split("/").at(-1);
