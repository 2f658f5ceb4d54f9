/** Sizes and times as they are said. */

import { count } from "$/words/index.svelte";
import { t } from "./words";

export function bytes(n: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let at = 0;
  while (n >= 1024 && at < units.length - 1) {
    n /= 1024;
    at++;
  }
  return `${at === 0 || n >= 100 ? Math.round(n) : n.toFixed(1)} ${units[at]}`;
}

export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return t.seconds(whole);
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return t.minutes(minutes, whole % 60);
  return t.hours(Math.floor(minutes / 60), minutes % 60);
}

/** A loss or another measure: three digits that tell something. */
export function measure(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  if (value !== 0 && Math.abs(value) < 0.01) return value.toExponential(1);
  return Math.abs(value) >= 1000 ? count(Math.round(value)) : value.toPrecision(3);
}
