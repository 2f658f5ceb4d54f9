/** One asking of the model and the texts that came of it. */

import type { Shapes } from "$/api/client";

/** What the author may ask for; what is not said is the server's to choose. */
export type Wish = Partial<Shapes["ContinueIn"]>;
export type Prompt = Shapes["PromptOut"];

/** How a text came to its end: not yet, as the model meant it, by the author, by accident. */
export type End = "writing" | "whole" | "stopped" | "cut";

/** One text of one generation. */
export class Candidate {
  text = $state("");
  end = $state<End>("writing");
  readonly attempt: Attempt;
  /** Which of the generation's texts it is, from 0. */
  readonly index: number;

  constructor(attempt: Attempt, index: number) {
    this.attempt = attempt;
    this.index = index;
  }
}

export class Attempt {
  /** The server's id and the prompt, as soon as it is built. */
  generation = $state<string | null>(null);
  prompt = $state.raw<Prompt | null>(null);
  candidates = $state<Candidate[]>([]);
  /** Part of it stands in the document, by the author's will. */
  accepted = false;

  candidate(index: number): Candidate {
    while (this.candidates.length <= index)
      this.candidates.push(new Candidate(this, this.candidates.length));
    return this.candidates[index] as Candidate;
  }

  /** No more will come; texts that were still growing ended like this. */
  close(end: End): void {
    for (const candidate of this.candidates) {
      if (candidate.end === "writing") candidate.end = end;
      candidate.text = candidate.text.trimEnd();
    }
  }
}

/** An attempt out of the log, to be looked at again. */
export interface Past {
  id: string;
  outputs: { text?: string }[];
  prompt?: Prompt | null;
}

export function fromLog(past: Past): Attempt {
  const attempt = new Attempt();
  attempt.generation = past.id;
  attempt.prompt = past.prompt ?? null;
  past.outputs.forEach(({ text = "" }, n) => (attempt.candidate(n).text = text));
  attempt.close("whole");
  return attempt;
}
