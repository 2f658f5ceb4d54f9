/** Chapters' texts that were read lately, and those that the author may turn to next. */

import type { ChapterFull, Server, Version } from "./server";

const KEPT = 24;

export class Texts {
  #kept = new Map<string, Version>();
  #asked = new Map<string, Promise<ChapterFull>>();

  constructor(readonly server: Server) {}

  /** What was last seen of a chapter; another place may have changed it since. */
  seen(chapter: string): Version | undefined {
    return this.#kept.get(chapter);
  }

  keep(chapter: string, version: Version): void {
    this.#kept.delete(chapter);
    this.#kept.set(chapter, version);
    if (this.#kept.size > KEPT) this.#kept.delete(this.#kept.keys().next().value!);
  }

  /** The chapter as the server has it now; one question at a time. */
  load(work: string, chapter: string): Promise<ChapterFull> {
    const asked = this.#asked.get(chapter);
    if (asked) return asked;
    const answer = this.server.load(work, chapter).finally(() => this.#asked.delete(chapter));
    this.#asked.set(chapter, answer);
    return answer.then((full) => {
      this.keep(chapter, { revision: full.revision, text: full.text });
      return full;
    });
  }

  /** Reads the chapters after and before one ahead of their turn; in vain is no matter. */
  expectAround(work: string, chapter: string, order: string[]): void {
    const at = order.indexOf(chapter);
    for (const near of at < 0 ? [] : [order[at + 1], order[at - 1]]) {
      if (near && !this.#kept.has(near)) void this.load(work, near).catch(() => {});
    }
  }
}
