/** What an item of a prompt is called, when only its id is left of it. */

import { book } from "$/state/book.svelte";
import { titled } from "../title";
import { choiceOf } from "./groups";
import { t } from "./words";
import type { Seen } from "./why.svelte";

export function nameOf(id: string, prompts: (Seen | null)[]): string {
  const items = prompts.flatMap((seen) =>
    seen ? [...seen.prompt.kept, ...seen.prompt.dropped] : [],
  );
  const item = items.find((one) => choiceOf(one.id) === id);
  if (item) return item.source;
  const [kind = "", ...rest] = id.split(":");
  const person = book.characters.find((one) => one.id === rest[0]);
  if (person) return `${t.cast} · ${person.name}`;
  const chapter = book.chapters.find((one) => rest.includes(one.id));
  const { label, name } = titled(book.work, chapter);
  const kinds: Record<string, string> = {
    passage: t.passages,
    recap: t.recap,
    lore: t.lore,
    thread: t.threadsGroup,
    fact: t.lore,
    outline: t.beat,
    character: t.cast,
    voice: t.voice,
  };
  return [kinds[kind] ?? id, chapter && (label || name)].filter(Boolean).join(" · ");
}
