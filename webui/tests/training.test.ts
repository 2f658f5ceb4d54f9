import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { address, parse } from "$/state/route.svelte";
import { curl, python } from "$/rooms/training/calls";
import { copyName, isName, tryNext, variantOf, type Tried } from "$/rooms/training/asking";
import { bars, counts, leaks, nextName } from "$/rooms/training/card";
import { niceTicks, path, rows, scale, smooth, thin, type Point } from "$/rooms/training/chart";
import { checks } from "$/rooms/training/checks";
import { bySteps, Log, type Entry } from "$/rooms/training/log";
import { Maker } from "$/rooms/training/maker.svelte";
import {
  adapterName,
  canTake,
  dataOf,
  FIELD,
  get,
  placed,
  set,
  shown,
  typed,
} from "$/rooms/training/recipe";
import { isDone, stepOf } from "$/rooms/training/steps";
import { told } from "$/rooms/training/words/said";
import { look } from "$/state/look.svelte";

const value = fc.double({ min: 1e-6, max: 1e6, noNaN: true });
const points = fc
  .array(value, { minLength: 1, maxLength: 400 })
  .map((all) => all.map((v, n): Point => [n + 1, v]));
const draft = {
  uploads: [],
  work: null,
  dataset: null,
  building: null,
  asking: {},
  recipe: {},
  run: null,
  adapter: null,
  prompt: "",
  votes: {},
};

describe("a curve", () => {
  it("smooths between the least and the greatest, and leaves what is level", () => {
    fc.assert(
      fc.property(points, (all) => {
        const values = all.map(([, v]) => v);
        const [low, high] = [Math.min(...values), Math.max(...values)];
        const told = smooth(all);
        expect(told.map(([x]) => x)).toEqual(all.map(([x]) => x));
        for (const [, v] of told) {
          expect(v).toBeGreaterThanOrEqual(low * (1 - 1e-9));
          expect(v).toBeLessThanOrEqual(high * (1 + 1e-9));
        }
      }),
    );
    expect(smooth([[1, 3]])[0]![1]).toBeCloseTo(3);
  });

  it("keeps every peak when it is thinned, in order", () => {
    fc.assert(
      fc.property(points, fc.integer({ min: 4, max: 60 }), (all, most) => {
        const kept = thin(all, most);
        expect(kept.length).toBeLessThanOrEqual(Math.max(most, 2));
        const values = (of: readonly Point[]) => of.map(([, v]) => v);
        expect(Math.max(...values(kept))).toBe(Math.max(...values(all)));
        expect(Math.min(...values(kept))).toBe(Math.min(...values(all)));
        for (let n = 1; n < kept.length; n++) expect(kept[n]![0]).toBeGreaterThan(kept[n - 1]![0]);
      }),
    );
  });

  it("has all of its values in sight, on both scales, with ticks among them", () => {
    fc.assert(
      fc.property(points, fc.boolean(), (all, log) => {
        const values = all.map(([, v]) => v);
        const up = scale(values, log);
        for (const v of values) {
          expect(up.at(v)).toBeGreaterThanOrEqual(-1e-9);
          expect(up.at(v)).toBeLessThanOrEqual(1 + 1e-9);
        }
        expect(up.ticks.every((tick) => tick >= up.low - 1e-9 && tick <= up.high * 1.001)).toBe(
          true,
        );
      }),
    );
    expect(niceTicks(0, 600, 6)).toEqual([0, 100, 200, 300, 400, 500, 600]);
    expect(scale([], false).ticks.length).toBeGreaterThan(0);
  });

  it("breaks where there is no value", () => {
    const same = (n: number) => n;
    expect(
      path(
        [
          [1, 1],
          [2, NaN],
          [3, 3],
          [4, 4],
        ],
        same,
        same,
      ),
    ).toBe("M1.0,1.0M3.0,3.0L4.0,4.0");
    expect(rows([1, 2, 3, 4, 5], 3)).toEqual([1, 3, 5]);
  });
});

describe("a log", () => {
  const step = (n: number, loss = 1): Entry => ({ type: "step", step: n, loss });

  it("takes what is done again in the place of what it was", () => {
    const log = new Log()
      .with([step(1, 3), step(2, 2), { type: "eval", step: 2, loss: 9 }, step(3, 1)])
      .with([step(2, 5), { type: "eval", step: 2, loss: 8 }]);
    expect(log.steps.map((each) => [each.step, each.loss])).toEqual([
      [1, 3],
      [2, 5],
    ]);
    expect(log.evals.map((each) => each.loss)).toEqual([8]);
  });

  it("groups what was written by its steps and keeps what was said", () => {
    const wrote = (n: number, text: string): Entry => ({
      type: "sample",
      step: n,
      prompt: "",
      text,
    });
    const log = new Log().with([
      wrote(5, "a"),
      wrote(5, "b"),
      wrote(10, "c"),
      { type: "note", message: "好" },
    ]);
    expect(bySteps(log.samples).map(([at, all]) => [at, all.length])).toEqual([
      [5, 2],
      [10, 1],
    ]);
    expect(log.said).toHaveLength(1);
  });
});

describe("a recipe", () => {
  const leaf = fc.oneof(fc.integer(), fc.boolean(), fc.string({ minLength: 1 }));

  it("holds what was set and nothing else changed", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...FIELD.keys()),
        fc.constantFrom(...FIELD.keys()),
        leaf,
        leaf,
        (a, b, x, y) => {
          fc.pre(a !== b);
          const recipe = set(set({}, a, x), b, y);
          expect([get(recipe, a), get(recipe, b)]).toEqual([x, y]);
          expect(set(set(recipe, a, null), b, null)).toEqual({});
        },
      ),
    );
  });

  it("reads numbers as they are typed and shows small ones as they are spoken of", () => {
    const rate = FIELD.get("learning_rate")!;
    const rank = FIELD.get("tuning.rank")!;
    expect(typed(rate, " 1e-4 ")).toBe(1e-4);
    expect(shown(1e-4)).toBe("1e-4");
    expect(typed(rate, "")).toBeNull();
    expect(typed(rank, "1.5")).toBeNaN();
    expect(typed(rank, "abc")).toBeNaN();
  });

  it("knows its data however they are written", () => {
    expect(dataOf({ data: "a" })).toEqual(["a"]);
    expect(dataOf({ data: ["a", { path: "b", weight: 2 }] })).toEqual(["a", "b"]);
    expect(dataOf({})).toEqual([]);
  });

  it("makes names that an adapter can have", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (title) => {
        expect(adapterName(title)).toMatch(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/);
      }),
    );
  });

  it("puts advice beside its field and offers what would change something", () => {
    const advice = (key: string, level: "ok" | "warn", old: unknown, advised: unknown) =>
      ({ key, level, sentence: "", value: old, advised }) as const;
    const { fields, whole } = placed([
      advice("learning_rate", "warn", 1e-2, 1e-4),
      advice("served_as", "warn", "full", "lora"),
      advice("rows", "warn", 3, 100),
    ]);
    expect([...fields.keys()]).toEqual(["learning_rate", "tuning.kind"]);
    expect(whole.map((each) => each.key)).toEqual(["rows"]);
    expect(canTake(fields.get("tuning.kind")!)).toBe(true);
    expect(canTake(whole[0]!)).toBe(false);
    expect(canTake(advice("epochs", "ok", 3, 2))).toBe(false);
  });
});

describe("what is made", () => {
  it("is asked for with what the author set, or says what is missing", () => {
    const maker = new Maker();
    expect(maker.missing(draft)).toEqual(["datasetName", "texts", "whose"]);
    Object.assign(maker, { name: " a ", script: { ...maker.script, role: "甄嬛" } });
    maker.script.aliases = "甄嬛＝莞贵人,熹贵妃\n\n";
    const told = { ...draft, uploads: [{ id: "x", filename: "f" }] };
    expect(maker.missing(told)).toEqual([]);
    expect(maker.body(told)).toMatchObject({
      maker: "script",
      name: "a",
      uploads: ["x"],
      options: { role: "甄嬛", alias: ["甄嬛=莞贵人,熹贵妃"] },
    });
    expect(JSON.stringify(maker.body(told))).not.toContain("aliases");
  });

  it("keeps plain text apart from other tasks, and mixes only what has a weight", () => {
    const maker = new Maker();
    maker.setTask("扩写", true);
    expect(maker.novel.task).toEqual(["续写", "扩写"]);
    maker.setTask("原文", true);
    expect(maker.novel.task).toEqual(["原文"]);
    maker.setTask("续写", true);
    expect(maker.novel.task).toEqual(["续写"]);
    Object.assign(maker, { kind: "mix", name: "m", parts: { a: 2, b: 0 } });
    expect(maker.body(draft)).toMatchObject({ parts: [{ name: "a", weight: 2 }] });
  });
});

describe("what an author took and refused", () => {
  it("is asked for without texts, of the work that was chosen or of all", () => {
    const maker = new Maker();
    Object.assign(maker, { kind: "preferences", name: "likes", preferences: { method: "kto" } });
    expect(maker.missing(draft)).toEqual([]);
    const body = { maker: "preferences", name: "likes", replace: false };
    expect(maker.body(draft)).toEqual({ ...body, options: { method: "kto", work: [] } });
    const options = { method: "kto", work: ["w"] };
    expect(maker.body({ ...draft, work: "w" })).toEqual({ ...body, options });
  });
});

describe("what the server says", () => {
  const facts = { rows: 12, tokens: 3456, learned: 1200 };

  it("stands in English by its code and its facts, else as it is", () => {
    expect(told("rows.few", facts, "太少了。")).toBe("太少了。");
    look.language = "en";
    expect(told("rows.few", facts, "太少了。")).toMatch(
      /^12 samples an epoch, 3,456 tokens, 1,200 /,
    );
    expect(told("rows.few", undefined, "太少了。")).toBe("太少了。");
    expect(told("no.such", facts, "太少了。")).toBe("太少了。");
    expect(told(undefined, facts, "太少了。")).toBe("太少了。");
    const margin = { mean: 0.1, low: -0.05, high: 0.25 };
    expect(told("found.rouge", margin, "")).toContain("+0.100 (-0.050 to +0.250)");
    look.language = "zh";
  });
});

describe("what the served model makes", () => {
  const told = { ...draft, work: "w", recipe: { base: "tiny" } };
  const tried = { variants: { 平实: {}, 承前: {} } } as unknown as Tried;

  it("is asked for with the options of its kind", () => {
    const maker = new Maker();
    Object.assign(maker, { kind: "summaries", name: "a" });
    maker.novel.length = 300;
    expect(maker.missing(told)).toEqual([]);
    const options = { draft: false, length: 300 };
    const texts = { uploads: [], work_id: "w" };
    const body = { maker: "summaries", name: "a", ...texts, variant: null, options };
    expect(maker.body(told)).toEqual(body);
    maker.kind = "dialogue";
    expect(maker.missing(told)).toEqual(["whose"]);
    Object.assign(maker.dialogue, { role: "柳娘", aliases: "柳娘＝阿柳" });
    expect(maker.body(told)).toMatchObject({
      options: { role: "柳娘", alias: ["柳娘=阿柳"], length: 300 },
    });
    maker.kind = "context";
    expect(maker.body(told)).toMatchObject({ options: { base: "tiny", made: null } });
    expect(maker.body(told)).not.toHaveProperty("variant");
  });

  it("is what a novel's tasks are asked by", () => {
    const maker = new Maker();
    Object.assign(maker, { kind: "novel", name: "a" });
    maker.novel.made = "s";
    expect(maker.body(told)).toMatchObject({ options: { made: null } });
    maker.setTask("按梗概写", true);
    expect(maker.body(told)).toMatchObject({ options: { made: "s" } });
    maker.novel.made = "";
    expect(maker.missing(told)).toEqual(["fromSummaries"]);
  });

  it("is tried in every way that there is, and made in the one that was chosen", () => {
    const maker = new Maker();
    const mine = structuredClone(told);
    Object.assign(maker, { kind: "summaries", name: "a", sample: 2 });
    expect(maker.trial(mine, null)).toMatchObject({ variants: [], sample: 2 });
    maker.ask(mine, { own: [{ name: "我的", template: "{{ text }}" }], chosen: "我的" });
    const variants = [{ name: "平实" }, { name: "承前" }, { name: "我的", template: "{{ text }}" }];
    expect(maker.trial(mine, tried)).toMatchObject({ variants });
    expect(maker.body(mine)).toMatchObject({ variant: variants[2] });
    maker.ask(mine, { chosen: "承前" });
    expect(maker.body(mine)).toMatchObject({ variant: { name: "承前" } });
    // Drafts are asked for in ways of their own.
    maker.summaries.draft = true;
    expect(maker.body(mine)).toMatchObject({ variant: null });
    expect(maker.trial(mine, null)).toMatchObject({ options: { draft: true }, variants: [] });
  });

  it("takes no way of asking that is not written yet", () => {
    const own = [
      { name: "", template: "x" },
      { name: "a.b", template: "x" },
      { name: "空", template: " " },
    ];
    expect(tryNext({ own, chosen: "", trial: null }, tried)).toEqual([]);
    expect(variantOf({ own, chosen: "", trial: null })).toBeNull();
    expect(["短问", "a-b_2"].every(isName)).toBe(true);
    expect(copyName("平实", ["平实", "平实_2"])).toBe("平实_3");
    expect(isName(copyName("长".repeat(40), []))).toBe(true);
  });
});

describe("a card", () => {
  it("shows the bars that there are", () => {
    expect(bars({ edges: [0, 32, 64, 128], counts: [0, 3, 0, 2] })).toEqual([
      { low: 32, high: 64, count: 3 },
      { low: 64, high: 128, count: 0 },
      { low: 128, high: null, count: 2 },
    ]);
    expect(bars({ edges: [0], counts: [0] })).toEqual([]);
  });

  it("counts leaks of every kind, and what a report counts", () => {
    const kind = (count: number) => ({ count, worst: [] });
    expect(leaks({ clean: false, exact: kind(1), near: kind(2) })).toBe(3);
    expect(counts({ books: 2, role: "x", spam: { links: 3 } })).toEqual([
      ["books", 2],
      ["spam.links", 3],
    ]);
  });
});

it("names the set that is made of a set", () => {
  expect(nextName("play", ["play"])).toBe("play-2");
  expect(nextName("play-2", ["play", "play-2", "play-3"])).toBe("play-4");
});

describe("the steps", () => {
  it("have addresses that lead back to them", () => {
    for (const hash of [
      "#/training",
      "#/training/recipe",
      "#/training/train/20261121-213055-00001a",
    ])
      expect(address(parse(hash))).toBe(hash);
    expect(stepOf("nowhere")).toBe("texts");
  });

  it("are done when the next one has what it needs", () => {
    expect(isDone("texts", draft, false)).toBe(false);
    expect(isDone("texts", { ...draft, work: "w" }, false)).toBe(true);
    expect(isDone("train", draft, true)).toBe(true);
    expect(isDone("compare", { ...draft, votes: { "": 1 } }, false)).toBe(true);
  });
});

describe("publishing", () => {
  const whole = {
    job: { state: "running" },
    checkpoints: [] as number[],
    has_adapter: false,
    recipe: { base: "/m/tiny" },
  };
  const levels = (told: object, served: string) =>
    checks({ ...whole, ...told } as never, null, served).map((line) => line.level);

  it("says what is ready and what stands against it", () => {
    expect(levels({}, "tiny")).toEqual(["wait", "ok", "wait"]);
    const done = { job: { state: "done" }, has_adapter: true };
    expect(levels(done, "other/big")).toEqual(["ok", "warn", "wait"]);
    expect(levels({ has_adapter: true }, "tiny")).toEqual(["wait", "ok", "wait"]);
    expect(levels({ checkpoints: [20] }, "")).toEqual(["wait", "wait", "wait"]);
  });

  it("tells other programs how to ask, whatever the words", () => {
    fc.assert(
      fc.property(fc.string(), (prompt) => {
        const quoted = /-d '([\s\S]*)'$/.exec(curl("http://h", "a", prompt))![1]!;
        const body = quoted.replaceAll(`'\\''`, "'");
        expect(JSON.parse(body)).toEqual({ prompt, adapters: ["a"] });
      }),
    );
    expect(python("http://h", "a", "雨")).toContain('{"prompt": "雨", "adapters": ["a"]}');
  });
});
