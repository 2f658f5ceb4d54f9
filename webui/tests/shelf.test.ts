import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Refusal } from "$/api/client";
import { asRead, encoded, merged, renamed, split, wire } from "$/rooms/shelf/importing/corrections";
import {
  encodingName,
  generalDoubts,
  likely,
  rowsOf,
  type Preview,
} from "$/rooms/shelf/importing/preview";
import { queue } from "$/rooms/shelf/importing/queue.svelte";
import * as server from "$/rooms/shelf/importing/server";
import { inSight } from "$/rooms/shelf/sorting";
import type { Work } from "$/state/book.svelte";
import { route } from "$/state/route.svelte";

vi.mock("$/rooms/shelf/importing/server");

const WORK = "a".repeat(32);

function preview(lines: number[], more: Partial<Preview> = {}): Preview {
  return {
    ...{
      upload: "u",
      filename: "青灯.txt",
      title: "青灯",
      author: "",
      encoding: "gb18030",
      chars: 9,
    },
    chapters: lines.map((line) => ({
      ...{ title: `第${line}行`, volume: null, kind: "chapter", line, chars: 3, begins: "雨" },
    })),
    doubts: [],
    ...more,
  } as Preview;
}

describe("corrections", () => {
  const told = asRead("青灯", "佚名");

  it("leave out what the author did not touch", () => {
    expect(wire(told)).toEqual({
      ...{ encoding: null, title: "青灯", author: "佚名", add_headings: [], drop_headings: [] },
      ...{ pattern: "auto", titles: {}, drop_blank_lines: null },
    });
    expect(wire({ ...told, title: "  ", pattern: "bare" })).toMatchObject({
      title: null,
      pattern: "bare",
    });
    expect(wire(renamed(told, 7, "还灯"))).toMatchObject({ titles: { 7: "还灯" } });
  });

  it("take a split back by merging it, and a merge by splitting there", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(50)), fc.nat(50), (lines, line) => {
        const some = lines.reduce(
          (all, one) => (one % 2 ? split(all, one) : merged(all, one)),
          told,
        );
        if (!some.drop.includes(line) && !some.add.includes(line)) {
          expect(wire(merged(split(some, line), line))).toEqual(wire(some));
          expect(wire(split(merged(some, line), line))).toEqual(wire(some));
        }
        expect(new Set(some.add).size).toBe(some.add.length);
      }),
    );
  });

  it("forget a title with its heading, and lines with their encoding", () => {
    expect(merged(renamed(told, 3, "灯"), 3).titles).toEqual({});
    const other = encoded(split(renamed(merged(told, 9), 3, "灯"), 5), "big5hkscs");
    expect(wire(other)).toEqual({ ...wire(told), encoding: "big5hkscs" });
  });
});

describe("the preview", () => {
  it("puts each doubt with the chapter it is about", () => {
    const seen = preview([1, 10, 20], {
      doubts: [
        { code: "a", message: "缺章", line: 12 },
        { code: "b", message: "短", line: 20 },
        { code: "c", message: "没有标题", line: null },
      ],
    });
    const doubts = rowsOf(seen).map((row) => (row.kind === "chapter" ? row.doubts : []));
    expect(doubts).toEqual([[], ["缺章"], ["短"]]);
    expect(generalDoubts(seen)).toEqual(["没有标题"]);
  });

  it("shows a volume once over its chapters", () => {
    const seen = preview([1, 2, 3]);
    seen.chapters[1]!.volume = seen.chapters[2]!.volume = "卷一";
    expect(rowsOf(seen).map((row) => (row.kind === "volume" ? row.title : row.index))).toEqual([
      0,
      "卷一",
      1,
      2,
    ]);
  });

  it("guesses which lines may be titles", () => {
    expect(["第三章 还灯", "借灯", "  灯 "].every(likely)).toBe(true);
    expect(["他走了。", "", "“好。”", "灯".repeat(30)].some(likely)).toBe(false);
    expect(encodingName("gb18030")).toBe("GB18030 (GBK)");
  });
});

describe("the shelf", () => {
  const work = (title: string, chars: number, edited_at: string) =>
    ({ title, chars, edited_at }) as Work;
  const works = [
    work("第10夜", 5, "2026-11-01T00:00:00Z"),
    work("第9夜", 9, "2026-11-03T00:00:00Z"),
    work("白灯", 7, "2026-11-02T00:00:00Z"),
  ];
  const titles = (sort: "recent" | "title" | "size") =>
    inSight(works, sort).map((one) => one.title);

  it("stands in the order that is asked for", () => {
    expect(titles("recent")).toEqual(["第9夜", "白灯", "第10夜"]);
    expect(titles("size")).toEqual(["第9夜", "白灯", "第10夜"]);
    expect(titles("title")).toEqual(["白灯", "第9夜", "第10夜"]);
  });
});

describe("the queue", () => {
  const file = (name: string) => new File(["雨"], name);
  const settled = () =>
    vi.waitFor(() =>
      expect(queue.items.every((one) => one.state !== "waiting" && one.state !== "sending")).toBe(
        true,
      ),
    );

  beforeEach(() => {
    vi.mocked(server.drop).mockResolvedValue();
    for (const item of queue.items) queue.drop(item);
    vi.mocked(server.send).mockImplementation(async (one) => preview([1, 5], { upload: one.name }));
    vi.mocked(server.preview).mockResolvedValue(preview([1]));
    vi.mocked(server.commit).mockResolvedValue({
      work: WORK,
      title: "青灯",
      chapters: 2,
      characters: 6,
      warnings: [],
    });
  });
  afterEach(() => vi.resetAllMocks());

  it("reads one file after the other", async () => {
    let open = 0;
    vi.mocked(server.send).mockImplementation(async () => {
      expect(++open).toBe(1);
      await Promise.resolve();
      open--;
      return preview([1]);
    });
    queue.take([file("一.txt"), file("二.txt"), file("三.txt")]);
    await settled();
    expect(queue.items.map((one) => one.state)).toEqual(["ready", "ready", "ready"]);
    expect(queue.current!.file.name).toBe("一.txt");
  });

  it("keeps the corrections it could be read under, and steps back through them", async () => {
    queue.take([file("一.txt")]);
    await settled();
    const item = queue.current!;
    expect(await item.correct(merged(item.told, 5))).toBe(true);
    expect(item.told.drop).toEqual([5]);
    item.name({ title: "另一个名字" });
    vi.mocked(server.preview).mockRejectedValueOnce(
      new Refusal({ code: "unreadable_file", message: "第 9 行不存在" }, 422),
    );
    expect(await item.correct(split(item.told, 9))).toBe(false);
    expect([item.state, item.error, item.told.add, item.told.title]).toEqual([
      "ready",
      "第 9 行不存在",
      [],
      "另一个名字",
    ]);
    await item.back();
    expect([item.told.drop, item.told.title, item.past]).toEqual([[], "另一个名字", []]);
  });

  it("the last of quick corrections counts", async () => {
    queue.take([file("一.txt")]);
    await settled();
    const item = queue.current!;
    let first!: (seen: Preview) => void;
    vi.mocked(server.preview).mockImplementationOnce(() => new Promise((done) => (first = done)));
    const slow = item.correct(encoded(item.told, "big5hkscs"));
    expect(await item.correct(encoded(item.told, "utf-8"))).toBe(true);
    first(preview([1, 2, 3]));
    expect(await slow).toBe(false);
    expect(item.preview!.chapters).toHaveLength(1);
    expect(item.told.encoding).toBe("utf-8");
  });

  it("a file that cannot be read does not stop the next, and can be tried in another encoding", async () => {
    vi.mocked(server.send).mockRejectedValueOnce(
      new Refusal({ code: "unknown_encoding", message: "认不出编码" }, 422),
    );
    queue.take([file("一.txt"), file("二.txt")]);
    await settled();
    const [bad, good] = queue.items;
    expect([bad!.state, bad!.error, bad!.encodable]).toEqual(["failed", "认不出编码", true]);
    expect(good!.state).toBe("ready");
    queue.again(bad!, "big5hkscs");
    await settled();
    expect(bad!.state).toBe("ready");
    expect(vi.mocked(server.send).mock.calls.at(-1)![1]).toBe("big5hkscs");
    expect(bad!.told.encoding).toBe("big5hkscs");
  });

  it("a file the server has cleared away is sent once more", async () => {
    queue.take([file("一.txt")]);
    await settled();
    vi.mocked(server.commit).mockRejectedValueOnce(
      new Refusal({ code: "upload_not_found", message: "不在了" }, 404),
    );
    await queue.commit(queue.current!);
    expect(queue.current!.state).toBe("failed");
    queue.again(queue.current!);
    await settled();
    expect(queue.current!.state).toBe("ready");
  });

  it("opens the last one that was kept; before others it only says so", async () => {
    const go = vi.spyOn(route, "go").mockImplementation(() => {});
    vi.spyOn(globalThis, "fetch").mockResolvedValue(Response.json([]));
    queue.take([file("一.txt"), file("二.txt")]);
    await settled();
    await queue.commit(queue.current!);
    expect([go.mock.calls.length, queue.items.length]).toEqual([0, 1]);
    await queue.commit(queue.current!);
    expect(go).toHaveBeenCalledWith(expect.objectContaining({ name: "desk", work: WORK }));
    expect(queue.items).toEqual([]);
  });

  it("forgets on both sides what the author lets go", async () => {
    queue.take([file("一.txt")]);
    await settled();
    queue.drop(queue.current!);
    expect(server.drop).toHaveBeenCalledWith("一.txt");
    expect(queue.current).toBeNull();
  });
});
