import { describe, expect, test } from "vitest";
import { asked, attempts, desk, ready, start, tick } from "./attempts.fakes";

describe("taking", () => {
  test("all: a snapshot, then one insertion, then nothing is left", async () => {
    await ready("他没有动。\n“风。”");
    await attempts.take();
    expect(desk.log).toEqual(["before:收下续写前", "insert 他没有动。\n“风。” g1/0", "all taken"]);
    expect([attempts.state, desk.pos, attempts.list.length]).toEqual(["idle", null, 0]);
    expect(attempts.prompt?.tokens).toBe(7204);
  });

  test("clause by clause: one snapshot, and two quick keys take two", async () => {
    await ready("他没有动，看着水。走了。");
    await Promise.all([attempts.takeClause(), attempts.takeClause()]);
    expect(desk.text).toBe("雨停了。他没有动，看着水。");
    expect(attempts.rest).toBe("走了。");
    await attempts.takeClause();
    expect(desk.log.filter((line) => line.startsWith("before"))).toHaveLength(1);
    expect(desk.log.at(-1)).toBe("all taken");
  });

  test("while it is written takes what there is and stops", async () => {
    await start();
    await asked().prompt();
    await asked().delta("他没有动，看");
    await attempts.take();
    expect(asked().signal.aborted).toBe(true);
    expect(desk.text).toBe("雨停了。他没有动，看");
  });

  test("a clause while it is written takes none that is unfinished", async () => {
    await start();
    await asked().prompt();
    await asked().delta("他没有动，看");
    await attempts.takeClause();
    await attempts.takeClause();
    expect(desk.text).toBe("雨停了。他没有动，");
    await asked().done("他没有动，看着水。");
    expect([attempts.state, attempts.rest]).toEqual(["ready", "看着水。"]);
  });

  test("goes on without a snapshot that fails", async () => {
    desk.snapshot = () => Promise.reject(new Error("away"));
    await ready("他没有动。");
    await attempts.take();
    expect(desk.text).toBe("雨停了。他没有动。");
  });

  test("what the author types of it by hand is neither taken nor refused", async () => {
    await ready("他没有动。");
    desk.enter("他没", desk.pos!);
    expect(attempts.rest).toBe("有动。");
    desk.enter("有动。", desk.pos!);
    expect([attempts.state, desk.log.includes("all taken")]).toEqual(["idle", false]);
  });
});

describe("refusing", () => {
  test("notes each attempt and leaves the text alone", async () => {
    await ready("他没有动。");
    void attempts.again();
    await tick();
    await asked().prompt("g2");
    await asked().done("她没有动。");
    attempts.refuse();
    expect(desk.log).toEqual(["refused w/g1", "refused w/g2"]);
    expect([attempts.state, desk.text]).toEqual(["idle", "雨停了。"]);
  });

  test("by writing something else stops what is being written", async () => {
    await start();
    await asked().prompt();
    await asked().delta("他没有");
    desk.onGone();
    expect(asked().signal.aborted).toBe(true);
    expect([attempts.state, desk.log]).toEqual(["idle", ["refused w/g1"]]);
  });

  test("is not what leaving the chapter means", async () => {
    await ready("他没有动。");
    attempts.leave();
    expect([attempts.state, attempts.prompt, desk.log]).toEqual(["idle", null, []]);
  });
});

describe("candidates", () => {
  test("of all attempts at a place are leafed through in a ring", async () => {
    await ready("一。", "二。");
    void attempts.again();
    await tick();
    await asked().prompt("g2");
    await asked().done("三。");
    expect(asked().body.offset).toBe(4);
    expect(desk.shown).toBe("三。");
    attempts.leaf(1);
    expect(desk.shown).toBe("一。");
    attempts.leaf(1);
    expect(desk.shown).toBe("二。");
    attempts.leaf(-1);
    attempts.leaf(-1);
    expect(desk.shown).toBe("三。");
    attempts.leaf(-1);
    await attempts.take();
    expect(desk.log).toContain("insert 二。 g1/1");
    expect(desk.log).toContain("refused w/g2");
    expect(desk.log).not.toContain("refused w/g1");
  });

  test("that do not begin with what was taken can no more be leafed to", async () => {
    await ready("他走了。天黑了。", "他走了。雨停了。", "她来了。");
    expect(attempts.candidates).toHaveLength(3);
    await attempts.takeClause();
    expect(attempts.candidates).toHaveLength(2);
    attempts.leaf(1);
    expect(desk.shown).toBe("雨停了。");
  });

  test("another attempt after a clause goes on from there", async () => {
    await ready("他走了。天黑了。");
    await attempts.takeClause();
    void attempts.again();
    await tick();
    expect(asked().body.offset).toBe(8);
    await asked().prompt("g2");
    await asked().done("雨停了。");
    expect([attempts.rest, attempts.candidates.length]).toEqual(["雨停了。", 1]);
  });

  test("with pins are written at the ghost's place though the caret is elsewhere", async () => {
    await ready("他走了。");
    desk.at = 1;
    await start({ pinned: ["x"] });
    expect(asked().body).toMatchObject({ offset: 4, pinned: ["x"] });
    expect(attempts.list).toHaveLength(1);
    await asked().prompt("g2");
    expect(attempts.list).toHaveLength(2);
  });

  test("without anything else a new place is a new beginning", async () => {
    await ready("他走了。");
    desk.at = 1;
    await start();
    expect(asked().body.offset).toBe(1);
    expect(desk.log).toEqual(["refused w/g1"]);
  });

  test("out of the log are shown and taken like any other", async () => {
    attempts.recall({ id: "old", outputs: [{ text: "一。" }, { text: "二。\n" }] }, 1);
    expect([attempts.state, desk.shown]).toEqual(["ready", "二。"]);
    await attempts.take();
    expect(desk.log).toContain("insert 二。 old/1");
  });
});
