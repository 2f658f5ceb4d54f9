/** The import's way to the server. Everything throws Refusal. */

import { http, offline, ok, refusal, upload, type Shapes } from "$/api/client";
import { wire, type Corrections } from "./corrections";
import type { Preview } from "./preview";

export interface Text {
  title: string;
  text: string;
  /** The source's line of each line of the text: what a chapter is split at. */
  lines: number[];
}

export function send(
  file: File,
  encoding: string | null,
  told: (share: number) => void,
  signal: AbortSignal,
): Promise<Preview> {
  const form = new FormData();
  form.append("file", file);
  if (encoding) form.append("encoding", encoding);
  const path = "/api/imports";
  return upload<Preview>(path, form, (sent, all) => told(all ? sent / all : 0), signal);
}

export function preview(upload_id: string, told: Corrections): Promise<Preview> {
  const params = { path: { upload_id } };
  return ok(http.POST("/api/imports/{upload_id}/preview", { params, body: wire(told) }));
}

export function commit(upload_id: string, told: Corrections): Promise<Shapes["ImportOut"]> {
  const params = { path: { upload_id } };
  return ok(http.POST("/api/imports/{upload_id}/commit", { params, body: wire(told) }));
}

export async function text(upload_id: string, index: number): Promise<Text> {
  return (await ask("GET", `/api/imports/${upload_id}/chapters/${index}`)).json();
}

/** The file is forgotten. */
export async function drop(upload_id: string): Promise<void> {
  await ask("DELETE", `/api/imports/${upload_id}`);
}

async function ask(method: string, path: string): Promise<Response> {
  const answer = await fetch(path, { method }).catch(() => Promise.reject(offline()));
  if (!answer.ok) throw refusal(await answer.json().catch(() => null), answer.status);
  return answer;
}
