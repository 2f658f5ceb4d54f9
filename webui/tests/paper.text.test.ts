import { getSchema } from "@tiptap/core";
import type { Node as Doc } from "@tiptap/pm/model";
import { EditorState } from "@tiptap/pm/state";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { chars, han } from "$/text/count";
import { toPoints, toUnits } from "$/text/points";
import { linesOf, matches, replaced } from "$/editor/find";
import { compile, spots, type Query } from "$/editor/pattern";
import { linesOfHtml, linesOfText } from "$/editor/paste";
import { pointsAt, posAt, sizeOfDoc, unitsAt } from "$/editor/places";
import { extensions, toDoc, toSlice, toText, unbroken } from "$/editor/schema";
import { Sheet, type Change } from "$/editor/sheet";
import { differences } from "$/editor/versions";
import { groups } from "$/rooms/desk/bookReplace";

const schema = getSchema(extensions);
const text = fc
  .array(fc.constantFrom("字", "a", " ", "　", "\n", "𠮷", "😀", "。", "\u2028", "\ud800"), {
    maxLength: 40,
  })
  .map((parts) => parts.join(""));

describe("the document", () => {
  test("holds a text without losing a character", () => {
    fc.assert(
      fc.property(fc.oneof(text, fc.string({ unit: "binary" })), (raw) => {
        const whole = unbroken(raw);
        const doc = toDoc(schema, whole);
        doc.check();
        expect(toText(doc)).toBe(whole);
        expect(doc.childCount).toBe(whole.split("\n").length);
      }),
    );
  });

  test("has one line break, whatever the text came with", () => {
    expect(unbroken("一\r\n二\r三\n四")).toBe("一\n二\n三\n四");
  });

  test("knows every place of the text", () => {
    fc.assert(
      fc.property(text, (whole) => {
        const doc = toDoc(schema, whole);
        for (let unit = 0; unit <= whole.length; unit++) {
          const points = toPoints(whole, unit);
          if (toUnits(whole, points) !== unit) continue; // within a character
          const pos = posAt(doc, points);
          expect(doc.resolve(pos).parent.isTextblock).toBe(true);
          expect(unitsAt(doc, pos)).toBe(unit);
          expect(pointsAt(doc, pos)).toBe(points);
        }
        const all = toPoints(whole, whole.length);
        expect(posAt(doc, all + 9)).toBe(doc.content.size - 1);
        expect(sizeOfDoc(doc)).toEqual({ points: all, chars: chars(whole), han: han(whole) });
      }),
    );
  });

  test("takes text in at any place, as the text itself would", () => {
    fc.assert(
      fc.property(text, text, fc.nat(50), fc.nat(50), (whole, more, one, other) => {
        const points = [...whole].length;
        const [start, end] = [one % (points + 1), other % (points + 1)].sort((a, b) => a - b);
        const doc = toDoc(schema, whole);
        const state = EditorState.create({ doc });
        const tr = state.tr.replace(posAt(doc, start!), posAt(doc, end!), toSlice(schema, more));
        const units = (n: number) => toUnits(whole, n);
        const wanted = whole.slice(0, units(start!)) + more + whole.slice(units(end!));
        expect(toText(tr.doc)).toBe(wanted);
      }),
    );
  });
});

describe("the sheet", () => {
  test("turns any text into any other, and tells whose it is", () => {
    fc.assert(
      fc.property(text, text, (one, other) => {
        const sheet = new Sheet(() => {});
        sheet.open("c", one);
        sheet.show(other, true);
        expect(sheet.text()).toBe(other);
      }),
    );
  });

  test("puts text in as one step of undo, and stands behind it", () => {
    const element = document.body.appendChild(document.createElement("div"));
    const changes: Change[] = [];
    const sheet = new Sheet((change) => changes.push(change));
    const editor = sheet.mount(element);
    sheet.open("c", "一二\n三四");
    const at = posAt(sheet.state.doc, 2);
    sheet.put(at, at, "甲\n乙", { generation: "g", candidate: 1 });
    expect(sheet.text()).toBe("一二甲\n乙\n三四");
    expect(pointsAt(sheet.state.doc, sheet.state.selection.head)).toBe(5);
    editor.view.dispatch(sheet.state.tr.insertText("丙"));
    expect(changes.map(({ doc, by, wish }) => [doc, by, wish])).toEqual([
      [true, "author", { generation: "g", candidate: 1 }],
      [true, "author", undefined],
    ]);
    const undo = () => editor.view.someProp("handleKeyDown", (f) => f(editor.view, key("z")));
    undo();
    expect(sheet.text()).toBe("一二甲\n乙\n三四");
    undo();
    expect(sheet.text()).toBe("一二\n三四");
    undo();
    expect(sheet.text()).toBe("一二\n三四"); // opening is no step
    sheet.unmount();
  });
});

const key = (name: string) =>
  new KeyboardEvent("keydown", { key: name, code: `Key${name.toUpperCase()}`, ctrlKey: true });

describe("pasting", () => {
  test("Word's paragraphs, lists and tables become lines", () => {
    const html = `<html><head><style>p{color:red}</style><title>标题</title></head><body>
      <!--StartFragment--><p class=MsoNormal style='text-indent:21.0pt'>　　第一段，<b>加粗</b><span
      lang=EN-US>Word<o:p></o:p></span></p>
      <p class=MsoNormal><o:p>&nbsp;</o:p></p>
      <p class=MsoListParagraph><span style='mso-list:Ignore'>1.&nbsp;</span>列表</p>
      <ul><li>甲</li><li><p>乙</p></li></ul>
      <table><tr><td>一</td><td><p>二</p></td></tr><tr><td>三</td></tr></table>
      <script>alert(1)</script><img src=x onerror="alert(2)">第二<br>第三<!--EndFragment--></body></html>`;
    expect(linesOfHtml(html)).toEqual([
      "第一段，加粗Word", "", "列表", "甲", "乙", "一　二", "三", "第二", "第三",
    ]); // prettier-ignore
  });

  test("a page's white space folds, a listing's stays", () => {
    expect(linesOfHtml("<div>一 \n  二<div>三</div>四</div><pre>  五\n六</pre>")).toEqual([
      "一 二", "三", "四", "五", "六",
    ]); // prettier-ignore
    expect(linesOfHtml("只有一句<em>话</em>。")).toEqual(["只有一句话。"]);
  });

  test("ruby, hidden text and forms are left out", () => {
    const html = "<p><ruby>漢<rp>(</rp><rt>かん</rt><rp>)</rp></ruby>字<span hidden>藏</span></p>";
    expect(linesOfHtml(`${html}<button>按</button>`)).toEqual(["漢字"]);
  });

  test("any system's line breaks, and no unseen characters", () => {
    expect(linesOfText("一\r\n二\r三\u2028四\u0085五\u2029六")).toEqual([..."一二三四五六"]);
    expect(linesOfText("\ufeff　　一\u200b二\n\t三  四\n\n")).toEqual(["一二", "三  四"]);
    expect(linesOfText(" 词")).toEqual(["词"]);
    expect(linesOfText(" ")).toEqual([" "]);
  });

  test("nothing that is text is lost", () => {
    fc.assert(
      fc.property(
        fc.array(fc.stringMatching(/^[\u4e00-\u4e20]{1,8}$/), { minLength: 1 }),
        (all) => {
          const html = all.map((line) => `<p>${line}</p>`).join("\n");
          expect(linesOfHtml(html)).toEqual(all);
          expect(linesOfText(all.join("\r\n"))).toEqual(all);
        },
      ),
    );
  });
});

const search = (doc: Doc, pattern: RegExp) => matches(doc, spots(linesOf(doc), pattern));

describe("finding", () => {
  const find = (whole: string, query: Partial<Query> & { text: string }) => {
    const doc = toDoc(schema, whole);
    const pattern = compile({ regex: false, exact: false, ...query });
    return pattern ? search(doc, pattern).map(({ from, to }) => doc.textBetween(from, to)) : [];
  };

  test("takes a query as it stands, unless it is an expression", () => {
    expect(find("a.b A.B axb", { text: "a.b" })).toEqual(["a.b", "A.B"]);
    expect(find("a.b A.B axb", { text: "a.b", exact: true })).toEqual(["a.b"]);
    expect(find("a.b A.B axb", { text: "a.b", exact: true, regex: true })).toEqual(["a.b", "axb"]);
    expect(find("一\n二", { text: "$", regex: true })).toEqual([]);
    expect(find("𠮷野家", { text: ".", regex: true })).toEqual(["𠮷", "野", "家"]);
    expect(() => compile({ text: "(", regex: true, exact: false })).toThrow(SyntaxError);
  });

  test("replaces all as the text itself would", () => {
    const piece = fc.constantFrom("信", "x", "信信", "。", "\n", "X1", "$&");
    fc.assert(
      fc.property(fc.array(piece), piece, piece, (parts, what, into) => {
        const whole = parts.join("");
        if (what === "\n") return;
        const query = { text: what, regex: false, exact: true };
        const state = EditorState.create({ doc: toDoc(schema, whole) });
        const tr = replaced(state, search(state.doc, compile(query)!), query, into);
        expect(toText(tr.doc)).toBe(whole.split(what).join(into));
      }),
    );
  });

  test("an expression's groups count in what replaces it", () => {
    const query = { text: "(\\d+)年(?=春)", regex: true, exact: true };
    const state = EditorState.create({ doc: toDoc(schema, "13年春，14年秋，15年春") });
    const tr = replaced(state, search(state.doc, compile(query)!), query, "[$1]\\n");
    expect(toText(tr.doc)).toBe("[13]\n春，14年秋，[15]\n春");
    const same = replaced(state, search(state.doc, compile(query)!), query, "[\\1]");
    expect(toText(same.doc)).toBe("[13]春，14年秋，[15]春");
    expect(groups("$1 $& \\2")).toBe("\\g<1> \\g<0> \\2");
  });
});

describe("differences", () => {
  test("hold both texts, and nothing where they are the same", () => {
    fc.assert(
      fc.property(text, text, (mine, theirs) => {
        const found = differences(mine, theirs);
        expect(found.length === 0).toBe(mine === theirs);
        for (const one of found) {
          const side = (parts: { text: string }[]) => parts.map((part) => part.text).join("");
          expect(mine).toContain(side(one.mine));
          expect(theirs).toContain(side(one.theirs));
        }
      }),
    );
  });

  test("tell apart within a line", () => {
    expect(differences("一\n灯亮着", "一\n灯灭着")).toEqual([
      {
        before: "一",
        mine: [
          { text: "灯", own: false },
          { text: "亮", own: true },
          { text: "着", own: false },
        ],
        theirs: [
          { text: "灯", own: false },
          { text: "灭", own: true },
          { text: "着", own: false },
        ],
      },
    ]);
  });
});
