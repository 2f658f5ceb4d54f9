/** The story's routes by their address: its rows are all read, added, changed and deleted alike. */

import { http, ok } from "$/api/client";

type Method = "get" | "post" | "put" | "patch" | "delete";
type Asked<T> = Parameters<typeof ok<T>>[0];

/** The answer's data; throws Refusal like every other request. */
export function ask<T>(method: Method, path: string, body?: unknown): Promise<T> {
  // The address is whole already, which the typed client has no word for.
  const request = http.request as unknown as (m: Method, p: string, how: object) => Asked<T>;
  // What is deleted in a page's last moment still goes.
  const keepalive = method === "delete";
  return ok<T>(request(method, path, body === undefined ? { keepalive } : { body }));
}

/** The address of something of a work. */
export function of(work: string, ...parts: string[]): string {
  return ["/api/works", work, ...parts].join("/");
}
