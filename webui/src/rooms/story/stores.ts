/** The story's rows, once for the page. */

import type { Shapes } from "$/api/client";
import { book } from "$/state/book.svelte";
import { of } from "./ask";
import { Rows } from "./rows.svelte";

export type Person = Shapes["CharacterOut"];
export type Bond = Shapes["RelationOut"];
export type Thread = Shapes["ThreadOut"];
export type Turn = Shapes["EventOut"];
export type Node = Shapes["OutlineOut"];
export type Lorebook = Shapes["BookOut"];
/** The server always tells all of it. */
export type Entry = Required<Shapes["EntryOut"]>;
export type Fact = Shapes["FactOut"];
export type Progression = Shapes["ProgressionOut"];
export type Scene = Shapes["SceneOut"];
export type Knower = Shapes["Knower"];

export const people = new Rows<Person, Shapes["CharacterNew"], Shapes["CharacterChange"]>({
  derived: ["summary", "portrait"],
  // The desk underlines and lists the same cast.
  mirror: (list) => list.length && (book.characters = list),
});
export const progressions = new Rows<
  Progression,
  Shapes["ProgressionNew"],
  Shapes["ProgressionChange"]
>();
const PLACES = ["since_chapter_id", "since_offset", "until_chapter_id", "until_offset"] as const;
export const facts = new Rows<Fact, Omit<Shapes["FactNew"], never>, Shapes["FactChange"]>({
  derived: [...PLACES, "evidence_changed", "evidence_start", "evidence_end"],
});
export const bonds = new Rows<Bond, Shapes["RelationNew"], Shapes["RelationChange"]>();
export const threads = new Rows<Thread, Shapes["ThreadNew"], Shapes["ThreadChange"]>({
  derived: ["state", "state_set", "events"],
});
export const nodes = new Rows<Node, Shapes["OutlineNew"], Shapes["OutlineChange"]>();
export const books = new Rows<Lorebook, Shapes["BookNew"], Shapes["BookChange"]>();
export const entries = new Rows<Entry, Partial<Shapes["EntryNew"]>, Shapes["EntryChange"]>({
  derived: ["faults"],
});
export const scenes = new Rows<Scene, Shapes["SceneNew"], Shapes["SceneChange"]>();

/** Reads what several tabs show: the cast, and what changes in it. */
export function openCast(work: string): void {
  void people.open(of(work, "characters"));
}
