/** A card while it is being changed: lists as lines, places as "" where there is none. */

import type { Shapes } from "$/api/client";
import { listed } from "./said";
import type { Persona, PersonaChange } from "./people.svelte";

export type Entry = Shapes["PersonaEntry"];

const TEXTS = [
  "name",
  "nickname",
  "slug",
  "summary",
  "description",
  "personality",
  "scenario",
  "first_message",
  "system_prompt",
  "post_history",
  "creator",
  "notes",
] as const;
export type TextField = (typeof TEXTS)[number];

export type Sheet = Record<TextField, string> & {
  color: Persona["color"];
  alternates: string[];
  examples: string;
  tags: string;
  work_id: string;
  character_id: string;
  chapter_id: string;
  adapter: string;
};

export function sheetOf(persona: Persona): Sheet {
  const texts = Object.fromEntries(TEXTS.map((name) => [name, persona[name] ?? ""]));
  return {
    ...(texts as Record<TextField, string>),
    color: persona.color,
    alternates: [...(persona.alternates ?? [])],
    examples: (persona.examples ?? []).join("\n"),
    tags: (persona.tags ?? []).join("、"),
    work_id: persona.work_id ?? "",
    character_id: persona.character_id ?? "",
    chapter_id: persona.chapter_id ?? "",
    adapter: persona.adapter ?? "",
  };
}

/** What is to be changed of the card so that it says what the sheet says. */
export function changeOf(persona: Persona, sheet: Sheet): PersonaChange {
  const { slug, alternates, examples, tags, work_id, character_id, chapter_id, adapter, ...rest } =
    sheet;
  const moved = chapter_id !== (persona.chapter_id ?? "") || work_id !== (persona.work_id ?? "");
  return {
    ...rest,
    slug: slug.trim() || null,
    alternates: alternates.filter((text) => text.trim()),
    examples: examples
      .split("\n")
      .map((line) => line.trim())
      .filter(Boolean),
    tags: listed(tags),
    work_id: work_id || null,
    character_id: (work_id && character_id) || null,
    chapter_id: (work_id && chapter_id) || null,
    adapter: adapter.trim() || null,
    ...(moved ? { offset: null } : {}),
  };
}
