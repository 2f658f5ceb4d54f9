import { afterEach, beforeAll, expect, test } from "vitest";
import { offline, refusal } from "$/api/client";
import { look } from "$/state/look.svelte";
import { learnEnglish } from "$/words/refusals";

beforeAll(learnEnglish);
afterEach(() => (look.language = "zh"));

test("a refusal says the server's own sentence in Chinese", () => {
  const body = { error: { code: "chapter_locked", message: "这一章锁上了，请先解锁。" } };
  expect(refusal(body, 409).message).toBe("这一章锁上了，请先解锁。");
});

test("in English a code has its sentence, and keeps what only the server knows", () => {
  look.language = "en";
  const locked = { error: { code: "chapter_locked", message: "这一章锁上了，请先解锁。" } };
  expect(refusal(locked, 409).message).toMatch(/^This chapter is locked/);
  const detail = { error: { code: "invalid_request", message: "length 应不大于 2000 $& $1" } };
  expect(refusal(detail, 422).message).toContain(
    "（length".replace("（", "(") + " 应不大于 2000 $& $1)",
  );
  expect(offline().message).toMatch(/does not answer/);
});

test("a code that the page does not know keeps the server's sentence", () => {
  look.language = "en";
  const news = { error: { code: "some_news", message: "有新的事。" } };
  expect(refusal(news, 400).message).toBe("有新的事。");
  expect(refusal("<html>", 502).message).toMatch(/502/);
});
