/** The open book: the work, its volumes and chapters (without their texts), its cast.
 *
 * What the author changes shows at once; where the server refuses, it goes back and says why.
 */

import { http, ok, type Shapes } from "$/api/client";
import { emptied, inOrder, orderOf, type Order } from "./order";
import { toasts } from "./toasts.svelte";

export type Work = Shapes["WorkOut"];
export type Volume = Shapes["VolumeOut"];
export type Chapter = Shapes["ChapterOut"];
export type Character = Shapes["CharacterOut"];

class Book {
  id = $state<string | null>(null);
  work = $state<Work | null>(null);
  // Raw: a book may have thousands of chapters, which are replaced, never changed in place.
  volumes = $state.raw<Volume[]>([]);
  chapters = $state.raw<Chapter[]>([]);
  characters = $state<Character[]>([]);
  loading = $state(false);
  error = $state<string | null>(null);

  /** Changes of the order go to the server one after the other. */
  #line: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** Makes `id` the open book; at once where it is already open. */
  async open(id: string): Promise<void> {
    if (this.id === id && this.work) return;
    Object.assign(this, { id, work: null, volumes: [], chapters: [], characters: [], error: null });
    await this.refresh();
  }

  /** Reads everything anew. */
  async refresh(): Promise<void> {
    const id = this.id;
    if (id === null) return;
    this.loading = true;
    try {
      const params = { params: { path: { work_id: id } } };
      const [work, volumes, chapters, characters] = await Promise.all([
        ok(http.GET("/api/works/{work_id}", params)),
        ok(http.GET("/api/works/{work_id}/volumes", params)),
        ok(http.GET("/api/works/{work_id}/chapters", params)),
        ok(http.GET("/api/works/{work_id}/characters", params)),
      ]);
      if (this.id === id) Object.assign(this, { work, volumes, chapters, characters, error: null });
    } catch (error) {
      if (this.id === id) this.error = error instanceof Error ? error.message : String(error);
    } finally {
      this.loading = false;
    }
  }

  chapter(id: string | null): Chapter | undefined {
    return this.chapters.find((chapter) => chapter.id === id);
  }

  /** What a route answered about one chapter, without asking for the whole book again. */
  changed(chapter: Partial<Chapter> & { id: string }): void {
    const at = this.chapters.findIndex((one) => one.id === chapter.id);
    if (at >= 0) this.chapters = this.chapters.with(at, { ...this.chapters[at]!, ...chapter });
  }

  get order(): Order {
    return orderOf(this.volumes, this.chapters);
  }

  /** True where the server took it. `meanwhile` is what shows until it answers. */
  async change(
    id: string,
    body: Shapes["ChapterChange"],
    meanwhile: Partial<Chapter>,
  ): Promise<boolean> {
    const before = this.chapter(id);
    if (!before) return false;
    this.changed({ id, ...meanwhile });
    const names = Object.keys(meanwhile) as (keyof Chapter)[];
    const was = Object.fromEntries(names.map((name) => [name, before[name]]));
    const path = { work_id: this.#work, chapter_id: id };
    return this.#try(
      () => http.PATCH("/api/works/{work_id}/chapters/{chapter_id}", { params: { path }, body }),
      (row) => this.changed(row),
      () => this.changed({ id, ...was }),
    );
  }

  /** Puts the book into another order. */
  async arrange(order: Order): Promise<boolean> {
    const { id, order: before } = this;
    this.#show(order);
    return this.#inTurn(() =>
      this.#try(
        () =>
          http.PUT("/api/works/{work_id}/order", {
            params: { path: { work_id: id ?? "" } },
            body: this.id === id ? this.order : order,
          }),
        // A later order is already in sight: its own answer brings the numbers.
        (told) => this.#waiting === 1 && Object.assign(this, told),
        () => this.#show(before),
      ),
    );
  }

  /** A new chapter behind another, or at the end; undefined where the server would not. */
  async add(after: string | null, title = ""): Promise<Chapter | undefined> {
    const at = this.chapters.findIndex((chapter) => chapter.id === after);
    const volume = at < 0 ? this.volumes.at(-1)?.id : this.chapters[at]!.volume_id;
    return this.addAt({
      title,
      volume_id: volume ?? null,
      ...(at < 0 ? {} : { position: at + 1 }),
    });
  }

  async addAt(place: Omit<Shapes["ChapterNew"], "text" | "kind">): Promise<Chapter | undefined> {
    const body = { text: "", kind: "chapter" as const, ...place };
    let made: Chapter | undefined;
    await this.#inTurn(() =>
      this.#try(
        () =>
          http.POST("/api/works/{work_id}/chapters", {
            params: { path: { work_id: this.#work } },
            body,
          }),
        (row) => (made = row),
      ),
    );
    // Those behind it have other numbers now.
    if (made) await this.reread();
    return made;
  }

  /** Into the bin. */
  async bin(id: string): Promise<boolean> {
    const rows = this.chapters;
    this.chapters = rows.filter((chapter) => chapter.id !== id);
    const path = { work_id: this.#work, chapter_id: id };
    const gone = await this.#inTurn(() =>
      this.#try(
        () => http.DELETE("/api/works/{work_id}/chapters/{chapter_id}", { params: { path } }),
        () => {},
        () => (this.chapters = rows),
      ),
    );
    if (gone) await this.reread();
    return gone;
  }

  /** Out of the bin, to the place it had. */
  async restore(id: string): Promise<boolean> {
    const path = { work_id: this.#work, chapter_id: id };
    const back = await this.#inTurn(() =>
      this.#try(() =>
        http.POST("/api/works/{work_id}/chapters/{chapter_id}/restore", { params: { path } }),
      ),
    );
    if (back) await this.reread();
    return back;
  }

  async addVolume(title: string): Promise<Volume | undefined> {
    let made: Volume | undefined;
    const params = { path: { work_id: this.#work } };
    await this.#try(
      () => http.POST("/api/works/{work_id}/volumes", { params, body: { title } }),
      (row) => (made = row),
    );
    if (made) this.volumes = [...this.volumes, made];
    return made;
  }

  async renameVolume(id: string, title: string): Promise<boolean> {
    const rows = this.volumes;
    const show = (row: Partial<Volume>) =>
      (this.volumes = this.volumes.map((one) => (one.id === id ? { ...one, ...row } : one)));
    show({ title });
    const path = { work_id: this.#work, volume_id: id };
    return this.#try(
      () =>
        http.PATCH("/api/works/{work_id}/volumes/{volume_id}", {
          params: { path },
          body: { title },
        }),
      show,
      () => show(rows.find((one) => one.id === id) ?? {}),
    );
  }

  /** A volume goes; its chapters stay where they are told, in what stands above it. */
  async dropVolume(id: string): Promise<boolean> {
    if (!(await this.arrange(emptied(this.order, id)))) return false;
    const path = { work_id: this.#work, volume_id: id };
    return this.#try(
      () => http.DELETE("/api/works/{work_id}/volumes/{volume_id}", { params: { path } }),
      () => (this.volumes = this.volumes.filter((one) => one.id !== id)),
    );
  }

  async changeWork(body: Shapes["WorkChange"]): Promise<boolean> {
    const params = { path: { work_id: this.#work } };
    return this.#try(
      () => http.PATCH("/api/works/{work_id}", { params, body }),
      (work) => Object.assign(this.work ?? {}, work),
    );
  }

  /** The chapters anew, with their numbers. */
  async reread(): Promise<void> {
    const id = this.#work;
    const params = { path: { work_id: id } };
    await this.#try(
      () => http.GET("/api/works/{work_id}/chapters", { params }),
      (rows) => this.id === id && (this.chapters = rows),
    );
  }

  get #work(): string {
    return this.id ?? "";
  }

  #show(order: Order): void {
    Object.assign(this, inOrder(order, this.volumes, this.chapters));
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    this.#waiting++;
    const turn = this.#line.then(work).finally(() => this.#waiting--);
    this.#line = turn.catch(() => {});
    return turn;
  }

  async #try<T>(
    ask: () => Parameters<typeof ok<T>>[0],
    then: (answer: T) => unknown = () => {},
    undo: () => unknown = () => {},
  ): Promise<boolean> {
    const id = this.id;
    try {
      const answer = await ok(ask());
      if (this.id === id) then(answer);
      return true;
    } catch (error) {
      if (this.id === id) undo();
      toasts.error(error);
      return false;
    }
  }
}

export const book = new Book();
