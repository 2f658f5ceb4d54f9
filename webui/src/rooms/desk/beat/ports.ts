/** What the attempts need of their surroundings, so that they can be told without a browser. */

import type { stream } from "$/api/client";
import type { Wish } from "./attempt.svelte";

/** The manuscript; offsets are code points, positions ProseMirror's. */
export interface Paper {
  readonly work: string | null;
  readonly chapter: string | null;
  caret(): number;
  posAt(points: number): number;
  pointsAt(pos: number): number;
  /** Saves; resolves with the server's revision. */
  flush(): Promise<number>;
  insert(text: string, how: { at: number; generation?: string; candidate?: number }): void;
  snapshot(label: string, kind: "author" | "before"): Promise<void>;
}

/** The ghost in the paper (editor/ghost.ts). */
export interface Shade {
  /** Where it stands; null where there is none. It moves with edits elsewhere. */
  readonly pos: number | null;
  open(pos: number): void;
  /** Shows `text`, which may still be growing. */
  write(text: string, growing: boolean): void;
  close(): void;
  /** Told when its first characters stand in the document, typed or taken. */
  onTaken: (text: string) => void;
  /** Told when the author wrote something else over its place. */
  onGone: () => void;
}

export interface Ports {
  paper: Paper;
  ghost: Shade;
  wish: () => Wish;
  ask: typeof stream;
  /** Notes in the log that the author did not want it. */
  refused: (work: string, generation: string) => void;
  /** All that was offered now stands in the document. */
  taken: () => void;
  /** Draws before the next frame. */
  frame: (draw: () => void) => void;
}
