import { getSchema } from "@tiptap/core";
import { EditorState } from "@tiptap/pm/state";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  mentionAt,
  mentionBefore,
  mentionsPlugin,
  Names,
  reread,
  standsAlone,
  type Named,
} from "$/editor/mentions";
import { extensions, toDoc } from "$/editor/schema";

const cast = (...names: string[][]): Named[] =>
  names.map(([name, ...aliases], n) => ({ id: `c${n}`, name: name!, aliases }));
const found = (people: Named[], text: string) =>
  new Names(people).find(text).map(({ start, end }) => text.slice(start, end));

describe("whom a text names", () => {
  test("the longest alias counts, and each place once", () => {
    expect(found(cast(["白露", "露"], ["白露生"]), "白露生走了，白露没走。")).toEqual([
      "白露生",
      "白露",
    ]);
  });

  test("a name of one character is not found in another word", () => {
    const an = cast(["安"]);
    expect(found(an, "长安的雨。安道：“走。”对安说，安然无恙。安，")).toEqual(["安", "安", "安"]);
  });

  test("a Latin name counts as a whole word", () => {
    expect(found(cast(["Ann"]), "Anna said Ann, Ann的伞, preAnn")).toEqual(["Ann", "Ann"]);
  });

  test("a name that several share tells them all", () => {
    expect(new Names(cast(["甲甲", "先生"], ["乙乙", "先生"])).find("先生")[0]?.ids).toEqual([
      "c0",
      "c1",
    ]);
  });

  test("finds what a plain search for every name finds", () => {
    const letter = fc.constantFrom("安", "白", "道", "长", "A", "b", "1", "，", " ", "𠮷", "对");
    const word = fc.array(letter, { minLength: 1, maxLength: 4 }).map((all) => all.join(""));
    const text = fc.array(letter, { maxLength: 60 }).map((all) => all.join(""));
    fc.assert(
      fc.property(fc.array(word, { maxLength: 8 }), text, (words, told) => {
        const people = cast(...words.map((one) => [one]));
        expect(found(people, told)).toEqual(plainly(words, told));
      }),
      { numRuns: 500 },
    );
  });
});

/** Every name at every place, sorted as the server sorts them. */
function plainly(words: string[], text: string): string[] {
  const all: [number, string][] = [];
  for (const word of new Set(words.map((one) => one.trim()).filter(Boolean)))
    for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1))
      if (standsAlone(text, at, at + word.length)) all.push([at, word]);
  all.sort(([a, one], [b, other]) => a - b || other.length - one.length);
  const kept: string[] = [];
  let free = 0;
  for (const [at, word] of all) {
    if (at < free) continue;
    free = at + word.length;
    kept.push(word);
  }
  return kept;
}

describe("the lines under names", () => {
  const schema = getSchema(extensions);
  let names = new Names(cast(["裴照", "照"]));
  const state = (text: string) =>
    EditorState.create({ doc: toDoc(schema, text), plugins: [mentionsPlugin(() => names)] });

  test("follow the text, and only what was typed in is read again", () => {
    const asked: string[] = [];
    const spy = { find: (text: string) => (asked.push(text), names.find(text)) } as Names;
    let now = EditorState.create({
      doc: toDoc(schema, "裴照来了。\n谁来了？\n裴照。"),
      plugins: [mentionsPlugin(() => spy)],
    });
    asked.length = 0;
    now = now.apply(now.tr.insertText("裴照", 9));
    expect(asked).toEqual(["谁裴照来了？"]);
    expect(mentionAt(now, 10)).toMatchObject({ from: 9, to: 11, ids: ["c0"] });
    expect(mentionAt(now, 2)).toMatchObject({ from: 1, to: 3 });
  });

  test("are there for a new cast after everything is read again", () => {
    names = new Names([]);
    let now = state("许蘅。");
    expect(mentionAt(now, 2)).toBeNull();
    names = new Names(cast(["许蘅"]));
    now = now.apply(reread(now));
    expect(mentionAt(now, 2)?.ids).toEqual(["c0"]);
  });

  test("the caret finds the name that it stands in, or the last before it", () => {
    names = new Names(cast(["裴照"], ["许蘅"]));
    const now = state("裴照看许蘅，没说话。");
    expect(mentionBefore(now, 2)?.ids).toEqual(["c0"]);
    expect(mentionBefore(now, 9)?.ids).toEqual(["c1"]);
    expect(mentionBefore(state("没有人。裴照"), 2)).toBeNull();
  });
});

test("a keystroke costs little in a long chapter with a large cast", () => {
  const names = new Names(
    Array.from({ length: 60 }, (_, n) => ({
      id: `c${n}`,
      name: `甲${n}乙`,
      aliases: [`阿${n}`, `${n}先生`],
    })),
  );
  let read = 0;
  const counted = { find: (text: string) => ((read += text.length), names.find(text)) } as Names;
  const line = "甲7乙把船缆在桩上绕了三道，阿12才抬头去看那排灯，一盏照一级石阶，照到水边。";
  const doc = toDoc(getSchema(extensions), Array(500).fill(line).join("\n"));
  let now = EditorState.create({ doc, plugins: [mentionsPlugin(() => counted)] });
  read = 0;
  for (let n = 0; n < 50; n++) now = now.apply(now.tr.insertText("雾", 10_000 + n));
  expect(read).toBeLessThan(50 * 2 * (line.length + 50));
});
