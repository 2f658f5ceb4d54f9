/** Who is at the caret, and one of them as they stand there. */

import { http, ok, type Shapes } from "$/api/client";
import { manuscript } from "$/editor/manuscript.svelte";
import { Names } from "$/editor/mentions";
import { book } from "$/state/book.svelte";
import { toUnits } from "$/text/points";
import { present } from "./present";
import { standingAt, type Standing } from "./standing";

type Relation = Shapes["RelationOut"];
type Progression = Shapes["ProgressionOut"];

const REST_MS = 600;

class Cast {
  present = $state.raw<string[]>([]);
  standing = $state.raw<Standing | null>(null);
  relations = $state.raw<Relation[]>([]);
  progressions = $state.raw<Progression[]>([]);
  refused = $state<string | null>(null);
  /** Whose sheet `standing` is. */
  of = $state<string | null>(null);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #turn = 0;

  /** Looks again who is there, once the author rests. */
  touched(then: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (manuscript.composing) this.touched(then);
      else (this.look(), then());
    }, REST_MS);
  }

  rest(): void {
    clearTimeout(this.#timer);
  }

  look(): void {
    const text = manuscript.text();
    const sofar = text.slice(0, toUnits(text, manuscript.caret()));
    this.present = present(new Names(book.characters), sofar);
  }

  /** Reads how a character stands at the caret. What could not be read leaves the last. */
  async read(character: string): Promise<void> {
    const { work, chapter, revision } = manuscript;
    if (!work || !chapter) return;
    const turn = ++this.#turn;
    const offset = manuscript.caret();
    const path = { work_id: work };
    try {
      const [standing, relations, progressions] = await Promise.all([
        standingAt(character, { work, chapter, revision, offset }),
        ok(
          http.GET("/api/works/{work_id}/relations", {
            params: { path, query: { chapter_id: chapter, offset } },
          }),
        ),
        ok(
          http.GET("/api/works/{work_id}/progressions", {
            params: { path, query: { character_id: character } },
          }),
        ),
      ]);
      if (turn !== this.#turn) return;
      Object.assign(this, { standing, relations, progressions, of: character, refused: null });
    } catch (error) {
      if (turn === this.#turn) this.refused = (error as Error).message;
    }
  }
}

export const cast = new Cast();
