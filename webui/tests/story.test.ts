/** What the story room reckons. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { moved, relabelled, without, type Sheet } from "$/rooms/story/cast/sheet";
import { lanes } from "$/rooms/story/cast/track";
import { arranged, children, dropped, rows, stepped, under } from "$/rooms/story/outline/tree";
import { added } from "$/rooms/story/parts/chips";
import { chaptersLike, seek } from "$/rooms/story/places";
import { asTree, type Recap } from "$/rooms/story/recaps/recaps.svelte";
import { bends, brief, curve, frameOf, settle, zoomed } from "$/rooms/story/relations/graph";
import { holding } from "$/rooms/story/relations/standing";
import type { Bond, Node, Thread } from "$/rooms/story/stores";
import { isDue, marks, shown, written } from "$/rooms/story/threads/ledger";
import { asTold, slopes, wanted, type Moment } from "$/rooms/story/timeline/slope";
import type { Chapter } from "$/state/book.svelte";
import { toUnits } from "$/text/points";

const CHAPTERS = ["c0", "c1", "c2", "c3"];
const indexOf = (id: string) => CHAPTERS.indexOf(id);

test("a paragraph moves and is renamed without losing any other", () => {
  const labels = fc.uniqueArray(fc.stringMatching(/^[甲乙丙丁戊己]{1,3}$/), { minLength: 2 });
  fc.assert(
    fc.property(labels, fc.nat(), fc.constantFrom(1 as const, -1 as const), (names, n, by) => {
      const sheet: Sheet = Object.fromEntries(names.map((name) => [name, `${name}文`]));
      const name = names[n % names.length]!;
      const next = moved(sheet, name, by);
      expect(new Set(Object.entries(next).join())).toEqual(new Set(Object.entries(sheet).join()));
      const at = names.indexOf(name);
      const to = at + by;
      expect(Object.keys(next).indexOf(name)).toBe(to < 0 || to >= names.length ? at : to);
      const renamed = relabelled(sheet, name, " 新 ")!;
      expect(Object.keys(renamed)).toEqual(names.map((one) => (one === name ? "新" : one)));
      expect(renamed["新"]).toBe(`${name}文`);
      expect(Object.keys(without(sheet, name))).toEqual(names.filter((one) => one !== name));
    }),
  );
  expect(relabelled({ 甲: "", 乙: "" }, "甲", "乙")).toBe(null);
  expect(relabelled({ 甲: "" }, "甲", "  ")).toBe(null);
});

test("chips are cut at commas of both kinds, none twice; a pattern keeps its own", () => {
  expect(added(["渡口"], "灯， 渡口、船,,")).toEqual(["渡口", "灯", "船"]);
  expect(added([], "/灯{1,3}/i")).toEqual(["/灯{1,3}/i"]);
});

test("a quotation is found by code points, and only where it stands once", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme" }), (a, b) => {
      const text = `${a}缺角铜铃${b}`;
      const sought = seek(text, "缺角铜铃");
      if (!sought.found) {
        expect(sought.many).toBe(true);
        return;
      }
      const [start, end] = sought.found.map((point) => toUnits(text, point));
      expect(text.slice(start, end)).toBe("缺角铜铃");
    }),
  );
  expect(seek("𠮷灯灯", "灯")).toEqual({ found: null, many: true });
  expect(seek("灯", "船")).toEqual({ found: null, many: false });
  expect(seek("灯", "")).toEqual({ found: null, many: false });
});

test("a chapter is found by its number first, then by its name", () => {
  const book = [
    { id: "a", label: "第一章", name: "旧船" },
    { id: "b", label: "第二章", name: "1 号船" },
  ] as Chapter[];
  expect(chaptersLike(book, "1").map(({ id }) => id)).toEqual(["a", "b"]);
  expect(chaptersLike(book, "旧")).toEqual([book[0]]);
  expect(chaptersLike(book, " ")).toEqual(book);
});

test("a stretch is drawn from where it begins to where it ends; a gone chapter draws none", () => {
  const found = lanes(
    [
      { id: "1", label: "秘密", until_chapter_id: "c2" },
      { id: "2", label: "外貌", since_chapter_id: "c1", until_chapter_id: "c1" },
      { id: "3", label: "秘密", since_chapter_id: "c2" },
      { id: "4", label: "秘密", since_chapter_id: "gone" },
    ],
    indexOf,
    4,
  );
  expect(found).toEqual([
    {
      label: "秘密",
      bars: [
        { id: "1", label: "秘密", left: 0, width: 50 },
        { id: "3", label: "秘密", left: 50, width: 50 },
      ],
    },
    { label: "外貌", bars: [{ id: "2", label: "外貌", left: 25, width: 12.5 }] },
  ]);
});

test("the graph stands the same every time, nobody upon another, those kept where they were", () => {
  const ids = Array.from({ length: 30 }, (_, n) => `p${n}`);
  const links = ids.slice(1).map((b, n) => ({ a: ids[n >> 1]!, b }));
  const first = settle(ids, [...links, { a: "p1", b: "nobody" }]);
  expect(settle(ids, links)).toEqual(first);
  const all = [...first.values()];
  for (const [n, one] of all.entries())
    for (const other of all.slice(n + 1))
      expect(Math.hypot(one.x - other.x, one.y - other.y)).toBeGreaterThan(50);
  const kept = settle(ids, links, new Map([["p3", { x: 500, y: -20 }]]));
  expect(kept.get("p3")).toEqual({ x: 500, y: -20 });
  const frame = frameOf(first.values());
  for (const { x, y } of all) {
    expect(x > frame.x && x < frame.x + frame.width).toBe(true);
    expect(y > frame.y && y < frame.y + frame.height).toBe(true);
  }
  const nearer = zoomed(frame, 0.5, { x: frame.x, y: frame.y });
  expect(nearer).toEqual({ ...frame, width: frame.width / 2, height: frame.height / 2 });
});

test("two relations of the same two bend to different sides", () => {
  const found = bends([
    { id: "1", a: "x", b: "y" },
    { id: "2", a: "y", b: "x" },
    { id: "3", a: "x", b: "z" },
  ]);
  // Seen along its own way each bends to the same side: so they lie apart.
  expect(found.get("1")).toBe(found.get("2"));
  expect(found.get("1")).not.toBe(0);
  expect(Math.abs(found.get("3")!)).toBe(0);
  const [from, end] = [
    { x: 0, y: 0 },
    { x: 100, y: 0 },
  ];
  expect(curve(from, end, 0)).toEqual({ d: "M0 0Q50 0 73 0", mid: { x: 50, y: 0 } });
  const there = curve(from, end, found.get("1")!).mid.y;
  expect(curve(end, from, found.get("2")!).mid.y).toBe(-there);
  expect(brief("哥哥，八年前没在江里")).toBe("哥哥，八年前没…");
});

test("a relation holds between its bounds, and in the chapter where it ends if it ends inside", () => {
  const bond = (since: string | null, until: string | null, offset = 0) =>
    ({ since_chapter_id: since, until_chapter_id: until, until_offset: offset }) as Bond;
  const whenOf = (one: Bond) => [0, 1, 2, 3].filter((n) => holding([one], n, indexOf).length);
  expect(whenOf(bond(null, null))).toEqual([0, 1, 2, 3]);
  expect(whenOf(bond("c1", null))).toEqual([1, 2, 3]);
  expect(whenOf(bond("c1", "c2"))).toEqual([1]);
  expect(whenOf(bond("c1", "c2", 9))).toEqual([1, 2]);
  expect(whenOf(bond("gone", null))).toEqual([]);
  expect(holding([bond("gone", null)], null, indexOf).length).toBe(1);
});

const node = (id: string, parent_id: string | null, position: number): Node => ({
  ...{ id, parent_id, position, kind: "beat", title: id, summary: "", done: false, color: "" },
  chapter_id: null,
});
const PLAN = [
  node("v1", null, 0),
  node("v2", null, 1),
  node("a", "v1", 0),
  node("b", "v1", 1),
  node("c", "v1", 2),
  node("d", "a", 0),
];

test("the outline's rows come in order, folded ones left out, orphans at the top", () => {
  const ids = (folded: string[], plan = PLAN) =>
    rows(children(plan), new Set(folded)).map(({ node }) => node.id);
  expect(ids([])).toEqual(["v1", "a", "d", "b", "c", "v2"]);
  expect(ids(["v1"])).toEqual(["v1", "v2"]);
  expect(ids([], [...PLAN, node("o", "gone", 5)])).toContain("o");
  expect(under(children(PLAN), "v1").sort()).toEqual(["a", "b", "c", "d"]);
});

test("a move keeps every line once, and nothing hangs under itself", () => {
  const ids = PLAN.map(({ id }) => id);
  const some = fc.constantFrom(...ids);
  const where = fc.constantFrom("before" as const, "after" as const, "inside" as const);
  fc.assert(
    fc.property(some, some, where, (id, onto, at) => {
      const below = children(PLAN);
      const to = dropped(below, id, onto, at);
      if (id === onto || under(below, id).includes(onto)) {
        expect(to).toBe(null);
        return;
      }
      const next = arranged(PLAN, id, to!);
      const order = rows(children(next), new Set()).map(({ node }) => node.id);
      expect([...order].sort()).toEqual([...ids].sort());
      const list = children(next)
        .get(to!.parent_id)!
        .map((one) => one.id);
      expect(list.indexOf(id)).toBe(to!.position);
      if (at === "before") expect(list[list.indexOf(id) + 1]).toBe(onto);
      if (at === "after") expect(list[list.indexOf(id) - 1]).toBe(onto);
    }),
  );
});

test("steps go up, down, in and out, and stop at the edges", () => {
  const below = children(PLAN);
  const step = (id: string, way: "up" | "down" | "in" | "out") =>
    stepped(
      below,
      PLAN.find((one) => one.id === id)!,
      way,
    );
  expect(step("b", "up")).toEqual({ parent_id: "v1", position: 0 });
  expect(step("b", "down")).toEqual({ parent_id: "v1", position: 2 });
  expect(step("b", "in")).toEqual({ parent_id: "a", position: 1 });
  expect(step("d", "out")).toEqual({ parent_id: "v1", position: 1 });
  expect([step("a", "up"), step("c", "down"), step("a", "in"), step("v1", "out")]).toEqual([
    null,
    null,
    null,
    null,
  ]);
});

test("a thread is due once its chapter has been begun, and only while it is open", () => {
  const thread = (state: Thread["state"], due: string | null) =>
    ({ title: state, note: "", state, due_chapter_id: due }) as Thread;
  expect(isDue(thread("planted", "c1"), 0, indexOf)).toBe(false);
  expect(isDue(thread("planted", "c1"), 1, indexOf)).toBe(true);
  expect(isDue(thread("resolved", "c1"), 3, indexOf)).toBe(false);
  expect(isDue(thread("advanced", null), 3, indexOf)).toBe(false);
  expect(isDue(thread("advanced", "gone"), 3, indexOf)).toBe(false);
  expect(written([{ chars: 9 }, { chars: 3 }, { chars: 0 }])).toBe(1);
  const all = [thread("planted", "c0"), thread("resolved", null), thread("abandoned", null)];
  const due = (one: Thread) => isDue(one, 1, indexOf);
  const titles = (show: "all" | "open" | "due" | "closed", query = "") =>
    shown(all, show, query, due).map(({ title }) => title);
  expect(titles("open")).toEqual(["planted"]);
  expect(titles("due")).toEqual(["planted"]);
  expect(titles("closed")).toEqual(["resolved", "abandoned"]);
  expect(titles("all", "RES")).toEqual(["resolved"]);
  const events = [
    { id: "1", kind: "plant" as const, chapter_id: "c0" },
    { id: "2", kind: "resolve" as const, chapter_id: "gone" },
  ];
  expect(marks(events, indexOf, 4)).toEqual([{ id: "1", kind: "plant", at: 0.125 }]);
});

test("the two orders of the time hold the same moments", () => {
  const moment = (id: string, kind: Moment["kind"], chapter: string, offset: number): Moment => ({
    ...{ id, kind, title: id, text: "", character_ids: kind === "fact" ? ["x"] : [] },
    ...{ at: { chapter_id: chapter, offset }, story_order: 0, ends: false, thread_id: null },
  });
  const story = [
    moment("s", "scene", "c1", 5),
    moment("one", "chapter", "c0", 0),
    moment("f", "fact", "c0", 3),
    moment("two", "chapter", "c1", 0),
  ];
  expect(asTold(story, indexOf).map(({ id }) => id)).toEqual(["one", "f", "two", "s"]);
  expect(slopes(story, indexOf).map(({ id, told, happens }) => [id, told, happens])).toEqual([
    ["s", 2, 0],
    ["one", 0, 1],
    ["two", 1, 2],
  ]);
  const kinds = new Set(["chapter", "fact"] as const);
  expect(wanted(story, kinds, "").map(({ id }) => id)).toEqual(["one", "f", "two"]);
  expect(wanted(story, kinds, "y").map(({ id }) => id)).toEqual(["one", "two"]);
});

test("recaps stand under their parts, each once", () => {
  const recap = (level: Recap["level"], target_id: string, part_id: string) =>
    ({ level, target_id, part_id }) as Recap;
  const rows = asTree([
    recap("chapter", "1", "v"),
    recap("chapter", "2", "w"),
    recap("chapter", "3", "nowhere"),
    recap("volume", "v", "v"),
    recap("volume", "w", "w"),
    recap("book", "w", "w"),
  ]);
  expect(rows.map(({ recap, depth }) => `${depth}${recap.level}${recap.target_id}`)).toEqual([
    "0bookw",
    "1volumev",
    "2chapter1",
    "1volumew",
    "2chapter2",
    "1chapter3",
  ]);
});
