/** Summaries and drafts of books' pieces that there are, by name. */

import { http, ok, type Shapes } from "$/api/client";

class Summaries {
  list = $state.raw<Shapes["SummariesOut"][]>([]);

  async read(): Promise<void> {
    this.list = await ok(http.GET("/api/datasets/summaries/all")).catch(() => this.list);
  }
}

export const summaries = new Summaries();
