import { getSchema } from "@tiptap/core";
import { EditorState, PluginKey } from "@tiptap/pm/state";
import { Decoration, type DecorationSet } from "@tiptap/pm/view";
import fc from "fast-check";
import { expect, test } from "vitest";
import { changed, paragraphDecorations } from "$/editor/composing";
import { extensions, toDoc, toSlice } from "$/editor/schema";

const schema = getSchema(extensions);
const key = new PluginKey("names");
let scanned = 0;

/** Marks every 顾 as a name. */
const names = paragraphDecorations(key, (paragraph, start) => {
  scanned++;
  return [...paragraph.textContent.matchAll(/顾/g)].map(({ index }) =>
    Decoration.inline(start + index, start + index + 1, { class: "name" }),
  );
});

const open = (text: string) => EditorState.create({ doc: toDoc(schema, text), plugins: [names] });
const marked = (state: EditorState) =>
  (key.getState(state) as { set: DecorationSet }).set
    .find()
    .map(({ from, to }) => [from, to])
    .sort(([a], [b]) => a! - b!);
const typed = (state: EditorState, from: number, to: number, text: string, composing = false) => {
  const tr = state.tr.replace(from, to, toSlice(schema, text));
  return state.apply(composing ? tr.setMeta("composition", 1) : tr);
};
const settled = (state: EditorState) => state.apply(state.tr.setMeta("yanchi-settled", true));

const text = fc
  .array(fc.constantFrom("顾", "x", "\n", "顾\n"), { maxLength: 20 })
  .map((parts) => parts.join(""));
const edit = fc.record({
  at: fc.nat(30), cut: fc.nat(6), text, composing: fc.boolean(), over: fc.boolean(),
}); // prettier-ignore

test("marks are those of the text, whatever was typed, once no composition is running", () => {
  fc.assert(
    fc.property(text, fc.array(edit, { maxLength: 8 }), (start, edits) => {
      let state = open(start);
      for (const { at, cut, text: more, composing, over } of edits) {
        const size = state.doc.content.size;
        const from = 1 + (at % (size - 1));
        state = typed(state, from, Math.min(from + cut, size - 1), more, composing);
        if (over) state = settled(state);
      }
      state = settled(state);
      const whole = state.doc.textBetween(0, state.doc.content.size, "\n");
      expect(marked(state)).toEqual(marked(open(whole)));
    }),
  );
});

test("nothing is marked anew in a paragraph while it is composed in", () => {
  let state = typed(open("顾一\n二"), 1, 1, "顾", true);
  expect(marked(state)).toEqual([[2, 3]]);
  state = settled(state);
  expect(marked(state)).toEqual([
    [1, 2],
    [2, 3],
  ]);
});

test("a keystroke has one paragraph read again", () => {
  const state = open(Array.from({ length: 400 }, (_, n) => `第${n}段`).join("\n"));
  scanned = 0;
  typed(state, 3, 3, "字");
  expect(scanned).toBe(1);
});

test("the changed range is where the paragraphs differ", () => {
  const before = toDoc(schema, "一\n二\n三");
  const state = EditorState.create({ doc: before });
  expect(changed(before, before)).toBeNull();
  const after = state.apply(state.tr.insertText("x", 5)).doc;
  expect(changed(before, after)).toEqual({ from: 3, to: 7 });
});
