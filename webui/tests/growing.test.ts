import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Growing } from "$/text/growing";
import { applied, type Hunk } from "$/text/hunks";

const OLD =
  "他左手转橘子，右手不动。他先看一眼那块表。屋外的雨还没有停，铜铃在檐下响了两声。陈姨把茶放在桌上。";
const NEW =
  "他左手慢慢转着橘子，右手不动。他总要先看那块表。屋外的雨还没有停，铜铃在檐下响了两声。陈姨不说话。";

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
const text = fc.array(fc.constantFrom(...words), { maxLength: 60 }).map((all) => all.join(""));
const all = (old: string, hunks: Hunk[]) => applied(old, hunks, () => true);

describe("a text that grows", () => {
  test("has firm changes before it is whole, and greys what is not told apart", () => {
    const growing = new Growing(OLD);
    growing.grow(NEW.slice(0, NEW.indexOf("屋外") + 10));
    expect(growing.firm.map(({ removed, inserted }) => [removed, inserted])).toEqual([
      ["转", "慢慢转着"],
      ["先看一眼", "总要先看"],
    ]);
    expect(growing.coming.text).toBe("");
    growing.grow(NEW.slice(0, -1));
    expect(growing.coming.text).toBe("不说话");
    expect(OLD.slice(growing.coming.at)).toBe("把茶放在桌上。");
  });

  test("never takes a firm change back, and is the whole text in the end", () => {
    fc.assert(
      fc.property(text, text, fc.integer({ min: 1, max: 9 }), (old, fresh, by) => {
        const growing = new Growing(old);
        for (let n = 0; n < fresh.length; n += by) {
          const before = [...growing.firm];
          growing.grow(fresh.slice(0, n));
          expect(growing.firm.slice(0, before.length)).toEqual(before);
        }
        const hunks = growing.whole(fresh);
        expect(hunks.slice(0, growing.firm.length)).toEqual(growing.firm);
        expect(all(old, hunks)).toBe(fresh);
        for (const { start, end, removed } of hunks) expect(old.slice(start, end)).toBe(removed);
      }),
    );
  });

  test("stopped, leaves the old text as it is behind what has come", () => {
    fc.assert(
      fc.property(text, text, (old, fresh) => {
        const growing = new Growing(old);
        growing.grow(fresh);
        const last = growing.stopped().at(-1);
        if (last) expect(all(old, growing.stopped()).endsWith(old.slice(last.end))).toBe(true);
      }),
    );
    const growing = new Growing("雨停了。");
    growing.grow("雨下了一夜。天亮时还没有停，");
    expect(all("雨停了。", growing.stopped())).toBe("雨下了一夜。停了。");
  });

  test("looks anew where the whole text is not the one that grew", () => {
    const growing = new Growing(OLD);
    growing.grow(NEW);
    expect(growing.firm.length).toBeGreaterThan(0);
    expect(all(OLD, growing.whole(`“${NEW}”`))).toBe(`“${NEW}”`);
  });
});
