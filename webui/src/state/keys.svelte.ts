/** Every keyboard shortcut in one table: what it is called, when it counts, what it does.
 *
 * While an input method composes, every key is its own (design: Keyboard).
 */

import { untrack } from "svelte";

export interface Shortcut {
  /** `Mod+Enter`, `Alt+BracketLeft`: modifiers, then KeyboardEvent.key or .code. Mod is ⌘ on macOS. */
  keys: string;
  /** What the sheet of shortcuts says. */
  label: () => string;
  /** Where the sheet puts it. */
  group: "write" | "move" | "view";
  /** False leaves the key to whoever else wants it. */
  when?: () => boolean;
  run: (event: KeyboardEvent) => void;
}

export const MAC = /Mac|iPhone|iPad/.test(navigator.platform);

class Keys {
  list = $state.raw<Shortcut[]>([]);

  /** Counts until the returned function is called; what was bound last is asked first. */
  bind(shortcuts: Shortcut[]): () => void {
    // Whoever binds in an effect must not depend on what others bind.
    this.list = [...shortcuts, ...untrack(() => this.list)];
    return () => {
      this.list = this.list.filter((shortcut) => !shortcuts.includes(shortcut));
    };
  }

  /** Runs what `event` means; true when something did. */
  handle(event: KeyboardEvent): boolean {
    if (event.defaultPrevented || event.isComposing || event.keyCode === 229) return false;
    const found = this.list.find((s) => matches(s.keys, event) && (s.when?.() ?? true));
    if (!found) return false;
    event.preventDefault();
    found.run(event);
    return true;
  }
}

export function matches(keys: string, event: KeyboardEvent): boolean {
  const parts = keys.split("+");
  const key = parts.pop() ?? "";
  const mod = parts.includes("Mod");
  return (
    (event.key === key || event.code === key) &&
    event.ctrlKey === (parts.includes("Ctrl") || (mod && !MAC)) &&
    event.metaKey === (mod && MAC) &&
    event.altKey === parts.includes("Alt") &&
    event.shiftKey === parts.includes("Shift")
  );
}

const SHOWN: Record<string, string> = {
  Mod: MAC ? "⌘" : "Ctrl", Alt: MAC ? "⌥" : "Alt", Shift: MAC ? "⇧" : "Shift", Enter: "↵", ArrowRight: "→", ArrowLeft: "←",
  ArrowUp: "↑", ArrowDown: "↓", BracketLeft: "[", BracketRight: "]", Escape: "Esc", Backspace: "⌫", Slash: "/",
}; // prettier-ignore

/** `Ctrl ↵`, as a `kbd` shows it. */
export function shown(keys: string): string {
  return keys
    .split("+")
    .map((part) => SHOWN[part] ?? part.replace(/^Key|^Digit/, ""))
    .join(" ");
}

export const keys = new Keys();
