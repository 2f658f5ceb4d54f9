/** Who is in the scene: named in the chapter so far, whoever was named last before all. */

import type { Names } from "$/editor/mentions";

/** Ids of those whom `text` names, the last named first. */
export function present(names: Names, text: string): string[] {
  const found = new Set<string>();
  for (const { ids } of names.find(text).reverse()) for (const id of ids) found.add(id);
  return [...found];
}
