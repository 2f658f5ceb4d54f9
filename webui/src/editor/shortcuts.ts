/** Asks the table of shortcuts before ProseMirror, which keeps Enter and Escape for itself. */

import { Plugin, PluginKey } from "@tiptap/pm/state";
import { keys } from "$/state/keys.svelte";

export function shortcuts(): Plugin {
  return new Plugin({
    key: new PluginKey("shortcuts"),
    props: { handleKeyDown: (_, event) => keys.handle(event) },
  });
}
