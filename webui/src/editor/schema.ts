/** The manuscript as a document: paragraphs of plain text, one for each line of the chapter.
 *
 * No mark, no other node: what is shown is what is saved. Blank lines are empty paragraphs.
 */

import { Extension, Node, type Extensions } from "@tiptap/core";
import { history, redo, undo } from "@tiptap/pm/history";
import { Selection, TextSelection } from "@tiptap/pm/state";
import { Fragment, Slice, type Node as Doc, type Schema } from "@tiptap/pm/model";

const Manuscript = Node.create({ name: "doc", topNode: true, content: "paragraph+" });

const Paragraph = Node.create({
  name: "paragraph",
  content: "text*",
  marks: "",
  // Spaces are the author's own: the parser may not fold them.
  whitespace: "pre",
  parseHTML: () => [{ tag: "p" }],
  renderHTML: () => ["p", 0],
});

const Text = Node.create({ name: "text" });

/** One step of undo holds what was typed without a pause of `GROUP_MS`. */
const GROUP_MS = 800;

const Undo = Extension.create({
  name: "undo",
  addProseMirrorPlugins: () => [history({ depth: 500, newGroupDelay: GROUP_MS })],
  addKeyboardShortcuts() {
    const run = (command: typeof undo) => () =>
      command(this.editor.state, this.editor.view.dispatch);
    return { "Mod-z": run(undo), "Shift-Mod-z": run(redo), "Mod-y": run(redo) };
  },
});

/** To the ends of the chapter: the browser's own keys stop short where nothing is laid out yet. */
const Ends = Extension.create({
  name: "ends",
  addKeyboardShortcuts() {
    const go = (end: "atStart" | "atEnd", extend: boolean) => () => {
      const { state, view } = this.editor;
      const { $head } = Selection[end](state.doc);
      const $anchor = extend ? state.selection.$anchor : $head;
      view.dispatch(state.tr.setSelection(new TextSelection($anchor, $head)).scrollIntoView());
      return true;
    };
    const keys = (start: string, end: string) => ({
      [start]: go("atStart", false),
      [end]: go("atEnd", false),
      [`Shift-${start}`]: go("atStart", true),
      [`Shift-${end}`]: go("atEnd", true),
    });
    return { ...keys("Ctrl-Home", "Ctrl-End"), ...keys("Cmd-ArrowUp", "Cmd-ArrowDown") };
  },
});

export const extensions: Extensions = [Manuscript, Paragraph, Text, Undo, Ends];

/** How the text of a transaction came to be: its `Wish`, as a transaction's meta. */
export const WISH = "yanchi-wish";

/** A chapter's text with every line break as "\n". */
export function unbroken(text: string): string {
  return text.replace(/\r\n?/g, "\n");
}

export function paragraphs(schema: Schema, text: string): Doc[] {
  const type = schema.nodes.paragraph!;
  return text.split("\n").map((line) => type.create(null, line ? schema.text(line) : null));
}

/** The document of `text`, whose line breaks are "\n". */
export function toDoc(schema: Schema, text: string): Doc {
  return schema.topNodeType.create(null, paragraphs(schema, text));
}

/** The text of a document; the inverse of `toDoc`. */
export function toText(doc: Doc): string {
  return doc.textBetween(0, doc.content.size, "\n");
}

/** `text` as it is put into a paragraph: its first and last line join what stands around it. */
export function toSlice(schema: Schema, text: string): Slice {
  return text ? new Slice(Fragment.from(paragraphs(schema, text)), 1, 1) : Slice.empty;
}
