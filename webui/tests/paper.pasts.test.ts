import { getSchema } from "@tiptap/core";
import { history, redo, undo, undoDepth } from "@tiptap/pm/history";
import { EditorState, Plugin, PluginKey } from "@tiptap/pm/state";
import { beforeEach, expect, test } from "vitest";
import { Pasts } from "$/editor/pasts";
import { extensions, toDoc, toText } from "$/editor/schema";

const schema = getSchema(extensions);
const drawn = new PluginKey<number>("drawn");
const plugins = [
  history(),
  new Plugin({ key: drawn, state: { init: () => 0, apply: (_, n) => n + 1 } }),
];

function typed(text: string): EditorState {
  const state = EditorState.create({ doc: toDoc(schema, "雨。"), plugins });
  return state.apply(state.tr.insertText(text, 1));
}

let pasts: Pasts;
beforeEach(() => {
  pasts = new Pasts();
  pasts.keep("a", typed("夜"));
});

test("a chapter comes back with what can be undone, and nothing else of before", () => {
  let state = pasts.back("a", "夜雨。", plugins)!;
  expect([undoDepth(state), drawn.getState(state)]).toEqual([1, 0]);
  undo(state, (tr) => (state = state.apply(tr)));
  expect(toText(state.doc)).toBe("雨。");
  redo(state, (tr) => (state = state.apply(tr)));
  expect(toText(state.doc)).toBe("夜雨。");
});

test("a text that is another now, or another editor, has no past", () => {
  expect(pasts.back("a", "雨。", plugins)).toBeNull();
  expect(pasts.back("b", "夜雨。", plugins)).toBeNull();
  pasts.forget();
  expect(pasts.back("a", "夜雨。", plugins)).toBeNull();
});

test("five chapters are kept, those left last", () => {
  for (const chapter of ["b", "c", "d", "e"]) pasts.keep(chapter, typed(chapter));
  pasts.keep("a", typed("夜"));
  pasts.keep("f", typed("f"));
  expect(pasts.back("b", "b雨。", plugins)).toBeNull();
  expect(pasts.back("a", "夜雨。", plugins)).not.toBeNull();
});
