import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { applied, hunks } from "$/text/hunks";

const words = [
  "他",
  "左手",
  "慢慢",
  "转着",
  "橘子",
  "，",
  "。",
  "\n",
  "右手不动",
  "雨",
  "𠮷",
  " ",
  "a",
];
const text = fc.array(fc.constantFrom(...words), { maxLength: 40 }).map((all) => all.join(""));

describe("hunks", () => {
  test("are what a reader calls one change", () => {
    const old = "他左手转橘子，右手不动。他每说一句话，先看一眼那块表。";
    const all = hunks(old, "他左手慢慢转着橘子，右手不动。每说一句话，总要先看那块表。");
    expect(all.length).toBeGreaterThan(1);
    for (const { start, end, removed } of all) {
      expect(old.slice(start, end)).toBe(removed);
      expect(removed).not.toContain("。");
    }
  });

  test("there are none between a text and itself", () => {
    expect(hunks("雨停了。", "雨停了。")).toEqual([]);
  });

  test("all taken are the new text, none the old, and neighbours do not touch", () => {
    fc.assert(
      fc.property(text, text, (old, fresh) => {
        const all = hunks(old, fresh);
        expect(applied(old, all, () => true)).toBe(fresh);
        expect(applied(old, all, () => false)).toBe(old);
        all.forEach(({ start, end, removed, inserted }, n) => {
          expect(old.slice(start, end)).toBe(removed);
          expect(removed + inserted).not.toBe("");
          expect(start).toBeGreaterThan(all[n - 1]?.end ?? -1);
        });
      }),
    );
  });

  test("any choice among them is what comes of them one by one", () => {
    fc.assert(
      fc.property(
        text,
        text,
        fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }),
        (old, fresh, take) => {
          const all = hunks(old, fresh);
          let one = old;
          for (let n = all.length - 1; n >= 0; n--) {
            const { start, end, inserted } = all[n]!;
            if (take[n]) one = one.slice(0, start) + inserted + one.slice(end);
          }
          expect(applied(old, all, (_, n) => take[n] === true)).toBe(one);
        },
      ),
    );
  });
});
