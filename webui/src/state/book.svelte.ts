/** The open book: the work, its volumes and chapters (without their texts), its cast. */

import { http, ok, type Shapes } from "$/api/client";

export type Work = Shapes["WorkOut"];
export type Volume = Shapes["VolumeOut"];
export type Chapter = Shapes["ChapterOut"];
export type Character = Shapes["CharacterOut"];

class Book {
  id = $state<string | null>(null);
  work = $state<Work | null>(null);
  volumes = $state<Volume[]>([]);
  chapters = $state<Chapter[]>([]);
  characters = $state<Character[]>([]);
  loading = $state(false);
  error = $state<string | null>(null);

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
    const found = this.chapter(chapter.id);
    if (found) Object.assign(found, chapter);
  }
}

export const book = new Book();
