import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { clauseOf, clauses, whole } from "$/text/clauses";

const prose = fc.array(fc.constantFrom(...`他说你好雨，。！？；：…—、“”‘’」）\n ,.!?"'a1𠮷`), {
  maxLength: 60,
});
const text = prose.map((all) => all.join(""));

describe("clauses", () => {
  test("end after a mark and the quotes that close behind it", () => {
    expect(clauses("裴照没有动。“阿蘅，”他终于抬手：“你看……”说完就走")).toEqual([
      "裴照没有动。",
      "“阿蘅，”",
      "他终于抬手：",
      "“你看……”",
      "说完就走",
    ]);
  });

  test("begin with the break before them, and end before the next", () => {
    expect(clauses("题目\n“风。”她说。\n\n走")).toEqual(["题目", "\n“风。”", "她说。", "\n\n走"]);
    expect(clauseOf("\n“风。”她说。")).toBe("\n“风。”");
    expect(clauseOf("")).toBe("");
  });

  test("join to the text; none is empty; each ends where it says", () => {
    fc.assert(
      fc.property(text, (all) => {
        const pieces = clauses(all);
        expect(pieces.join("")).toBe(all);
        for (const piece of pieces) expect(piece).not.toBe("");
        expect(pieces[0] ?? "").toBe(clauseOf(all));
        pieces.slice(1).forEach((piece, n) => {
          const marked = /[，。！？；：…—,!?;][”’」）"']*$/u.test(pieces[n] as string);
          expect(marked || piece.startsWith("\n")).toBe(true);
        });
      }),
    );
  });

  test("of a growing text are only those that are whole, and never shrink", () => {
    fc.assert(
      fc.property(text, (all) => {
        let shown = "";
        for (let n = 0; n <= all.length; n++) {
          const next = whole(all.slice(0, n));
          expect(all.startsWith(next)).toBe(true);
          expect(next.length).toBeGreaterThanOrEqual(shown.length);
          shown = next;
        }
        const sentences = whole(all, "sentence");
        expect(whole(all).startsWith(sentences)).toBe(true);
      }),
    );
  });
});
