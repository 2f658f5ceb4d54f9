/** The desk's keys. */

import { manuscript } from "$/editor/manuscript.svelte";
import { announce } from "$/state/announce.svelte";
import { book } from "$/state/book.svelte";
import { MAC, type Shortcut } from "$/state/keys.svelte";
import { look } from "$/state/look.svelte";
import { route } from "$/state/route.svelte";
import { toasts } from "$/state/toasts.svelte";
import { desk } from "./desk.svelte";
import { walk } from "./regions";
import { t } from "./words";

/** Opens the chapter before or after the open one, in the order of the telling. */
function turn(by: 1 | -1): void {
  const { work, chapter } = manuscript;
  const at = book.chapters.findIndex((one) => one.id === chapter);
  const next = at < 0 ? undefined : book.chapters[at + by];
  if (work && next) route.go({ name: "desk", work, chapter: next.id, span: null });
}

async function snapshot(): Promise<void> {
  try {
    await manuscript.snapshot(t.snapshotName, "author");
    toasts.told(t.snapshotTaken);
  } catch (error) {
    toasts.error(error);
  }
}

function mode(which: "focus" | "typewriter"): void {
  look[which] = !look[which];
  announce(t[which]);
}

export const shortcuts: Shortcut[] = [
  { keys: "Mod+KeyS", group: "write", label: () => t.snapshot, run: () => void snapshot() },
  { keys: "Mod+KeyF", group: "move", label: () => t.find, run: () => void desk.find(false) },
  {
    // ⌘H hides the window on macOS.
    keys: MAC ? "Mod+Alt+KeyF" : "Mod+KeyH",
    group: "move",
    label: () => t.replace,
    run: () => void desk.find(true),
  },
  { keys: "Alt+ArrowUp", group: "move", label: () => t.previousChapter, run: () => turn(-1) },
  { keys: "Alt+ArrowDown", group: "move", label: () => t.nextChapter, run: () => turn(1) },
  { keys: "F6", group: "move", label: () => t.region, run: () => walk(1, paper) },
  { keys: "Shift+F6", group: "move", label: () => t.regionBack, run: () => walk(-1, paper) },
  { keys: "F9", group: "view", label: () => t.focus, run: () => mode("focus") },
  { keys: "F10", group: "view", label: () => t.typewriter, run: () => mode("typewriter") },
];

const paper = () => manuscript.editor?.view.focus();
