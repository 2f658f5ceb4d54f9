/** What was asked of `/v1`, added up by key. */

import type { Shapes } from "$/api/client";

export interface Used {
  requests: number;
  failures: number;
  tokens: number;
  /** ISO date, UTC. */
  last: string;
}

const DAY_MS = 86_400_000;

/** By key id; "" is those who came without a key. */
export function byKey(rows: Shapes["UseOut"][]): Map<string, Used> {
  const found = new Map<string, Used>();
  for (const row of rows) {
    const was = found.get(row.key_id) ?? { requests: 0, failures: 0, tokens: 0, last: row.day };
    found.set(row.key_id, {
      requests: was.requests + row.requests,
      failures: was.failures + row.failures,
      tokens: was.tokens + row.prompt_tokens + row.completion_tokens,
      last: was.last > row.day ? was.last : row.day,
    });
  }
  return found;
}

/** Whole days between an ISO date and now, both in UTC. */
export function daysSince(day: string, now = new Date()): number {
  return Math.floor(now.getTime() / DAY_MS) - Date.parse(day) / DAY_MS;
}
