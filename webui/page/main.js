// The page: which room is open, and the keys that work everywhere in it.

import { Desk } from "./desk.js";
import { $, drawIcons, h, icon } from "./dom.js";
import { watchEngine } from "./lamp.js";
import { Search } from "./search.js";
import { acceptDrops, cloth, showShelf } from "./shelf.js";

drawIcons();
const desk = new Desk();
const search = new Search(() => desk.work);
const root = document.documentElement;
const body = document.body;

async function route() {
  const [, work, chapter, span] = /^#\/w\/([0-9a-f]{32})(?:\/([0-9a-f]{32}))?(?:\/(\d+-\d+))?$/.exec(location.hash) ?? [];
  closeSheets();
  try {
    if (work) await openDesk(work, chapter, span?.split("-").map(Number));
    else await openShelf();
  } catch (error) {
    body.dataset.room = "shelf";
    desk.forget();
    $("#shelf .shelf").replaceChildren(h("p.told", {}, icon("warn"), error.message, h("a.btn", { href: "#/" }, "回书架")));
  }
}

async function openDesk(work, chapter, span) {
  body.dataset.room = "desk";
  mark("#to-desk", "#to-shelf");
  $("#to-desk").hidden = false;
  $("#to-desk").href = `#/w/${work}`;
  $(".spine").style.setProperty("--c", cloth(work));
  await desk.open(work, chapter, span);
}

async function openShelf() {
  if (!(await desk.leave())) return;
  desk.forget();
  body.dataset.room = "shelf";
  mark("#to-shelf", "#to-desk");
  await showShelf();
}

function mark(here, there) {
  $(here).setAttribute("aria-current", "page");
  $(there).removeAttribute("aria-current");
}

// --- sheets, tabs, themes -------------------------------------------------------------------

function toggleSheet(name, button) {
  const wide = name === "side" && matchMedia("(min-width: 1101px)").matches;
  const on = body.classList.toggle(wide ? "side-shut" : `${name}-open`);
  button.setAttribute("aria-expanded", String(wide ? !on : on));
  if (!wide && on) $(name === "tree" ? "#tree [aria-current], #new-chapter" : "#side [aria-selected=true]")?.focus();
}

function closeSheets() {
  const open = body.matches(".tree-open, .side-open");
  body.classList.remove("tree-open", "side-open");
  $("#tree-toggle").setAttribute("aria-expanded", "false");
  return open;
}

function chooseTab(tab) {
  for (const other of document.querySelectorAll("[role=tab]")) {
    const on = other === tab;
    other.setAttribute("aria-selected", String(on));
    other.tabIndex = on ? 0 : -1;
    $(`#${other.getAttribute("aria-controls")}`).hidden = !on;
  }
}

function chooseTheme(name) {
  if (name) root.dataset.theme = name;
  else delete root.dataset.theme;
  for (const button of document.querySelectorAll("[data-theme-name]")) {
    button.setAttribute("aria-pressed", String(button.dataset.themeName === name));
  }
  if (name) localStorage.setItem("yanchi.theme", name);
  else localStorage.removeItem("yanchi.theme");
}

for (const name of ["tree", "side"]) {
  const button = $(`#${name}-toggle`);
  button.addEventListener("click", () => toggleSheet(name, button));
}
$("#options-toggle").addEventListener("click", ({ currentTarget }) =>
  currentTarget.setAttribute("aria-expanded", String($("#beat").classList.toggle("options-open"))));
$(".tabs").addEventListener("click", (event) => event.target.role === "tab" && chooseTab(event.target));
$(".tabs").addEventListener("keydown", (event) => {
  if (!/^Arrow(Left|Right)$/.test(event.key)) return;
  const next = event.target.nextElementSibling ?? event.target.previousElementSibling;
  chooseTab(next);
  next.focus();
});
$("#themes").addEventListener("click", (event) => {
  const name = event.target.closest("button")?.dataset.themeName;
  if (name) chooseTheme(root.dataset.theme === name ? null : name); // pressed again: as the system
});
$("#paper").addEventListener("pointerdown", closeSheets);
$("#find").addEventListener("click", () => search.open());

// --- keys -----------------------------------------------------------------------------------

const WRITING = "#text, #beat-text, #go, #paper, body";
const MAC = /Mac/.test(navigator.platform);

/** What a key means here; null leaves it to the browser. */
function meaning(event) {
  const { key, code, altKey, shiftKey } = event;
  const control = MAC ? event.metaKey : event.ctrlKey;
  const { continuation } = desk;
  if (control && key === "Enter") return () => continuation.start();
  if (control && altKey && code === "KeyN") return () => desk.newChapter();
  if (control && code === "KeyK") return () => search.open();
  if (control && code === "KeyS") return () => desk.manuscript.flush();
  if (control) return null;
  if (altKey && code === "KeyR") return () => continuation.start();
  if (altKey && !MAC && /^Arrow(Up|Down)$/.test(key)) return () => desk.turn(key === "ArrowUp" ? -1 : 1);
  if (altKey && /^Digit[12]$/.test(code)) return () => chooseTab($(code === "Digit1" ? "#tab-why" : "#tab-history"));
  if (key === "F6") return () => walk(shiftKey ? -1 : 1);
  if (key === "Escape" && body.matches(".tree-open, .side-open")) return closeSheets;
  if (key === "Escape" && continuation.busy) return () => continuation.stop();
  if (key === "Escape" && continuation.ready) return () => continuation.refuse();
  const writing = document.activeElement.matches(WRITING);
  if (key === "Tab" && !shiftKey && !altKey && continuation.ready && writing) return () => continuation.accept();
  return null;
}

/** The next region: header, contents, paper, beat, side. */
function walk(step) {
  const regions = [".bar", "#tree", "#text", "#beat", "#side"].map((s) => $(s)).filter((r) => r.checkVisibility({ visibilityProperty: true }));
  const at = regions.findIndex((region) => region.contains(document.activeElement));
  regions.at((at + step + (at < 0 && step < 0 ? 1 : 0)) % regions.length).focus();
}

addEventListener("keydown", (event) => {
  // While an input method composes, every key is its own.
  if (event.isComposing || event.keyCode === 229) return;
  if (body.dataset.room !== "desk" || $("dialog[open]")) return;
  const act = meaning(event);
  if (!act) return;
  event.preventDefault();
  act();
});

chooseTheme(localStorage.getItem("yanchi.theme"));
acceptDrops();
addEventListener("hashchange", route);
route();
watchEngine(() => desk.manuscript.flush());
