import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { excerpt, marked, terms } from "$/rooms/search/marks";

const hits = (text: string, query: string) =>
  marked(text, query)
    .filter((part) => part.hit)
    .map((part) => part.text);

describe("marks", () => {
  test("take Chinese words by pairs of characters, others whole", () => {
    expect(terms("缺角铜铃 Ann 的")).toEqual(["缺角", "角铜", "铜铃", "ann", "的"]);
    expect(hits("那只铜铃，缺角的铜铃。", "缺角铜铃")).toEqual(["铜铃", "缺角", "铜铃"]);
    expect(hits("Anna met ANN.", "ann")).toEqual(["Ann", "ANN"]);
    expect(hits("什么也没有", "——？")).toEqual([]);
  });

  test("lose nothing of the text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (text, query) => {
        expect(
          marked(text, query)
            .map((part) => part.text)
            .join(""),
        ).toBe(text);
      }),
    );
  });
});

describe("an excerpt", () => {
  const passage = "雨停了。𠮷老板把铜铃挂回檐下，铃舌早就没了。\n\n“走罢，”她说。";

  test("is the sentence that shares most, with its place in code points", () => {
    const found = excerpt(passage, "铜铃的铃舌");
    const points = [...passage];
    expect(points.slice(...found.span).join("")).toBe("𠮷老板把铜铃挂回檐下，铃舌早就没了。");
    expect(found.text).toContain("铜铃挂回檐下");
  });

  test("is the first sentence where only the meaning is shared", () => {
    expect(excerpt(passage, "乐器").span).toEqual([0, 4]);
  });

  test("never cuts a character in two and always lies in the passage", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), fc.string(), (text, query) => {
        const { text: shown, span } = excerpt(text, query);
        expect(span[0]).toBeLessThanOrEqual(span[1]);
        expect(span[1]).toBeLessThanOrEqual([...text].length);
        const torn = (found: string) =>
          [...found].some((point) => /[\ud800-\udfff]/.test(point) && point.length === 1);
        if (!torn(text)) expect(torn(shown)).toBe(false);
      }),
    );
  });
});
