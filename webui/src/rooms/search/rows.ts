/** What a search found, as the rows of one list; rows that can be chosen say where they lead. */

import type { Character, Chapter } from "$/state/book.svelte";
import { address } from "$/state/route.svelte";
import { excerpt, marked, type Part } from "./marks";
import { t } from "./words";

export interface Row {
  id: string;
  kind: "head" | "chapter" | "character" | "lore" | "passage" | "count" | "command" | "recent";
  title: Part[];
  /** Quieter, behind the title: where it is, how many. */
  note?: string;
  /** Why it was found. */
  why?: string;
  /** The words that were found, marked. */
  text?: Part[];
  /** A heading has none. */
  run?: () => void;
}

/** What this room reads of a chapter; `label` and `name` as soon as the server tells them. */
export type Told = Chapter & { label?: string; name?: string };

export interface Passage {
  chapter: number;
  chapter_id: string;
  title: string;
  position: number;
  ranks: Record<string, number>;
  text: string;
}

export interface Exact {
  chapter_id: string;
  label: string;
  name: string;
  /** All of them; `hits` may be the first, or none. */
  count: number;
  hits: { start: number; end: number; before: string; text: string; after: string }[];
}

export interface Lore {
  id: string;
  name?: string;
  keys?: string[];
}

const plain = (text: string): Part[] => [{ text, hit: false }];
const head = (id: string, title: string, note?: string): Row => ({
  id: `head-${id}`,
  kind: "head",
  title: plain(title),
  ...(note ? { note } : {}),
});

/** A heading and the rows under it; nothing where there are none. */
function group(id: string, title: string, rows: Row[]): Row[] {
  return rows.length ? [head(id, title), ...rows] : [];
}

function go(where: string): () => void {
  return () => (location.hash = where);
}

function has(text: string, query: string): boolean {
  return text.toLowerCase().includes(query.trim().toLowerCase());
}

export function chapterTitle(chapter: Told): string {
  return chapter.label || chapter.name
    ? [chapter.label, chapter.name].filter(Boolean).join("　")
    : chapter.title;
}

function chapterRow(work: string, query: string, chapter: Told): Row {
  return {
    id: `chapter-${chapter.id}`,
    kind: "chapter",
    title: marked(chapterTitle(chapter), query),
    run: go(address({ name: "desk", work, chapter: chapter.id, span: null })),
  };
}

const named = (query: string, chapters: Told[]) =>
  chapters.filter((chapter) => has(chapterTitle(chapter), query)).slice(0, 5);

/** Chapters by their title. */
export function chapterRows(work: string, query: string, chapters: Told[]): Row[] {
  const rows = named(query, chapters).map((chapter) => chapterRow(work, query, chapter));
  return group("chapters", t.chapters, rows);
}

/** Chapters that tell much of what was asked, `places` counted from 1; those named by it not again. */
export function tellingRows(
  work: string,
  query: string,
  chapters: Told[],
  places: number[],
): Row[] {
  const above = named(query, chapters);
  const told = places.flatMap((place) => chapters[place - 1] ?? []);
  const rows = told
    .filter((chapter) => !above.includes(chapter))
    .slice(0, 3)
    .map((chapter) => chapterRow(work, query, chapter));
  return group("telling", t.tells, rows);
}

export function characterRows(work: string, query: string, cast: Character[]): Row[] {
  const found = cast.flatMap((character) => {
    const alias = character.aliases.find((name) => has(name, query));
    if (!has(character.name, query) && !alias) return [];
    const row: Row = {
      id: `character-${character.id}`,
      kind: "character",
      title: marked(character.name, query),
      note: has(character.name, query) || !alias ? character.role : t.alias(alias),
      run: go(address({ name: "story", work, tab: "cast", item: character.id })),
    };
    return [row];
  });
  return group("characters", t.characters, found.slice(0, 5));
}

export function loreRows(work: string, query: string, entries: Lore[]): Row[] {
  const found = entries.filter(({ name = "", keys = [] }) =>
    [name, ...keys].some((k) => has(k, query)),
  );
  return group(
    "lore",
    t.lore,
    found.slice(0, 5).map((entry) => ({
      id: `lore-${entry.id}`,
      kind: "lore",
      title: marked(entry.name || entry.keys?.join("、") || "", query),
      note: entry.keys?.join("、") ?? "",
      run: go(address({ name: "story", work, tab: "lore", item: entry.id })),
    })),
  );
}

export function passageRows(
  work: string,
  query: string,
  passages: Passage[],
  chapters: Told[],
): Row[] {
  const rows = passages.map((passage): Row => {
    const found = excerpt(passage.text, query);
    const span: [number, number] = [
      passage.position + found.span[0],
      passage.position + found.span[1],
    ];
    const chapter = chapters.find((one) => one.id === passage.chapter_id);
    return {
      id: `passage-${passage.chapter_id}-${passage.position}`,
      kind: "passage",
      title: plain(chapter ? chapterTitle(chapter) : passage.title),
      why: why(passage.ranks),
      text: marked(found.text, query),
      run: go(address({ name: "desk", work, chapter: passage.chapter_id, span })),
    };
  });
  return group("passages", t.passages, rows);
}

function why(ranks: Record<string, number>): string {
  const [words, meaning] = ["lexical" in ranks, "dense" in ranks];
  if (words && meaning) return t.byBoth;
  return words ? t.byWords : meaning ? t.byMeaning : t.byRank;
}

const SHOWN = 3;

/** Chapters with how often they say it and the first places of each; `more` brings all of one. */
export function exactRows(
  work: string,
  found: Exact[],
  open: ReadonlySet<string>,
  more: (chapter: string) => void,
): Row[] {
  return found.flatMap(({ chapter_id, label, name, count, hits }) => {
    const title = [label, name].filter(Boolean).join("　");
    const shown = open.has(chapter_id) ? hits : hits.slice(0, SHOWN);
    const left = count - shown.length;
    const rest: Row = {
      id: `more-${chapter_id}`,
      kind: "count",
      title: plain(t.more(left)),
      run: () => more(chapter_id),
    };
    return [
      head(chapter_id, title, t.inChapter(count)),
      ...shown.map((hit) => hitRow(work, chapter_id, hit)),
      ...(left > 0 ? [rest] : []),
    ];
  });
}

function hitRow(work: string, chapter: string, hit: Exact["hits"][number]): Row {
  const { start, end, before, text, after } = hit;
  return {
    id: `hit-${chapter}-${start}`,
    kind: "passage",
    title: [],
    text: [...plain(before), { text, hit: true }, ...plain(after)],
    run: go(address({ name: "desk", work, chapter, span: [start, end] })),
  };
}

export function recentRows(recent: string[], again: (query: string) => void): Row[] {
  return group(
    "recent",
    t.recent,
    recent.map((query) => ({
      id: `recent-${query}`,
      kind: "recent",
      title: plain(query),
      run: () => again(query),
    })),
  );
}
