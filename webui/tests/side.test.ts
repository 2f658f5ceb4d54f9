import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Names } from "$/editor/mentions";
import { gist } from "$/rooms/desk/mentions/facts";
import { condensed, merged, rows, type Piece } from "$/rooms/desk/side/changes";
import { laidOut } from "$/rooms/desk/side/graph";
import {
  barred,
  called,
  chosen,
  fixed,
  free,
  sums,
  type Kept,
  type Left,
  type Prompt,
} from "$/rooms/desk/side/groups";
import { ledger, type Thread } from "$/rooms/desk/side/ledger";
import { present } from "$/rooms/desk/side/present";
import { before, by, dayName, days, type Revision } from "$/rooms/desk/side/sittings";

const item = (id: string, group: string, tokens: number, more: Partial<Left> = {}) =>
  ({ id, group, tokens, required: false, reason: "", ...more }) as Kept;

describe("a prompt's sums", () => {
  const groups = fc.constantFrom("system", "beat", "cast", "lore", "threads", "recap", "tail");
  const tokens = fc.nat(900);

  test("are all of its tokens, the frame among them, and what is left is the budget's rest", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(groups, tokens)),
        fc.nat(300),
        fc.nat(4000),
        (all, own, room) => {
          const kept = all.map(([group, n], at) => item(`${at}`, group, n));
          const used = own + all.reduce((sum, [, n]) => sum + n, 0);
          const prompt = {
            tokens: used,
            budget: used + room,
            kept,
            dropped: [] as Left[],
          } as Prompt;
          const found = sums(prompt);
          expect(found.reduce((sum, one) => sum + one.tokens, 0)).toBe(used);
          expect(found.reduce((sum, one) => sum + one.kept, 0)).toBe(all.length);
          expect(free(prompt)).toBe(room);
        },
      ),
    );
  });

  test("tell what went in and what stayed out by group", () => {
    const prompt = {
      tokens: 100,
      budget: 90,
      kept: [item("a", "cast", 60)],
      dropped: [item("b", "cast", 9), item("c", "unheard of", 9)],
    } as unknown as Prompt;
    const of = (group: string) => sums(prompt).find((one) => one.group === group);
    expect(of("cast")).toMatchObject({ tokens: 60, kept: 1, left: 1 });
    expect(of("system")).toMatchObject({ tokens: 40, left: 1 });
    expect(free(prompt)).toBe(0);
  });
});

test("an item is called by what it is about", () => {
  const of = (title: string, text: string) => called(item("x", "cast", 1, { title, text }));
  expect(of("裴照", "裴照（外貌）：瘦。")).toBe("裴照（外貌）");
  expect(of("裴照", "裴照（又称阿照），重要。身份：船夫")).toBe("裴照");
  expect(of("第一章", "她说（没人听）：走。")).toBe("第一章");
});

describe("an author's choice", () => {
  test("is one of pinned, excluded and neither, by the name that stays", () => {
    const none = { pinned: [], excluded: ["lore:2"] };
    const pinned = chosen(none, "passage:x:3:other", "pinned");
    expect(pinned).toEqual({ pinned: ["passage:x:3"], excluded: ["lore:2"] });
    const excluded = chosen(pinned, "passage:x:3", "excluded");
    expect(excluded).toEqual({ pinned: [], excluded: ["lore:2", "passage:x:3"] });
    expect(chosen(excluded, "lore:2", null)).toEqual({ pinned: [], excluded: ["passage:x:3"] });
    expect(none).toEqual({ pinned: [], excluded: ["lore:2"] });
  });

  test("is not asked for what must stand anyway, nor for what may not stand here", () => {
    const tail = item("tail", "tail", 9, { required: true });
    expect(fixed(tail, [])).toBe(true);
    expect(fixed(item("lore:1", "lore", 9, { required: true }), ["lore:1"])).toBe(false);
    expect(barred(item("fact:1", "cast", 9, { reason: "此时还没有发生" }))).toBe(true);
    expect(barred(item("fact:1", "cast", 9, { reason: "放不下：只剩 3 词元" }))).toBe(false);
  });
});

describe("what is different between two texts", () => {
  const line = fc.constantFrom("雨停了。", "她没有回头。", "灯灭了，", "𠮷", "", "\n", "风起。\n");
  const text = fc.array(line, { maxLength: 12 }).map((all) => all.join(""));
  const side = (pieces: Piece[], not: Piece["kind"]) =>
    pieces
      .filter(({ kind }) => kind !== not)
      .map((piece) => piece.text)
      .join("");

  test("has both texts in it, in one column and in two", () => {
    fc.assert(
      fc.property(text, text, (old, fresh) => {
        const pieces = merged(old, fresh);
        expect(side(pieces, "ins")).toBe(old);
        expect(side(pieces, "del")).toBe(fresh);
        const both = rows(pieces);
        expect(both.map((row) => side(row.old, "ins")).join("\n")).toBe(old);
        expect(both.map((row) => side(row.fresh, "del")).join("\n")).toBe(fresh);
        expect(both.every(({ same }) => same)).toBe(old === fresh);
      }),
    );
  });

  test("is told with a little of what stays around it", () => {
    const old = "很久很久以前的事。".repeat(20);
    const pieces = condensed(merged(old, `${old}灯亮了。${old}`), 6);
    expect(pieces.filter(({ kind }) => kind === "ins")).toHaveLength(1);
    expect(pieces.some(({ kind }) => kind === "gap")).toBe(true);
    for (const { kind, text: kept } of pieces)
      if (kind === "same") expect(kept.length).toBeLessThanOrEqual(20);
  });

  test("never cuts a character in two", () => {
    const wide = "𠮷".repeat(60);
    for (const { text: kept } of condensed(merged(`${wide}一${wide}`, `${wide}二${wide}`), 7))
      expect(() => encodeURIComponent(kept)).not.toThrow();
  });
});

describe("the ledger at a place", () => {
  const turn = (kind: string, chapter_id: string, offset = 10) => ({ kind, chapter_id, offset });
  const thread = (title: string, events: object[], more: object = {}) =>
    ({
      id: title,
      title,
      importance: 2,
      state: "planted",
      state_set: false,
      due_chapter_id: null,
      events,
      ...more,
    }) as unknown as Thread;
  const indexOf = (id: string) => ["c0", "c1", "c2", "c3", "c4", "c5", "c6"].indexOf(id);
  const titles = (all: { thread: Thread }[]) => all.map((one) => one.thread.title);

  test("knows nothing of what is still ahead", () => {
    const threads = [
      thread("早的", [turn("plant", "c0"), turn("resolve", "c3")]),
      thread("晚的", [turn("plant", "c2", 50)]),
      thread("收了", [turn("plant", "c0"), turn("resolve", "c1")]),
    ];
    const now = ledger(threads, { chapter: 2, offset: 20 }, indexOf);
    expect(titles(now.open)).toEqual(["早的"]);
    expect(titles(now.here)).toEqual(["晚的"]);
    expect(titles(ledger(threads, { chapter: 2, offset: 60 }, indexOf).open)).toEqual([
      "早的",
      "晚的",
    ]);
  });

  test("puts what is due first, the weightier before the others", () => {
    const planted = [turn("plant", "c0")];
    const threads = [
      thread("远", planted, { due_chapter_id: "c6" }),
      thread("近", planted, { due_chapter_id: "c3" }),
      thread("过了", planted, { due_chapter_id: "c1" }),
      thread("要紧", planted, { importance: 3 }),
      thread("不要了", planted, { state_set: true, state: "abandoned" }),
    ];
    const now = ledger(threads, { chapter: 2, offset: 0 }, indexOf);
    expect(titles(now.due)).toEqual(["过了", "近"]);
    expect(titles(now.open)).toEqual(["要紧", "远"]);
  });
});

describe("people", () => {
  test("are present by their last mention", () => {
    const cast = ["裴照", "许蘅"].map((name, n) => ({ id: `c${n}`, name, aliases: [] }));
    expect(present(new Names(cast), "裴照，许蘅，裴照。")).toEqual(["c0", "c1"]);
    expect(present(new Names(cast), "")).toEqual([]);
  });

  test("stand inside the drawing, always at the same place, nobody on another", () => {
    const people = Array.from({ length: 9 }, (_, n) => ({ id: `p${n}`, name: `人${n}` }));
    const bonds = people.slice(1).map(({ id }) => ({ from: "p0", to: id, label: "故人" }));
    const one = laidOut("p0", people, bonds, 336, 260);
    expect(laidOut("p0", people, bonds, 336, 260)).toEqual(one);
    for (const { x, y, r } of one.spots) {
      expect(x - r).toBeGreaterThanOrEqual(0);
      expect(x + r).toBeLessThanOrEqual(336);
      expect(y - r).toBeGreaterThanOrEqual(0);
      expect(y + r).toBeLessThanOrEqual(260);
    }
    const apart = one.spots.flatMap((a, n) =>
      one.spots.slice(n + 1).map((b) => Math.hypot(a.x - b.x, a.y - b.y)),
    );
    expect(Math.min(...apart)).toBeGreaterThan(40);
    expect(one.lines[0]).toMatchObject({ x1: 168, y1: 130 });
  });

  test("are told on a card by who they are and how things are now", () => {
    const paragraph = (label: string, text: string) => ({ id: "", label, text });
    const standing = {
      paragraphs: [
        paragraph("年龄", "二十七"),
        paragraph("关系", "兄妹"),
        paragraph("此刻", "在渡口"),
        paragraph("外貌", "瘦"),
        paragraph("性格", "硬"),
      ],
      hidden: [],
      relations: [],
      known: [],
      unknown: [],
    };
    expect(gist(standing, "代书").map(({ label }) => label)).toEqual([
      "身份",
      "此刻",
      "年龄",
      "外貌",
    ]);
  });
});

describe("a chapter's days", () => {
  const revision = (number: number, created_at: string, count = 1, origin = "typed") =>
    ({ number, created_at, count, origin }) as Revision;

  test("are told newest first, each sitting after what stood before it", () => {
    const all = [
      revision(9, "2026-11-21T10:00:00", 4),
      revision(5, "2026-11-21T08:00:00"),
      revision(4, "2026-11-20T23:59:00", 4),
    ];
    expect(days(all).map((day) => day.revisions.map(({ number }) => number))).toEqual([
      [9, 5],
      [4],
    ]);
    expect(all.map(before)).toEqual([5, 4, 0]);
  });

  test("have names", () => {
    const now = new Date("2026-11-21T12:00:00");
    expect(dayName("2026-11-21T00:10:00", "zh", now)).toBe("今天");
    expect(dayName("2026-11-20T23:50:00", "zh", now)).toBe("昨天");
    expect(dayName("2026-10-01T08:00:00", "en", now)).toBe("October 1");
    expect(dayName("2025-10-01T08:00:00", "zh", now)).toBe("2025年10月1日");
  });

  test("say whose the words are", () => {
    const of = (origin: string) => by(revision(1, "", 1, origin));
    expect([of("typed"), of("accepted"), of("import")]).toEqual(["author", "model", null]);
  });
});
