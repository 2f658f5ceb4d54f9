/** Which tab of the side panel is open, and how it comes into sight. */

import { manuscript } from "$/editor/manuscript.svelte";
import { announce } from "$/state/announce.svelte";
import { chrome, narrow } from "$/state/chrome.svelte";
import type { Shortcut } from "$/state/keys.svelte";
import { look } from "$/state/look.svelte";
import { words } from "$/words/index.svelte";

/** Apart from the panels' words, which are not fetched before they are wanted. */
export const names = words(
  { why: "为什么这样写", cast: "人物", threads: "伏笔", history: "历史" },
  { why: "Why", cast: "Cast", threads: "Threads", history: "History" },
);

export const TABS = ["why", "cast", "threads", "history"] as const;
export type Tab = (typeof TABS)[number];

/** How long the focus waits for a panel that is being fetched. */
const FETCHED_MS = 10_000;

const panel = () => document.querySelector<HTMLElement>('[data-region="side"]');

class Side {
  tab = $state<Tab>("why");
  /** Who the cast shows; null: whoever was named last. */
  person = $state<string | null>(null);

  get seen(): boolean {
    return !look.focus && (narrow.current ? chrome.sheet === "side" : look.sideOpen);
  }

  /** Brings a tab into sight; with `focus` the author goes there too. */
  show(tab: Tab, focus = narrow.current): void {
    this.tab = tab;
    look.focus = false;
    if (narrow.current) chrome.sheet = "side";
    else look.sideOpen = true;
    if (focus) void this.#enter();
    else announce(names[tab]);
  }

  /** Alt+1…4: shows a tab; once more goes to it; from within goes back to the text. */
  key(tab: Tab): void {
    const there = this.seen && this.tab === tab;
    if (there && panel()?.contains(document.activeElement)) this.leave();
    else this.show(tab, there || narrow.current);
  }

  /** Back to the text; a sheet is put away. */
  leave(): void {
    if (chrome.sheet === "side") chrome.sheet = null;
    manuscript.editor?.view.focus();
  }

  /** The panel may have to be fetched first; an author who went on meanwhile is left alone. */
  async #enter(): Promise<void> {
    const { tab: wanted } = this;
    const from = document.activeElement;
    // A sheet takes the focus as it opens, before its tabs can.
    const waiting = () => [from, panel()].includes(document.activeElement as HTMLElement | null);
    const until = Date.now() + FETCHED_MS;
    while (Date.now() < until && this.tab === wanted && waiting()) {
      const tab = panel()?.querySelector<HTMLElement>('[role="tab"][aria-selected="true"]');
      if (tab?.checkVisibility({ visibilityProperty: true })) return tab.focus();
      await new Promise(requestAnimationFrame);
    }
  }
}

export const side = new Side();

export const sideKeys: Shortcut[] = TABS.map((tab, n) => ({
  keys: `Alt+Digit${n + 1}`,
  group: "view",
  label: () => names[tab],
  run: () => side.key(tab),
}));
