import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { chars, han } from "$/text/count";
import { toPoints, toUnits } from "$/text/points";

describe("offsets", () => {
  test("count code points, and come back", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const points = [...text];
        points.forEach((_, n) => {
          const unit = points.slice(0, n).join("").length;
          expect(toPoints(text, unit)).toBe(n);
          expect(toUnits(text, n)).toBe(unit);
        });
        expect(toUnits(text, points.length + 5)).toBe(text.length);
      }),
    );
  });
});

describe("counting", () => {
  test("takes punctuation in and leaves white space out", () => {
    expect(chars("“风。”她说。\n　𠮷 a")).toBe(9);
    expect(han("“风。”她说。𠮷a")).toBe(4);
  });
});
