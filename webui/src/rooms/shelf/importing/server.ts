/** The import's way to the server. Everything throws Refusal. */

import { http, ok, upload, type Shapes } from "$/api/client";
import { wire, type Corrections } from "./corrections";
import type { Preview } from "./preview";

export type Text = Shapes["PreviewText"];

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

/** A chapter of the last preview. */
export function text(upload_id: string, index: number): Promise<Text> {
  const params = { path: { upload_id, index } };
  return ok(http.GET("/api/imports/{upload_id}/chapters/{index}", { params }));
}

/** The file is forgotten. */
export async function drop(upload_id: string): Promise<void> {
  await ok(http.DELETE("/api/imports/{upload_id}", { params: { path: { upload_id } } }));
}
