/** Words in the author's language. A room keeps its own in a `words.ts` beside it:
 *
 *     export const t = words({ save: "保存", left: (n: number) => `还差 ${n} 字` },
 *                            { save: "Save", left: (n) => `${n} to go` });
 *
 * and a component says `{t.save}`, which follows when the author changes the language.
 */

import { look } from "$/state/look.svelte";

type Entry = string | ((...given: never[]) => string);
type Same<T> = { [K in keyof T]: T[K] extends string ? string : T[K] };

export function words<T extends Record<string, Entry>>(zh: T, en: Same<T>): Same<T> {
  return new Proxy(zh as Same<T>, {
    get: (_, name) => (look.language === "en" ? en : (zh as Same<T>))[name as keyof T],
  });
}

/** `12,345`; the same in both languages. */
export function count(n: number): string {
  // The browser's own way loads its tables first, which takes longer than all of the tree's rows.
  return String(n).replace(/(?<!\.\d*)\B(?=(\d{3})+(?!\d))/g, ",");
}

/** `2.2万` for a volume's tree row; `22k` in English. */
export function roughly(n: number): string {
  if (n < 10_000) return count(n);
  return look.language === "en" ? `${Math.round(n / 1000)}k` : `${(n / 10_000).toFixed(1)}万`;
}

/** `刚刚`, `昨天`, `3 天前`, `10月28日`. */
export function since(time: string | Date, now = new Date()): string {
  const then = new Date(time);
  const english = look.language === "en";
  const minutes = (now.getTime() - then.getTime()) / 60_000;
  const days = Math.round((midnight(now) - midnight(then)) / 86_400_000);
  const relative = new Intl.RelativeTimeFormat(english ? "en" : "zh-CN", { numeric: "auto" });
  if (minutes < 1) return english ? "just now" : "刚刚";
  if (minutes < 60) return relative.format(-Math.floor(minutes), "minute");
  if (days === 0) return relative.format(-Math.floor(minutes / 60), "hour");
  if (days < 7) return relative.format(-days, "day");
  const far = then.getFullYear() !== now.getFullYear();
  return then.toLocaleDateString(english ? "en" : "zh-CN", {
    month: english ? "short" : "long",
    day: "numeric",
    ...(far ? { year: "numeric" as const } : {}),
  });
}

/** `16:42` */
export function clock(time: string | Date): string {
  return new Date(time).toLocaleTimeString("zh-CN", { hour: "2-digit", minute: "2-digit" });
}

function midnight(day: Date): number {
  return new Date(day.getFullYear(), day.getMonth(), day.getDate()).getTime();
}
