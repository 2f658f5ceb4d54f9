// The HTTP API, one function a wish. Every failure is a Refusal with the server's own sentence.

import { events } from "./sse.js";

export class Refusal extends Error {
  constructor({ code, message, retryable = false }, status) {
    super(message);
    Object.assign(this, { code, retryable, status });
  }
}

const OFFLINE = { code: "offline", message: "连不上服务，请看看它是不是还开着。", retryable: true };

async function send(method, path, { body, signal, keepalive } = {}) {
  const form = body instanceof FormData;
  let answer;
  try {
    answer = await fetch(`/api${path}`, {
      method,
      signal,
      keepalive,
      headers: body && !form ? { "content-type": "application/json" } : {},
      body: form || body === undefined ? body : JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal(OFFLINE, 0);
  }
  if (answer.ok) return answer;
  const told = await answer.json().catch(() => ({}));
  const unknown = { code: "http_error", message: `服务没有答上来（${answer.status}），请再试一次。` };
  throw new Refusal(told.error ?? unknown, answer.status);
}

async function json(method, path, options) {
  const answer = await send(method, path, options);
  return answer.status === 204 ? null : answer.json();
}

const chapter = (work, id) => `/works/${work}/chapters/${id}`;
const query = (values) => new URLSearchParams(values).toString();

export const api = {
  health: () => json("GET", "/health"),
  adapters: () => json("GET", "/adapters"),

  works: () => json("GET", "/works"),
  work: (id) => json("GET", `/works/${id}`),
  newWork: (body) => json("POST", "/works", { body }),
  volumes: (work) => json("GET", `/works/${work}/volumes`),
  exportUrl: (work, format) => `/api/works/${work}/export?${query({ format })}`,
  search: (work, q, signal) => json("GET", `/works/${work}/search?${query({ q, top: 20 })}`, { signal }),

  upload(file) {
    const body = new FormData();
    body.append("file", file);
    return json("POST", "/imports", { body });
  },
  preview: (upload, body) => json("POST", `/imports/${upload}/preview`, { body }),
  commit: (upload, body) => json("POST", `/imports/${upload}/commit`, { body }),

  chapters: (work) => json("GET", `/works/${work}/chapters`),
  chapter: (work, id) => json("GET", chapter(work, id)),
  newChapter: (work, body) => json("POST", `/works/${work}/chapters`, { body }),
  change: (work, id, body) => json("PATCH", chapter(work, id), { body }),
  bin: (work, id) => json("DELETE", chapter(work, id)),
  restore: (work, id) => json("POST", `${chapter(work, id)}/restore`),
  save: (work, id, body, keepalive) => json("PUT", chapter(work, id), { body, keepalive }),

  /** Events `prompt`, `delta`…, `done` or `error`; aborting stops the engine's work. */
  async *continue(work, id, body, signal) {
    const answer = await send("POST", `${chapter(work, id)}/continue`, { body, signal });
    yield* events(answer.body);
  },
  generations: (work, id) => json("GET", `/works/${work}/generations?${query({ chapter_id: id, limit: 30 })}`),
  verdict: (work, id, body) => json("POST", `/works/${work}/generations/${id}/verdict`, { body }),
};
