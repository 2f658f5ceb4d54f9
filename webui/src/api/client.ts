/** The HTTP API, typed from its own schema. Every failure is a Refusal with the server's sentence (in the page's language).
 *
 *     const work = await ok(http.GET("/api/works/{work_id}", { params: { path: { work_id } } }));
 */

import createClient from "openapi-fetch";
import { sentence } from "$/words/refusals";
import { events, type ServerEvent } from "./events";
import type { components, paths } from "./schema";

export type Shapes = components["schemas"];
export type Health = Shapes["HealthOut"];

export class Refusal extends Error {
  readonly code: string;
  readonly retryable: boolean;
  readonly status: number;

  constructor(told: { code: string; message: string; retryable?: boolean }, status: number) {
    super(sentence(told.code, told.message));
    this.name = "Refusal";
    this.code = told.code;
    this.retryable = told.retryable ?? false;
    this.status = status;
  }
}

/** Nobody answered: the service is away, or the network is. */
export function offline(): Refusal {
  const message = "连不上服务，请看看它是不是还开着。";
  return new Refusal({ code: "offline", message, retryable: true }, 0);
}

export function isOffline(error: unknown): boolean {
  return error instanceof Refusal && error.code === "offline";
}

async function reach(request: Request): Promise<Response> {
  try {
    return await fetch(request);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw offline();
  }
}

export const http = createClient<paths>({ baseUrl: "", fetch: reach });

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The answer's data. Throws Refusal where the server refused, or AbortError. */
export async function ok<T>(asked: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await asked;
  if (!response.ok) throw refusal(error, response.status);
  return data as T;
}

export function refusal(body: unknown, status: number): Refusal {
  const told = (body as { error?: { code: string; message: string; retryable?: boolean } })?.error;
  const unknown = { code: "http_error", message: `服务没有答上来（${status}），请再试一次。` };
  return new Refusal(told?.message ? told : unknown, status);
}

/** POSTs a file as multipart and yields its answer's JSON; `told` gets bytes sent and in all. */
export function upload<T>(
  path: string,
  form: FormData,
  told?: (sent: number, all: number) => void,
  signal?: AbortSignal,
): Promise<T> {
  // fetch cannot tell how much of a body is sent; XMLHttpRequest can.
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open("POST", path);
    request.responseType = "json";
    request.upload.onprogress = (event) => told?.(event.loaded, event.total);
    request.onload = () =>
      request.status < 400
        ? done(request.response as T)
        : failed(refusal(request.response, request.status));
    request.onerror = () => failed(offline());
    request.onabort = () => failed(new DOMException("", "AbortError"));
    signal?.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}

/** POSTs a wish and yields the events of its answer; aborting stops the engine's work. */
export async function* stream(
  path: string,
  body: unknown,
  signal?: AbortSignal,
): AsyncGenerator<ServerEvent> {
  const asked = new Request(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    ...(signal ? { signal } : {}),
  });
  const answer = await reach(asked);
  if (!answer.ok) throw refusal(await answer.json().catch(() => null), answer.status);
  if (answer.body) yield* events(answer.body);
}

export const api = {
  health: () => ok(http.GET("/api/health")),
};
