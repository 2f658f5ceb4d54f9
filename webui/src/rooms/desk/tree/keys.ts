/** The keys of a tree (WAI-ARIA: tree view), and this tree's own. */

import * as acts from "./acts";
import type { Row } from "./rows";
import { view } from "./view.svelte";

/** Does what the key means; `go` walks to a row. False leaves the key to others. */
export function treeKey(event: KeyboardEvent, go: (row: Row) => void): boolean {
  const row = view.rows[view.active];
  if (!row || event.isComposing || event.keyCode === 229) return false;
  const { key, altKey, shiftKey } = event;
  if (altKey && shiftKey && (key === "ArrowUp" || key === "ArrowDown")) {
    if (row.kind === "more" || view.filter) return true;
    void acts.step(row.id, key === "ArrowUp" ? -1 : 1);
    return true;
  }
  if (event.ctrlKey || event.metaKey || altKey) return false;
  if (key === "F10" && shiftKey) return menu(row);
  const run = PLAIN[key];
  if (run) {
    if (key === " " && view.typing) return typed(key, go);
    run(row, go);
    return true;
  }
  return [...key].length === 1 && typed(key, go);
}

type Run = (row: Row, go: (row: Row) => void) => void;

const to = (index: number, go: (row: Row) => void) => {
  const row = view.rows[index];
  if (row) go(row);
};

const PLAIN: Record<string, Run> = {
  ArrowUp: (_, go) => to(view.active - 1, go),
  ArrowDown: (_, go) => to(view.active + 1, go),
  Home: (_, go) => to(0, go),
  End: (_, go) => to(view.rows.length - 1, go),
  PageUp: (_, go) => to(Math.max(0, view.active - 10), go),
  PageDown: (_, go) => to(Math.min(view.rows.length - 1, view.active + 10), go),
  ArrowRight: (row, go) => {
    if (row.kind !== "volume") return;
    if (row.open) to(view.active + 1, go);
    else view.fold(row.id, false);
  },
  ArrowLeft: (row, go) => {
    if (row.kind === "volume") return row.open ? view.fold(row.id, true) : undefined;
    const parent = row.level === 2 ? view.rows.find((one) => one.id === row.volume) : undefined;
    if (parent) go(parent);
  },
  Enter: (row) => choose(row),
  " ": (row) => choose(row),
  F2: (row) => row.kind !== "more" && (view.renaming = row.id),
  Delete: (row) => {
    if (row.kind === "chapter") void acts.bin(row.id);
    if (row.kind === "volume") void acts.dropVolume(row.volume);
  },
  ContextMenu: (row) => menu(row),
};

/** What a press on the row means. */
export function choose(row: Row): void {
  if (row.kind === "chapter") acts.open(row.id);
  else if (row.kind === "volume") view.fold(row.id);
  else view.showWhole(row.volume);
}

function menu(row: Row): boolean {
  if (row.kind !== "more") view.menu = row.id;
  return true;
}

function typed(letter: string, go: (row: Row) => void): boolean {
  const row = view.type(letter);
  if (row) go(row);
  return true;
}
