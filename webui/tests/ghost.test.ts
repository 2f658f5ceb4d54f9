import { EditorState, TextSelection } from "@tiptap/pm/state";
import { EditorView } from "@tiptap/pm/view";
import { getSchema } from "@tiptap/core";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { composition } from "$/editor/composing";
import { Ghost } from "$/editor/ghost";
import { extensions, toDoc, toSlice, toText } from "$/editor/schema";

const schema = getSchema(extensions);
let view: EditorView;
let ghost: Ghost;
let told: string[];

beforeEach(() => {
  ghost = new Ghost();
  told = [];
  ghost.onTaken = (text) => told.push(text);
  ghost.onGone = () => told.push("gone");
});

afterEach(() => view.destroy());

/** An editor with `text`, and the ghost `offered` where the bar stands in it. */
function paper(text: string, offered: string): void {
  const at = text.indexOf("|");
  const doc = toDoc(schema, text.replace("|", ""));
  const plugins = [composition.plugin(), ghost.plugin];
  const place = document.body.appendChild(document.createElement("div"));
  view = new EditorView(place, { state: EditorState.create({ doc, plugins }) });
  ghost.open(1 + at + (text.slice(0, at).match(/\n/g)?.length ?? 0));
  ghost.write(offered, false);
}

const shown = () => view.dom.querySelector(".ghost")?.textContent ?? "";
const text = () => toText(view.state.doc);
const type = (words: string, at = ghost.pos!) =>
  view.dispatch(view.state.tr.replace(at, at, toSlice(schema, words)));
const cut = (from: number, to: number) => view.dispatch(view.state.tr.delete(from, to));

/** What an input method does: composed text is dispatched, and no key. */
async function compose(steps: string[], at = ghost.pos!): Promise<void> {
  view.dom.dispatchEvent(new Event("compositionstart"));
  let end = at;
  for (const step of steps) {
    view.dispatch(view.state.tr.insertText(step, at, end).setMeta("composition", 1));
    end = at + step.length;
  }
}

async function composed(): Promise<void> {
  view.dom.dispatchEvent(new Event("compositionend"));
  await new Promise<void>((done) => composition.settled(done));
}

describe("the ghost", () => {
  test("is shown at its place, its first clause apart, and is not in the document", () => {
    paper("雨停了。|\n她没有回头。", "他没有动。\n“风。”她说。");
    expect(shown()).toBe("他没有动。“风。”她说。");
    expect(view.dom.querySelector(".ghost .next")?.textContent).toBe("他没有动。");
    expect(view.dom.querySelectorAll(".ghost .p-indent")).toHaveLength(1);
    expect(view.dom.querySelector(".ghost")?.getAttribute("aria-hidden")).toBe("true");
    expect(text()).toBe("雨停了。\n她没有回头。");
  });

  test("grows by clauses", () => {
    paper("雨停了。|", "");
    ghost.write("他没", true);
    expect(shown()).toBe("");
    ghost.write("他没有动，看", true);
    expect(shown()).toBe("他没有动，");
    ghost.write("他没有动，看着", false);
    expect(shown()).toBe("他没有动，看着");
  });

  test("gives up what is typed of its beginning", () => {
    paper("雨停了。|\n她没有回头。", "他没有动。");
    type("他");
    type("没有");
    expect(shown()).toBe("动。");
    expect(text()).toBe("雨停了。他没有\n她没有回头。");
    type("动。");
    expect(shown()).toBe("");
    expect(told).toEqual(["他", "没有", "动。"]);
  });

  test("gives up paragraphs", () => {
    paper("雨停了。|", "他走了。\n“风。”");
    type("他走了。\n“");
    expect(shown()).toBe("风。”");
    expect(told).toEqual(["他走了。\n“"]);
  });

  test.each([
    ["other words", () => type("她")],
    ["a break", () => type("\n")],
    ["backspace", () => cut(ghost.pos! - 1, ghost.pos!)],
    ["delete", () => cut(ghost.pos!, ghost.pos! + 1)],
    ["all around it deleted", () => cut(1, view.state.doc.content.size - 1)],
  ])("goes with %s at its place", (_, edit) => {
    paper("雨停了。|又下。", "他没有动。");
    edit();
    expect(told).toEqual(["gone"]);
    expect(view.dom.querySelector(".ghost")).toBeNull();
    expect(ghost.pos).toBeNull();
  });

  test("moves along with edits elsewhere and with the caret anywhere", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(5), fc.constantFrom("春", "春\n秋", ""), fc.boolean()), {
          maxLength: 6,
        }),
        (edits) => {
          ghost = new Ghost();
          let gone = false;
          ghost.onGone = () => (gone = true);
          paper("雨停了又下了。|\n她没有回头看一眼。", "他没有动。");
          for (const [at, words, before] of edits) {
            const { size } = view.state.doc.content;
            const place = before ? 1 + at : size - 1 - Math.min(at, 5);
            if (Math.abs(place - ghost.pos!) < 2) continue;
            type(words, place);
            const near = TextSelection.near(view.state.doc.resolve(place));
            view.dispatch(view.state.tr.setSelection(near));
          }
          const { doc } = view.state;
          expect(gone).toBe(false);
          expect(doc.textBetween(0, ghost.pos!, "\n").endsWith("了。")).toBe(true);
          expect(doc.textBetween(ghost.pos!, doc.content.size, "\n")).toMatch(/^\n.*她/su);
          expect(shown()).toBe("他没有动。");
          view.destroy();
        },
      ),
      { numRuns: 40 },
    );
  });

  test("keeps still while an input method composes, and is judged after", async () => {
    paper("雨停了。|", "下一回。");
    const version = () => view.dom.querySelector(".ghost")?.outerHTML;
    const before = version();
    await compose(["x", "xi", "xia"]);
    expect(told).toEqual([]);
    expect(version()).toBe(before);
    expect(text()).toBe("雨停了。xia");
    const at = ghost.pos!;
    view.dispatch(view.state.tr.insertText("下", at - 3, at).setMeta("composition", 1));
    await composed();
    expect(told).toEqual(["下"]);
    expect(shown()).toBe("一回。");
  });

  test("goes when something else was composed at its place", async () => {
    paper("雨停了。|", "下一回。");
    await compose(["n", "ni", "你"]);
    expect(told).toEqual([]);
    await composed();
    expect(told).toEqual(["gone"]);
    expect(text()).toBe("雨停了。你");
  });

  test("dispatches nothing while composing, and shows the rest after", async () => {
    paper("雨停了。|\n她没有回头。", "");
    let dispatched = 0;
    await compose(["n", "ni"], 8);
    const dispatch = view.dispatch.bind(view);
    view.dispatch = (tr) => (dispatched++, dispatch(tr));
    ghost.write("他没有动，", true);
    ghost.write("他没有动，也没有说话。", false);
    expect(dispatched).toBe(0);
    expect(shown()).toBe("");
    view.dispatch = dispatch;
    await composed();
    expect(shown()).toBe("他没有动，也没有说话。");
    expect(told).toEqual([]);
  });

  test("is silent when it is closed, or another text is opened", () => {
    paper("雨停了。|", "他没有动。");
    ghost.close();
    expect(view.dom.querySelector(".ghost")).toBeNull();
    ghost.open(5);
    ghost.write("他没有动。", false);
    const { plugins } = view.state;
    view.updateState(EditorState.create({ doc: toDoc(schema, "另一章。"), plugins }));
    expect(view.dom.querySelector(".ghost")).toBeNull();
    expect(told).toEqual([]);
  });
});
