/** What is open on the desk besides the text. */

import type { finder } from "$/editor/finder.svelte";
import { manuscript } from "$/editor/manuscript.svelte";
import { toasts } from "$/state/toasts.svelte";

class Desk {
  notes = $state(false);
  conflict = $state(false);
  bookReplace = $state(false);
  /** The find bar, once the author has asked for it. */
  finder = $state.raw<typeof finder | null>(null);

  /** Opens the find bar; with `replacing` its second line too. */
  async find(replacing: boolean): Promise<void> {
    // What is typed while it is being fetched was not meant for the text.
    if (!this.finder) manuscript.editor?.view.dom.blur();
    try {
      this.finder ??= (await import("./finding")).finder;
      this.finder.show(replacing);
    } catch (error) {
      toasts.error(error);
      manuscript.editor?.view.focus();
    }
  }
}
export const desk = new Desk();
