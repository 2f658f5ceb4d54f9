/** The rewriting, joined to the open manuscript, the marks in it and the server. */

import { stream } from "$/api/client";
import { Marks } from "$/editor/diff";
import { manuscript } from "$/editor/manuscript.svelte";
import { refused } from "../beat/joined";
import { wishes } from "../beat/wishes.svelte";
import { Rewriting, rewriting, type Ports } from "./rewriting.svelte";

export const marks = new Marks();

export interface Entered {
  rewriting: Rewriting;
  /** Takes the marks out of the paper again. */
  leave: () => void;
}

/** Joins the rewriting to the paper that is open. */
export function enter(): Entered {
  const out = [manuscript.addPlugin(marks.plugin), rewriting.attach(ports())];
  return { rewriting, leave: () => out.toReversed().forEach((go) => go()) };
}

function ports(): Ports {
  return {
    paper: manuscript,
    marks,
    ask: stream,
    wish: () => wishes.wish(),
    refused,
    focus: () => manuscript.editor?.view.focus(),
  };
}
