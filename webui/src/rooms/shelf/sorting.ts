/** The shelf's orders. Pure. */

import type { Work } from "$/state/book.svelte";

export type Sort = "recent" | "title" | "size";

const titles = new Intl.Collator("zh-CN", { numeric: true });

const ORDERS: Record<Sort, (a: Work, b: Work) => number> = {
  recent: (a, b) => Date.parse(b.edited_at) - Date.parse(a.edited_at),
  title: (a, b) => titles.compare(a.title, b.title),
  size: (a, b) => b.chars - a.chars,
};

export function inSight(works: readonly Work[], sort: Sort): Work[] {
  return [...works].sort(ORDERS[sort] ?? ORDERS.recent);
}
