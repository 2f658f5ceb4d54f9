import { describe, expect, test } from "vitest";
import { offline, Refusal } from "$/api/client";
import { live } from "$/state/announce.svelte";
import { asked, attempts, desk, ready, start, tick } from "./attempts.fakes";

describe("writing on", () => {
  test("saves, asks at the caret, shows what comes, and says once that it is ready", async () => {
    await start();
    expect(attempts.state).toBe("loading");
    expect(asked().path).toBe("/api/works/w/chapters/c/continue");
    expect(asked().body).toMatchObject({ offset: 4, revision: 3, beat: "亮出铜片", length: 100 });
    await asked().prompt();
    expect(attempts.step).toBe("reading");
    expect(attempts.prompt?.tokens).toBe(7204);
    await asked().delta("他没有动，");
    expect(attempts.state).toBe("streaming");
    expect([desk.shown, desk.growing]).toEqual(["他没有动，", true]);
    await asked().done("他没有动，看着水。\n");
    expect(attempts.state).toBe("ready");
    expect([desk.shown, desk.growing]).toEqual(["他没有动，看着水。", false]);
    expect(live.sentence).toContain("9 字");
    expect(desk.text).toBe("雨停了。");
  });

  test("asks once more where the chapter was saved elsewhere in between", async () => {
    await start();
    desk.revision = 4;
    await asked().tell(new Refusal({ code: "stale_revision", message: "旧了" }, 409));
    expect(desk.asked).toHaveLength(2);
    expect(asked().body.revision).toBe(4);
    await asked().tell(new Refusal({ code: "stale_revision", message: "又旧了" }, 409));
    expect(desk.asked).toHaveLength(2);
    expect([attempts.state, attempts.sentence]).toEqual(["error", "又旧了"]);
  });

  test("does nothing while it writes already, or where no chapter is open", async () => {
    await start();
    await start();
    expect(desk.asked).toHaveLength(1);
    attempts.refuse();
    desk.chapter = null;
    await start();
    expect(desk.asked).toHaveLength(1);
  });

  test("tells when nothing came", async () => {
    await start();
    await asked().prompt();
    await asked().done("  \n");
    expect(attempts.state).toBe("error");
    expect(desk.pos).toBeNull();
  });
});

describe("stopping", () => {
  test("is over at once, aborts the request and keeps what is written", async () => {
    await start();
    await asked().prompt();
    await asked().delta("他没有动，看");
    attempts.stop();
    expect(asked().signal.aborted).toBe(true);
    expect([attempts.state, desk.shown, desk.growing]).toEqual(["ready", "他没有动，看", false]);
    expect(attempts.current?.end).toBe("stopped");
    await asked().delta("着水。");
    expect(desk.shown).toBe("他没有动，看");
  });

  test("before the first word leaves nothing", async () => {
    await start();
    attempts.stop();
    await tick();
    expect([attempts.state, desk.pos]).toEqual(["idle", null]);
    await ready("再来。");
  });

  test("while it saves asks nobody", async () => {
    let saved = (_: number) => {};
    desk.flush = () => new Promise((go) => (saved = go));
    await start();
    attempts.stop();
    saved(4);
    await tick();
    expect(desk.asked).toHaveLength(0);
  });
});

describe("trouble", () => {
  test("in the middle keeps the part, marked", async () => {
    await start();
    await asked().prompt();
    await asked().delta("写到一半");
    const error = { code: "engine_lost", message: "模型断开了。", retryable: true };
    await asked().tell({ event: "error", data: { error } });
    expect([attempts.state, attempts.sentence]).toEqual(["error", "模型断开了。"]);
    expect([attempts.current?.end, desk.shown]).toEqual(["cut", "写到一半"]);
    void attempts.again();
    await tick();
    await asked().prompt("g2");
    await asked().done("这次写完。");
    expect(attempts.candidates.map((c) => c.end)).toEqual(["cut", "whole"]);
    expect(desk.shown).toBe("这次写完。");
  });

  test("that nobody named is told in our words", async () => {
    await start();
    await asked().prompt();
    await asked().tell(new TypeError("network error"));
    expect(attempts.state).toBe("error");
    expect(attempts.sentence).not.toContain("network");
    await start();
    await asked().tell("end");
    expect(attempts.state).toBe("error");
  });

  test("without a service is offline until it is back", async () => {
    await start();
    await asked().tell(offline());
    expect(attempts.state).toBe("offline");
    await attempts.engineReady();
    expect(attempts.state).toBe("idle");
    expect(desk.asked).toHaveLength(1);
  });

  test("of an engine that starts is waited for, unless the author thinks otherwise", async () => {
    const starting = () => new Refusal({ code: "engine_starting", message: "还在启动" }, 503);
    await start();
    await asked().tell(starting());
    expect([attempts.state, attempts.waiting]).toEqual(["starting", true]);
    void attempts.engineReady();
    await tick();
    expect(desk.asked).toHaveLength(2);
    await asked().tell(starting());
    attempts.waiting = false;
    await attempts.engineReady();
    expect([attempts.state, desk.asked.length]).toEqual(["idle", 2]);
  });
});
