import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Health } from "$/api/client";
import packages from "../package.json";
import { beside, type Box } from "$/rooms/help/steps";
import { account } from "$/rooms/models/state";
import { exactRows, passageRows, type Told } from "$/rooms/search/rows";
import { size } from "$/rooms/settings/bytes";
import { differences } from "$/rooms/settings/differences";
import { formatsOf } from "$/rooms/settings/exports";
import { LIBRARIES } from "$/rooms/settings/libraries";
import { own, percents, sum } from "$/rooms/settings/shares";
import { sectionOf } from "$/rooms/settings/sections";
import { curl, python } from "$/rooms/settings/snippets";
import { byKey, daysSince } from "$/rooms/settings/uses";
import { address, parse } from "$/state/route.svelte";

const WORK = "0123456789abcdef0123456789abcdef";
const CHAPTER = "fedcba9876543210fedcba9876543210";
const telling = (detail: string) => ({ engine: { detail } }) as Health;

describe("the engine's account of itself", () => {
  test("says how far the weights are", () => {
    expect(account(telling("正在载入权重（40%）"))).toEqual({
      doing: "正在载入权重（40%）",
      progress: 0.4,
      log: "",
    });
  });

  test("keeps the log apart from the cause", () => {
    const told = account(telling("内存不够\nline 1\nline 2\n"));
    expect(told).toEqual({ doing: "内存不够", progress: null, log: "line 1\nline 2" });
    expect(account(null).doing).toBe("");
  });
});

describe("shares", () => {
  const defaults = { system: 0.08, cast: 0.15, tail: 0.77 };

  test("store only what an author changed, and read it back", () => {
    fc.assert(
      fc.property(
        fc.record({ system: fc.nat(60), cast: fc.nat(60), tail: fc.nat(60) }),
        (wanted) => {
          const stored = own(defaults, wanted);
          expect(percents(defaults, stored)).toEqual(wanted);
          for (const group of Object.keys(stored))
            expect(wanted[group as keyof typeof wanted]).not.toBe(percents(defaults, {})[group]);
        },
      ),
    );
  });

  test("take the defaults where nothing sensible is stored", () => {
    for (const stored of [undefined, null, "x", { cast: "much" }])
      expect(sum(percents(defaults, stored))).toBe(100);
  });
});

describe("differences of templates", () => {
  test("show what came and went with a little around it", () => {
    const then = ["a", "b", "c", "d", "e", "f", "g", "h"].join("\n");
    const now = then.replace("f", "F");
    expect(differences(then, now).map(({ kind, text }) => `${kind[0]} ${text}`)).toEqual([
      "s d", "s e", "r f", "a F", "s g", "s h",
    ]); // prettier-ignore
    expect(differences(then, then)).toEqual([]);
  });
});

test("only what the desk exports is offered, a project first", () => {
  const told = (formats: string[]) => ({
    paths: {
      "/api/works/{work_id}/export": {
        get: { parameters: [{ name: "work_id" }, { name: "format", schema: { enum: formats } }] },
      },
    },
  });
  expect(formatsOf(told(["txt", "md"]))).toEqual(["txt", "md"]);
  expect(formatsOf(told(["txt", "epub", "zip"]))).toEqual(["zip", "txt", "epub"]);
  expect(formatsOf({})).toEqual(["txt", "md"]);
});

test("bytes are told as file managers do", () => {
  expect([0, 999, 1000, 791_048, 99_960, 3_200_000, 1e12].map(size)).toEqual([
    "0 B", "999 B", "1.0 kB", "791 kB", "100 kB", "3.2 MB", "1.0 TB",
  ]); // prettier-ignore
});

test("every library of the page is listed with its licence", () => {
  const carried = [...Object.keys(packages.dependencies), "svelte"].sort();
  expect(LIBRARIES.map(({ name }) => name).sort()).toEqual(carried);
});

test("the card of the walk never leaves the window, and stands apart where there is room", () => {
  const number = fc.integer({ min: 0, max: 1400 });
  const box = fc.record({ left: number, top: number, width: number, height: number });
  const view = { width: 1440, height: 900 };
  const card: Box = { left: 0, top: 0, width: 320, height: 160 };
  fc.assert(
    fc.property(box, (anchor) => {
      const at = beside(anchor, card, view);
      expect(at.left).toBeGreaterThanOrEqual(0);
      expect(at.left + at.width).toBeLessThanOrEqual(view.width);
      expect(at.top).toBeGreaterThanOrEqual(0);
      expect(at.top + at.height).toBeLessThanOrEqual(view.height);
      const lies = anchor.left + anchor.width <= view.width && anchor.top >= 48;
      const room = anchor.top + anchor.height + 200 <= view.height;
      if (lies && room) expect(at.top).toBeGreaterThanOrEqual(anchor.top + anchor.height);
    }),
  );
});

describe("found rows", () => {
  test("lead to the sentence in code points", () => {
    const passage = {
      chapter: 1, chapter_id: CHAPTER, title: "第一章", position: 100,
      ranks: { lexical: 1, dense: 2 }, text: "𠮷雨停了。铜铃响了一声。",
    }; // prettier-ignore
    const chapter = { id: CHAPTER, title: "第一章 雨", label: "第一章", name: "雨" } as Told;
    const [head, row] = passageRows(WORK, "铜铃", [passage], [chapter]);
    expect(head?.run).toBeUndefined();
    expect(row?.title[0]?.text).toBe("第一章　雨");
    row?.run?.();
    expect(parse(location.hash)).toEqual({
      name: "desk", work: WORK, chapter: CHAPTER, span: [105, 112],
    }); // prettier-ignore
  });

  test("count the places of exact words and bring the rest on demand", () => {
    const hit = (start: number) => ({
      start,
      end: start + 2,
      before: "…",
      text: "平安",
      after: "。",
    });
    const found = [
      { chapter_id: CHAPTER, label: "第一章", name: "", count: 11, hits: [1, 5, 9, 13].map(hit) },
    ];
    const asked: string[] = [];
    const more = (chapter: string) => asked.push(chapter);
    const rows = exactRows(WORK, found, new Set(), more);
    expect(rows.map(({ kind }) => kind)).toEqual([
      "head",
      "passage",
      "passage",
      "passage",
      "count",
    ]);
    expect(rows.at(-1)?.title[0]?.text).toContain("8");
    rows.at(-1)?.run?.();
    expect(asked).toEqual([CHAPTER]);
    expect(exactRows(WORK, found, new Set([CHAPTER]), more)).toHaveLength(6);
  });
});

test("a part of the settings has its address; an unknown one is the first", () => {
  expect(address({ name: "settings", section: "keys" })).toBe("#/settings/keys");
  expect(parse("#/settings/keys")).toEqual({ name: "settings", section: "keys" });
  expect(parse("#/settings")).toEqual({ name: "settings" });
  expect(sectionOf("nothing")).toBe("look");
});

describe("other programs at the desk", () => {
  const row = (key_id: string, day: string, requests: number) => ({
    key_id,
    day,
    model: "m",
    endpoint: "chat/completions",
    requests,
    failures: 1,
    prompt_tokens: 10,
    completion_tokens: 5,
  });

  test("uses are added up by key, with the last day", () => {
    const rows = [row("a", "2026-03-02", 2), row("", "2026-03-01", 7), row("a", "2026-03-01", 1)];
    const found = byKey(rows);
    expect(found.get("a")).toEqual({ requests: 3, failures: 2, tokens: 30, last: "2026-03-02" });
    expect(found.get("")?.requests).toBe(7);
    expect(found.has("b")).toBe(false);
  });

  test("days are counted in the server's time, wherever the reader is", () => {
    const now = new Date("2026-03-02T23:59:00Z");
    expect(daysSince("2026-03-02", now)).toBe(0);
    expect(daysSince("2026-02-28", now)).toBe(2);
  });

  test("a quote in what is asked breaks neither sample", () => {
    const asking = { base: "http://h/v1", key: "k", model: "a'b", prompt: `it's "so"` };
    expect(curl(asking)).toContain(String.raw`a'\''b`);
    expect(curl(asking)).toContain(String.raw`it'\''s \"so\"`);
    expect(python(asking)).toContain(String.raw`"it's \"so\""`);
  });
});
