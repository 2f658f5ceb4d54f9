/** The rewriting, joined to the open manuscript, the marks in it and the server. */

import { stream } from "$/api/client";
import { Marks } from "$/editor/diff";
import { manuscript } from "$/editor/manuscript.svelte";
import { refused } from "../beat/joined";
import { wishes } from "../beat/wishes.svelte";
import type { Ports } from "./rewriting.svelte";

export const marks = new Marks();

export function ports(): Ports {
  return {
    paper: manuscript,
    marks,
    ask: stream,
    wish: () => wishes.wish(),
    refused,
    focus: () => manuscript.editor?.view.focus(),
  };
}
