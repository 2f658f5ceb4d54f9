import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { spotAt } from "$/rooms/desk/tree/drop";
import { others, sent, standing } from "$/rooms/desk/tree/moving";
import { chinese, following } from "$/rooms/desk/tree/numbers";
import { LONG, rowsOf, typedAhead, type Row, type Shown } from "$/rooms/desk/tree/rows";
import { chart, reached, told } from "$/rooms/desk/tree/today";
import type { Chapter, Volume } from "$/state/book.svelte";
import {
  emptied,
  inOrder,
  orderOf,
  placed,
  stepped,
  volumePlaced,
  type Order,
} from "$/state/order";

const NOW = "2026-11-21T00:00:00Z";

function chapter(id: string, volume: string | null, fields: Partial<Chapter> = {}): Chapter {
  return {
    ...{ id, volume_id: volume, position: 0, title: id, label: "", name: id, kind: "chapter" },
    ...{ status: "draft", notes: "", context: { pinned: [], excluded: [] }, revision: 1 },
    ...{ chars: 100, han: 90, created_at: NOW, updated_at: NOW, deleted_at: null },
    ...fields,
  };
}
const volume = (id: string): Volume => ({ id, position: 0, title: `卷${id}` });

/** `a b | c | ` : loose a and b, a volume with c, an empty one; volumes are called v0, v1 … */
function order(drawn: string): Order {
  const [loose, ...groups] = drawn.split("|").map((group) => group.split(" ").filter(Boolean));
  return { loose: loose!, volumes: groups.map((chapters, n) => ({ id: `v${n}`, chapters })) };
}
const drawn = (told: Order) =>
  [told.loose, ...told.volumes.map((one) => one.chapters)].map((g) => g.join(" ")).join("|");

function shown(told: Order, more: Partial<Shown> = {}): Shown {
  return {
    volumes: told.volumes.map(({ id }) => volume(id)),
    chapters: [
      ...told.loose.map((id) => chapter(id, null)),
      ...told.volumes.flatMap((one) => one.chapters.map((id) => chapter(id, one.id))),
    ],
    ...{ folded: new Set<string>(), whole: new Set<string>(), current: null, filter: "" },
    ...more,
  };
}

const orders = fc
  .array(fc.nat(4), { minLength: 1, maxLength: 5 })
  .map((sizes) => {
    let n = 0;
    const [loose, ...groups] = sizes.map((size) => Array.from({ length: size }, () => `c${n++}`));
    return { loose: loose!, volumes: groups.map((chapters, k) => ({ id: `v${k}`, chapters })) };
  })
  .filter((told) => ids(told).length > 0);
const ids = (told: Order) => [...told.loose, ...told.volumes.flatMap((one) => one.chapters)];
const sorted = (told: Order) => ({
  chapters: ids(told).sort(),
  volumes: told.volumes.map((v) => v.id).sort(),
});

describe("what is sent by number", () => {
  it("stands where it was sent, and nothing is lost", () => {
    fc.assert(
      fc.property(
        orders,
        fc.nat(30),
        fc.nat(30),
        fc.integer({ min: -2, max: 30 }),
        (all, a, b, n) => {
          const everything = [...ids(all), ...all.volumes.map((one) => one.id)];
          const id = everything[a % everything.length]!;
          const volumes = [null, ...all.volumes.map((one) => one.id)];
          const volume = volumes[b % volumes.length]!;
          const moved = sent(all, id, volume, n);
          expect(sorted(moved)).toEqual(sorted(all));
          const last = others(all, id, volume).length + 1;
          const stands = standing(moved, id);
          expect(stands.n).toBe(n < 1 || n > last ? last : n);
          if (ids(all).includes(id)) expect(stands.volume).toBe(volume);
        },
      ),
    );
  });

  it("goes nowhere where it stands", () => {
    const all = order("a b|c d|");
    for (const id of ["a", "b", "c", "d", "v0", "v1"]) {
      const { volume, n } = standing(all, id);
      expect(sent(all, id, volume, n)).toEqual(all);
    }
  });
});

describe("the order", () => {
  it("moves a chapter before another, to an end, and out of its volume", () => {
    expect(drawn(placed(order("|a b c|d"), "c", "v0", "a"))).toBe("|c a b|d");
    expect(drawn(placed(order("|a b c|d"), "a", "v1", null))).toBe("|b c|d a");
    expect(drawn(placed(order("|a b|d"), "b", null, null))).toBe("b|a|d");
  });

  it("steps over the edges of volumes and stops at the very ends", () => {
    expect(drawn(stepped(order("|a b|c"), "b", 1)!)).toBe("|a|b c");
    expect(drawn(stepped(order("|a b|c"), "c", -1)!)).toBe("|a b c|");
    expect(drawn(stepped(order("|a b c|"), "a", 1)!)).toBe("|b a c|");
    expect(drawn(stepped(order("|a b c|"), "c", -1)!)).toBe("|a c b|");
    expect(drawn(stepped(order("|a|b"), "v1", -1)!)).toBe("|b|a");
    expect(stepped(order("|a|b"), "b", 1)).toBeNull();
    expect(stepped(order("a|b"), "a", -1)).toBeNull();
    expect(stepped(order("|a|b"), "v0", -1)).toBeNull();
  });

  it("empties a volume into what stands above it, in the order of the telling", () => {
    expect(drawn(emptied(order("x|a b|c d"), "v1"))).toBe("x|a b c d|");
    expect(drawn(emptied(order("x|a b|c d"), "v0"))).toBe("x a b||c d");
  });

  it("loses and doubles nothing, whatever is moved where", () => {
    fc.assert(
      fc.property(orders, fc.nat(), fc.nat(), fc.boolean(), (told, from, to, volumes) => {
        const all = volumes ? told.volumes.map((one) => one.id) : ids(told);
        fc.pre(all.length > 0);
        const id = all[from % all.length]!;
        const before = all[to % all.length]!;
        const place = told.volumes.find((one) => one.chapters.includes(before))?.id ?? null;
        const moved = [
          volumes ? volumePlaced(told, id, before) : placed(told, id, place, before),
          stepped(told, id, 1) ?? told,
          stepped(told, id, -1) ?? told,
          ...(volumes ? [emptied(told, id)] : []),
        ];
        for (const one of moved) expect(sorted(one)).toEqual(sorted(told));
      }),
    );
  });

  it("a step down and a step up again lead back", () => {
    fc.assert(
      fc.property(orders, fc.nat(), (told, at) => {
        const id = ids(told)[at % ids(told).length]!;
        const down = stepped(told, id, 1);
        if (down) expect(stepped(down, id, -1)).toEqual(told);
      }),
    );
  });

  it("puts rows into an order and reads the same order from them", () => {
    fc.assert(
      fc.property(orders, orders, (first, second) => {
        const { volumes, chapters } = shown(first);
        const put = inOrder(second, volumes, chapters);
        expect(put.chapters.map((one) => one.id).sort()).toEqual(ids(first).sort());
        expect(orderOf(put.volumes, put.chapters).loose.length).toBeLessThanOrEqual(
          chapters.length,
        );
        const again = inOrder(orderOf(put.volumes, put.chapters), volumes, chapters);
        expect(orderOf(again.volumes, again.chapters)).toEqual(orderOf(put.volumes, put.chapters));
      }),
    );
  });
});

const kinds = (rows: Row[]) =>
  rows.map((row) => (row.kind === "more" ? `+${row.left}` : row.id)).join(" ");

describe("the rows", () => {
  it("shows loose chapters, then each volume with its own; folded ones without", () => {
    const told = order("a|b c|d");
    expect(kinds(rowsOf(shown(told)))).toBe("a v0 b c v1 d");
    expect(kinds(rowsOf(shown(told, { folded: new Set(["v0"]) })))).toBe("a v0 v1 d");
    const [first, , inner] = rowsOf(shown(told));
    expect([first!.level, first!.at, first!.of]).toEqual([1, 1, 3]);
    expect([inner!.level, inner!.at, inner!.of]).toEqual([2, 1, 2]);
  });

  it("cuts a long volume short unless the open chapter stands in it or the author wants all", () => {
    const long = Array.from({ length: LONG + 1 }, (_, n) => `c${n}`).join(" ");
    const told = order(`|${long}|z`);
    expect(kinds(rowsOf(shown(told)))).toBe(`v0 c0 c1 c2 c3 c4 +${LONG - 4} v1 z`);
    expect(rowsOf(shown(told, { current: "c20" }))).toHaveLength(LONG + 4);
    expect(rowsOf(shown(told, { whole: new Set(["v0"]) }))).toHaveLength(LONG + 4);
    expect(rowsOf(shown(order(`|${long}`)))).toHaveLength(LONG + 2);
  });

  it("filters by name, number and volume, and unfolds what it finds", () => {
    const wanted = shown(order("a|b c|d"), { folded: new Set(["v0"]), filter: "C" });
    expect(kinds(rowsOf(wanted))).toBe("v0 c");
    expect(kinds(rowsOf({ ...wanted, filter: "卷v1" }))).toBe("v1 d");
    expect(rowsOf({ ...wanted, filter: "没有" })).toEqual([]);
  });

  it("says outline where there is nothing else yet", () => {
    const row = (chapters: Chapter[]) =>
      rowsOf({ ...shown(order("|")), chapters }).find((one) => one.kind === "volume");
    const plan = { status: "outline", chars: 0 };
    expect(row([chapter("a", "v0", plan)])).toMatchObject({ outline: true, chars: 0 });
    expect(row([chapter("a", "v0", plan), chapter("b", "v0")])).toMatchObject({
      outline: false,
      chars: 100,
    });
  });

  it("follows typed letters round the end", () => {
    const rows = rowsOf(shown(order("|渡口 渡簿 夜渡")));
    expect(rows[typedAhead(rows, 1, "渡")]!.id).toBe("渡簿");
    expect(rows[typedAhead(rows, 2, "渡簿")]!.id).toBe("渡簿");
    expect(rows[typedAhead(rows, 3, "渡")]!.id).toBe("渡口");
    expect(rows[typedAhead(rows, 0, "夜")]!.id).toBe("夜渡");
    expect(typedAhead(rows, 0, "无")).toBe(-1);
    const labels = ["第一章", "第十二章", "第二章", "第2节"];
    const chapters = labels.map((label, n) => chapter(`c${n}`, null, { label }));
    const counted = rowsOf({ ...shown(order("")), chapters });
    expect([1, 2, 12].map((n) => typedAhead(counted, 3, String(n)))).toEqual([0, 2, 1]);
    expect(typedAhead(counted, 2, "2")).toBe(3);
  });
});

describe("dropping", () => {
  const told = order("x|a b|c");
  const rows = rowsOf(shown(told)); // x v0 a b v1 c
  const drop = (id: string, y: number) => drawn(spotAt(rows, told, id, y)!.order);

  it("a chapter lands over or under the row it is held over", () => {
    expect(drop("c", 2.2)).toBe("x|c a b|");
    expect(drop("c", 2.8)).toBe("x|a c b|");
    expect(drop("x", 5.9)).toBe("|a b|c x");
    expect(drop("c", 99)).toBe("x|a b|c");
    expect(drop("c", -3)).toBe("c x|a b|");
  });

  it("over a volume's own row it lands above it or at its beginning", () => {
    expect(drop("c", 1.2)).toBe("x c|a b|");
    expect(drop("x", 1.8)).toBe("|x a b|c");
    expect(drop("x", 4.2)).toBe("|a b x|c");
    expect(drop("x", 4.8)).toBe("|a b|x c");
  });

  it("a volume goes between volumes", () => {
    expect(spotAt(rows, told, "v1", 1.1)).toMatchObject({ line: 1 });
    expect(spotAt(rows, told, "v1", 1.1)!.order.volumes.map((one) => one.id)).toEqual(["v1", "v0"]);
    expect(spotAt(rows, told, "v0", 5.9)!.order.volumes.map((one) => one.id)).toEqual(["v1", "v0"]);
    expect(spotAt(rows, told, "v1", 3.5)!.order).toEqual(told);
  });

  it("nothing is lost wherever it is let go", () => {
    fc.assert(
      fc.property(orders, fc.nat(), fc.double({ min: -2, max: 40, noNaN: true }), (told, at, y) => {
        const all = [...ids(told), ...told.volumes.map((one) => one.id)];
        const spot = spotAt(rowsOf(shown(told)), told, all[at % all.length]!, y)!;
        expect(sorted(spot.order)).toEqual(sorted(told));
      }),
    );
  });
});

describe("the number that follows", () => {
  it("counts as the labels do", () => {
    expect(following("第十二章")).toBe("第十三章");
    expect(following("第九回")).toBe("第十回");
    expect(following("第一百零九章")).toBe("第一百一十章");
    expect(following("第〇九章")).toBe("");
    expect(following("第09章")).toBe("第10章");
    expect(following("Chapter 9")).toBe("Chapter 10");
    expect(following("楔子")).toBe("");
    expect(following("")).toBe("");
  });

  it("walks through every number", () => {
    for (let n = 1; n < 9999; n++)
      expect(following(`第${chinese(n)}章`)).toBe(`第${chinese(n + 1)}章`);
  });
});

describe("the days", () => {
  const day = (n: number, typed: number, accepted = 0) => ({
    day: `2026-11-${n}`,
    typed,
    accepted,
  });

  it("are told in a sentence", () => {
    expect(told([day(1, 0), day(2, 900, 300), day(3, 1000)], 1100)).toBe(
      "最近 30 天里有 2 天写了字，共 2,200 字，最多的一天 1,200 字，1 天写到了目标。",
    );
    expect(told([day(1, 0)], 0)).toBe("最近 30 天还没有写下字。");
  });

  it("stand within the box, the accepted part on the typed one", () => {
    const { bars, goal, top } = chart([day(1, 300, 100), day(2, 0)], 800, 100, 10);
    expect(top).toBe(1000);
    expect(bars).toEqual([
      { x: 0, typed: 30, accepted: 10 },
      { x: 10, typed: 0, accepted: 0 },
    ]);
    expect(goal).toBe(80);
    expect(chart([day(1, 0)], 0, 100, 10).goal).toBeNull();
  });

  it("fill the meter no further than the goal", () => {
    expect([reached(50, 200), reached(500, 200), reached(5, 0)]).toEqual([25, 100, 0]);
  });
});
