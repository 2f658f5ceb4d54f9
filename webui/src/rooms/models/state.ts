/** An engine's account of itself, told apart: what it does, how far it is, what its log said. */

import type { Health } from "$/api/client";

export interface Account {
  /** One line: what it is doing, or why it cannot. */
  doing: string;
  /** 0 … 1 where it says how far it is. */
  progress: number | null;
  /** The last lines of its log, where it failed. */
  log: string;
}

/** `正在载入权重（40%）` is 0.4 of a step; below a failure's first line stands its log. */
export function account(health: Health | null): Account {
  const [doing = "", ...rest] = (health?.engine.detail ?? "").split("\n");
  const percent = /[（(](\d+)%[）)]/.exec(doing);
  const progress = percent ? Math.min(1, Number(percent[1]) / 100) : null;
  return { doing, progress, log: rest.join("\n").trim() };
}
