import { getSchema } from "@tiptap/core";
import { EditorState, TextSelection } from "@tiptap/pm/state";
import { EditorView } from "@tiptap/pm/view";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { composition } from "$/editor/composing";
import { Marks } from "$/editor/diff";
import { extensions, toDoc, toSlice, toText } from "$/editor/schema";
import { hunks } from "$/text/hunks";

const schema = getSchema(extensions);
const OLD = "他左手转橘子。\n右手不动。";
let view: EditorView;
let marks: Marks;
let gone: number;

beforeEach(() => {
  marks = new Marks();
  gone = 0;
  marks.onGone = () => gone++;
  const doc = toDoc(schema, `雨停了。\n${OLD}\n她没有回头。`);
  const plugins = [composition.plugin(), marks.plugin];
  const place = document.body.appendChild(document.createElement("div"));
  const state = EditorState.create({ doc, plugins });
  view = new EditorView(place, { state });
  view.dispatch(state.tr.setSelection(TextSelection.create(doc, 7, 21)));
  expect(marks.open()).toBe(true);
});

afterEach(() => view.destroy());

const shown = (selector: string) =>
  [...view.dom.querySelectorAll(selector)].map((mark) => mark.textContent).join("|");
const type = (text: string, at: number) =>
  view.dispatch(view.state.tr.replace(at, at, toSlice(schema, text)));

function propose(fresh: string): void {
  const all = hunks(OLD, fresh);
  marks.propose({ hunks: all, verdicts: all.map(() => "open" as const), at: 0 });
}

describe("a stretch that is rewritten", () => {
  test("is marked, over paragraphs", () => {
    expect(marks.stretch).toMatchObject({ from: 7, to: 21, text: OLD });
    expect(shown(".picked")).toBe("他左手转橘子。|右手不动。");
    expect(view.dom.className).toContain("picking");
  });

  test("leaves out the white space around it", () => {
    marks.close();
    const { doc } = view.state;
    view.dispatch(view.state.tr.setSelection(TextSelection.create(doc, 5, 23)));
    expect(marks.open()).toBe(true);
    expect(marks.stretch).toMatchObject({ from: 7, to: 21, text: OLD });
    view.dispatch(view.state.tr.setSelection(TextSelection.create(doc, 5, 7)));
    expect(marks.open()).toBe(false);
  });

  test("is nothing where nothing is selected", () => {
    view.dispatch(view.state.tr.setSelection(TextSelection.create(view.state.doc, 3)));
    marks.close();
    expect(marks.open()).toBe(false);
    expect(marks.stretch).toBeNull();
  });

  test("shows what would go and come, and changes nothing", () => {
    propose("他左手慢慢转着橘子。\n右手纹丝不动。\n表是新的。");
    expect(shown("del")).toContain("转");
    expect(shown("ins.fresh")).toContain("慢慢转着");
    expect(shown("ins.fresh")).toContain("表是新的。");
    expect(view.dom.querySelectorAll(".now").length).toBeGreaterThan(0);
    expect(toText(view.state.doc)).toBe(`雨停了。\n${OLD}\n她没有回头。`);
    expect(view.state.selection.empty).toBe(true);
    expect(view.dom.className).not.toContain("picking");
  });

  test("moves along with edits outside", () => {
    propose("他左手慢慢转着橘子。\n右手不动。");
    type("天黑了。\n", 1);
    type("走了。", view.state.doc.content.size - 1);
    expect(gone).toBe(0);
    expect(marks.stretch?.text).toBe(OLD);
    expect(shown("del")).toBe("转");
  });

  test("is void after an edit inside", () => {
    propose("他左手慢慢转着橘子。\n右手不动。");
    type("的", 9);
    expect([gone, marks.stretch, shown("del, ins")]).toEqual([1, null, ""]);
  });

  test("waits for an input method before it is void", async () => {
    view.dispatch(view.state.tr.setSelection(TextSelection.create(view.state.doc, 9)));
    view.dom.dispatchEvent(new Event("compositionstart"));
    view.dispatch(view.state.tr.insertText("ni", 9).setMeta("composition", 1));
    expect([gone, marks.stretch?.to]).toEqual([0, 23]);
    view.dom.dispatchEvent(new Event("compositionend"));
    await new Promise<void>((done) => composition.settled(done));
    expect(gone).toBe(1);
  });

  test("tells which side of which hunk was clicked", () => {
    propose("他左手慢慢转着橘子。\n右手不动。");
    const picked: [number, boolean][] = [];
    marks.onPick = (hunk, fresh) => picked.push([hunk, fresh]);
    const handle = marks.plugin.props.handleClick!.bind(marks.plugin);
    for (const selector of ["ins .words", "del", "p"]) {
      const target = view.dom.querySelector(selector)!;
      const event = Object.assign(new MouseEvent("click"), {});
      Object.defineProperty(event, "target", { value: target });
      handle(view, 0, event);
    }
    expect(picked).toEqual([
      [0, true],
      [0, false],
    ]);
  });
});
