/** What keeps the author's eye where they write: the paragraph alone, or the line at one height. */

import { Plugin, PluginKey, type EditorState } from "@tiptap/pm/state";
import { Decoration, DecorationSet, type EditorView } from "@tiptap/pm/view";

export interface Attention {
  /** Other paragraphs step back. */
  focus: () => boolean;
  /** The caret keeps its height. */
  typewriter: () => boolean;
}

/** Where the caret stands in typewriter mode, from the top of the paper. */
export const CARET_HEIGHT = 0.45;
const key = new PluginKey<DecorationSet>("attention");

/** Has the paragraph under the caret marked anew after a mode was changed. */
export function attend(view: EditorView): void {
  view.dispatch(view.state.tr.setMeta(key, true));
}

export function attention(mode: Attention): Plugin<DecorationSet> {
  let byPointer = false;
  let frame = 0;
  return new Plugin<DecorationSet>({
    key,
    state: {
      init: (_, state) => here(state, mode),
      apply(tr, old, before, state) {
        const same = !tr.getMeta(key) && !tr.docChanged && before.selection.eq(state.selection);
        return same ? old : here(state, mode);
      },
    },
    props: {
      decorations: (state) => key.getState(state),
      handleDOMEvents: {
        pointerdown: () => void (byPointer = true),
        keydown: () => void (byPointer = false),
        compositionstart: () => void (byPointer = false),
      },
      handleScrollToSelection: () => mode.typewriter(),
    },
    view: () => ({
      update(view, before) {
        if (!mode.typewriter() || byPointer) return;
        if (before.doc === view.state.doc && before.selection.eq(view.state.selection)) return;
        // In the frame that is painted next: the layout is needed for it anyway.
        frame ||= requestAnimationFrame(() => {
          frame = 0;
          if (!view.isDestroyed) level(view);
        });
      },
      destroy: () => cancelAnimationFrame(frame),
    }),
  });
}

/** Scrolls so that the caret stands at its height. */
export function level(view: EditorView): void {
  const scroller = view.dom.closest<HTMLElement>(".scroll");
  if (!scroller) return;
  const { top, bottom } = view.coordsAtPos(view.state.selection.head);
  const box = scroller.getBoundingClientRect();
  scroller.scrollTop += (top + bottom) / 2 - (box.top + box.height * CARET_HEIGHT);
}

function here(state: EditorState, mode: Attention): DecorationSet {
  if (!mode.focus()) return DecorationSet.empty;
  const { $from, $to } = state.selection;
  const marked: Decoration[] = [];
  state.doc.nodesBetween($from.pos, $to.pos, (node, pos) => {
    if (node.isTextblock) marked.push(Decoration.node(pos, pos + node.nodeSize, { class: "here" }));
    return !node.isTextblock;
  });
  return DecorationSet.create(state.doc, marked);
}
