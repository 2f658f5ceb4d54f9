import fc from "fast-check";
import { expect, test } from "vitest";
import { Heights } from "$/ui/heights";

test("rows stand one under the other, whatever order they were measured in", () => {
  const measured = fc.array(fc.tuple(fc.nat(60), fc.integer({ min: 1, max: 500 })));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), measured, fc.nat(), (length, seen, y) => {
      const heights = new Heights(length, 40);
      const plain = Array<number>(length).fill(40);
      for (const [index, height] of seen) {
        const news = index < length && plain[index] !== height;
        expect(heights.set(index, height)).toBe(news);
        if (news) plain[index] = height;
        const before = plain.slice(0, index).reduce((sum, next) => sum + next, 0);
        if (index <= length) expect(heights.offset(index)).toBe(before);
      }
      const whole = plain.reduce((sum, next) => sum + next, 0);
      expect(heights.offset(length)).toBe(whole);
      const at = heights.at(y % whole);
      expect(heights.offset(at)).toBeLessThanOrEqual(y % whole);
      expect(heights.offset(at + 1)).toBeGreaterThan(y % whole);
    }),
  );
});

test("a place below the last row is the last row's, one above the first the first's", () => {
  const heights = new Heights(3, 10);
  expect(heights.at(1000)).toBe(2);
  expect(heights.at(-5)).toBe(0);
});
