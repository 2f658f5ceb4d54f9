/** Published adapters: versions of each name, which is current, which the engine holds. */

import { http, ok, type Shapes } from "$/api/client";

export type Published = Shapes["PublishedOut"];

class Adapters {
  list = $state.raw<Published[] | null>(null);

  async read(): Promise<void> {
    this.list = await ok(http.GET("/api/adapters/published")).catch(() => this.list ?? []);
  }

  /** Into the engine, where it is not yet. */
  async load(folder: string): Promise<void> {
    if (this.list?.find((each) => each.folder === folder)?.loaded) return;
    await ok(http.POST("/api/adapters", { body: { name: folder } }));
    await this.read();
  }

  async unload(folder: string): Promise<void> {
    await ok(http.DELETE("/api/adapters/{name}", { params: { path: { name: folder } } }));
    await this.read();
  }
}

export const adapters = new Adapters();
