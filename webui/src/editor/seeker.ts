/** Author's expressions, looked for beside the page: some of them would take years. */

import { spots, type Query, type Spot, compile } from "./pattern";

export interface Sought {
  lines: string[];
  pattern: RegExp;
}

/** It was given up: the expression takes too long. */
export class TooSlow extends Error {}

/** How long an expression may take for a chapter, ms; an ordinary one takes a few. */
export const LIMIT_MS = 1000;

type Beside = Pick<Worker, "postMessage" | "terminate" | "onmessage" | "onerror">;

function beside(): Beside {
  return new Worker(new URL("./seek.worker.ts", import.meta.url), { type: "module" });
}

export class Seeker {
  #worker: Beside | null = null;
  #giveUp: ((why: Error) => void) | null = null;

  constructor(readonly make: () => Beside = beside) {}

  /** Every match in `lines`. Throws SyntaxError for a broken expression, TooSlow where it was
   * given up, AbortError when something else is looked for meanwhile. */
  async seek(lines: string[], query: Query): Promise<Spot[]> {
    this.rest();
    const pattern = compile(query);
    if (!pattern) return [];
    // Only an expression can take long, and asking somebody else takes longer than finding words.
    return query.regex ? this.#ask({ lines, pattern }) : spots(lines, pattern);
  }

  /** Gives up what is being looked for. */
  rest(): void {
    this.#giveUp?.(new DOMException("", "AbortError"));
  }

  #ask(sought: Sought): Promise<Spot[]> {
    const worker = (this.#worker ??= this.make());
    return new Promise<Spot[]>((done, failed) => {
      const late = setTimeout(() => this.#giveUp?.(new TooSlow()), LIMIT_MS);
      const over = () => {
        clearTimeout(late);
        this.#giveUp = null;
      };
      this.#giveUp = (why) => {
        over();
        worker.terminate();
        this.#worker = null;
        failed(why);
      };
      worker.onmessage = ({ data }: MessageEvent<Spot[]>) => {
        over();
        done(data);
      };
      worker.onerror = () => this.#giveUp?.(new Error("the searching worker failed"));
      worker.postMessage(sought);
    });
  }
}
