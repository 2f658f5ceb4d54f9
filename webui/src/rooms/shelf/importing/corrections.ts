/** What the author changes in a file as it was read. Pure; lines are the source's, from 1. */

import type { Shapes } from "$/api/client";

export interface Corrections {
  /** null: as the desk reads it by itself. */
  encoding: string | null;
  /** How chapters are told; the desk chooses by itself under "auto". */
  pattern: string;
  title: string;
  author: string;
  /** Lines that are headings, and headings that are none. */
  add: readonly number[];
  drop: readonly number[];
  /** Other titles, by their headings' lines. */
  titles: Readonly<Record<number, string>>;
  /** The empty lines between paragraphs go; null: as the desk reads the format. */
  close: boolean | null;
}

export function asRead(title: string, author: string): Corrections {
  return {
    encoding: null,
    pattern: "auto",
    title,
    author,
    add: [],
    drop: [],
    titles: {},
    close: null,
  };
}

/** A chapter joins the one above. */
export function merged(told: Corrections, line: number): Corrections {
  const add = told.add.filter((one) => one !== line);
  const { [line]: _, ...titles } = told.titles;
  // A heading that the author made is only taken back; one of the file's is refused.
  return add.length < told.add.length
    ? { ...told, add, titles }
    : { ...told, drop: [...told.drop, line], titles };
}

/** A chapter begins at this line. */
export function split(told: Corrections, line: number): Corrections {
  const drop = told.drop.filter((one) => one !== line);
  return drop.length < told.drop.length
    ? { ...told, drop }
    : { ...told, add: [...new Set([...told.add, line])] };
}

/** A chapter has another title. */
export function renamed(told: Corrections, line: number, title: string): Corrections {
  return { ...told, titles: { ...told.titles, [line]: title } };
}

/** Another encoding: lines may be other lines, so what was said about them no longer holds. */
export function encoded(told: Corrections, encoding: string): Corrections {
  return { ...told, encoding, add: [], drop: [], titles: {} };
}

export function patterned(told: Corrections, pattern: string): Corrections {
  return { ...told, pattern };
}

export function closed(told: Corrections, close: boolean): Corrections {
  return { ...told, close };
}

export function wire(told: Corrections): Shapes["CorrectionsIn"] {
  const { encoding, pattern, title, author, add, drop, titles, close } = told;
  return {
    encoding,
    title: title.trim() || null,
    author: author.trim(),
    add_headings: [...add],
    drop_headings: [...drop],
    pattern,
    titles,
    drop_blank_lines: close,
  };
}
