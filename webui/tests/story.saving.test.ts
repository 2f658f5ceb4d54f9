/** What the author changes in the story: sent, merged, kept while the service is away, undone. */

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { IDLE_MS, Outbox } from "$/rooms/story/outbox.svelte";
import { Rows, UNDO_MS } from "$/rooms/story/rows.svelte";
import { toasts } from "$/state/toasts.svelte";

interface Thing {
  id: string;
  name: string;
  note: string;
  position: number;
}
type Answer = (method: string, path: string, body: Partial<Thing>) => Response | Promise<Response>;

const BASE = "/api/works/w/things";
const json = (body: unknown, status = 200) =>
  new Response(JSON.stringify(body), {
    status,
    headers: { "content-type": "application/json" },
  });
const refused = (status: number, code = "invalid_request") =>
  json({ error: { code, message: "这样不行。", retryable: false } }, status);

let asked: [string, string, Partial<Thing>][];
let answer: Answer;
let server: Thing[];

/** A server that keeps things, as the routes do. */
const keeps: Answer = (method, path, body) => {
  const id = path.slice(BASE.length + 1);
  if (method === "GET") return json(server);
  if (method === "DELETE") {
    server = server.filter((one) => one.id !== id);
    return new Response(null, { status: 204 });
  }
  const row = { ...server.find((one) => one.id === id)!, ...body };
  server = server.map((one) => (one.id === id ? row : one));
  return json(row);
};

beforeEach(() => {
  vi.useFakeTimers();
  localStorage.clear();
  toasts.list = [];
  asked = [];
  answer = keeps;
  server = [
    { id: "a", name: "甲", note: "", position: 0 },
    { id: "b", name: "乙", note: "", position: 1 },
  ];
  vi.stubGlobal("fetch", async (request: Request) => {
    const path = new URL(request.url).pathname;
    const text = await request.text();
    const body = text ? (JSON.parse(text) as Partial<Thing>) : {};
    asked.push([request.method, path, body]);
    return answer(request.method, path, body);
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function opened() {
  const outbox = new Outbox();
  const rows = new Rows<Thing, Partial<Thing>, Partial<Thing>>({ outbox });
  await rows.open(BASE);
  asked = [];
  return { outbox, rows };
}
const later = (ms = IDLE_MS + 10) => vi.advanceTimersByTimeAsync(ms);

test("a change shows at once and goes in one request when the author pauses", async () => {
  const { outbox, rows } = await opened();
  rows.change("a", { name: "甲一" });
  rows.change("a", { name: "甲一二" });
  rows.change("a", { note: "记" });
  expect(rows.get("a")).toMatchObject({ name: "甲一二", note: "记" });
  expect(asked).toEqual([]);
  expect(outbox.open).toBe(1);
  await later();
  expect(asked).toEqual([["PATCH", `${BASE}/a`, { name: "甲一二", note: "记" }]]);
  expect(outbox.open).toBe(0);
  expect(localStorage.length).toBe(0);
});

test("what is typed while a change is going is not undone by its answer, and goes after it", async () => {
  const { rows } = await opened();
  let go = () => {};
  answer = (method, path, body) =>
    new Promise((done) => (go = () => done(keeps(method, path, body) as Response)));
  rows.change("a", { name: "一" });
  await later();
  rows.change("a", { name: "一二" });
  answer = keeps;
  go();
  await later(0);
  expect(rows.get("a")!.name).toBe("一二");
  await later();
  expect(asked.map(([, , body]) => body.name)).toEqual(["一", "一二"]);
  expect(server[0]!.name).toBe("一二");
});

test("a lost service loses nothing: it is tried again, also by the next page", async () => {
  const { outbox, rows } = await opened();
  answer = () => Promise.reject(new TypeError("away"));
  rows.change("a", { name: "离线写的" });
  await later();
  expect(outbox.away).toBe(true);
  expect(outbox.open).toBe(1);
  const next = new Outbox();
  expect(next.pending(`${BASE}/a`)).toEqual({ name: "离线写的" });
  const again = new Rows<Thing, Partial<Thing>, Partial<Thing>>({ outbox: next });
  answer = keeps;
  await again.open(BASE);
  expect(again.get("a")!.name).toBe("离线写的");
  await later(5010);
  expect(server[0]!.name).toBe("离线写的");
  expect(outbox.away).toBe(false);
  expect(outbox.open).toBe(0);
});

test("a refusal is told and waits for another wish, or is given up", async () => {
  const { outbox, rows } = await opened();
  answer = (method, path, body) =>
    method === "PATCH" && body.name === "坏" ? refused(422) : keeps(method, path, body);
  rows.change("a", { name: "坏" });
  await later();
  expect(outbox.refused).toBe("这样不行。");
  await outbox.flush();
  expect(asked.length).toBe(1);
  rows.change("a", { name: "好" });
  await later();
  expect(outbox.refused).toBe(null);
  expect(server[0]!.name).toBe("好");
  rows.change("a", { name: "坏" });
  await later();
  outbox.discard();
  await later(0);
  expect(outbox.refused).toBe(null);
  expect(rows.get("a")!.name).toBe("好");
});

test("what somebody else changed is shown beside one's own change, and told", async () => {
  const { rows } = await opened();
  server[0] = { ...server[0]!, note: "别处写的" };
  rows.change("a", { name: "我写的" });
  await later();
  expect(rows.get("a")).toMatchObject({ name: "我写的", note: "别处写的" });
  expect(toasts.list.length).toBe(1);
});

test("a deleted row can be had back where it was; the server hears of it later", async () => {
  const { rows } = await opened();
  rows.remove("a", "甲");
  expect(rows.list.map(({ id }) => id)).toEqual(["b"]);
  expect(asked).toEqual([]);
  toasts.list[0]!.action!.run();
  expect(rows.list.map(({ id }) => id)).toEqual(["a", "b"]);
  await later(UNDO_MS * 2);
  expect(asked).toEqual([]);
  rows.remove("a", "甲");
  await later(UNDO_MS + 10);
  expect(server.map(({ id }) => id)).toEqual(["b"]);
});

test("a deletion that waits is done when other rows are opened, and a reread keeps it out", async () => {
  const { rows } = await opened();
  rows.remove("b", "乙");
  await rows.refresh();
  expect(rows.list.map(({ id }) => id)).toEqual(["a"]);
  await rows.open("/api/works/v/things");
  await later(0);
  expect(asked.some(([method, path]) => method === "DELETE" && path === `${BASE}/b`)).toBe(true);
});
